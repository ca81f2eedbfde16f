private import Bytes
import Documents

/// The rules in which loaders of IGVM files differ.
public struct IGVMRules: Hashable, Sendable {
    /// How a page without data is launched.
    public enum ZeroPages: String, Sendable, CaseIterable {
        /// As a measured page of zeros: the format's definition, QEMU, openvmm.
        case normal
        /// As SEV-SNP's own type for zero pages: Google's Vanadium, early QEMU trees of Coconut.
        case native
    }

    /// Where a virtual processor's save area is measured.
    public enum Placement: String, Sendable, CaseIterable {
        /// In the file's order and at its address: Hyper-V, openvmm.
        case file
        /// After all pages, at the one address that KVM uses.
        case kvm
    }

    /// When a parameter area's pages are launched.
    public enum ParameterOrder: String, Sendable, CaseIterable {
        /// In the file's order: the format's definition.
        case file
        /// Before the run of adjoining pages that stands in front of it: QEMU launches a run of pages only when the
        /// next page does not continue it, and other directives at once.
        case qemu
    }

    public var zeroPages: ZeroPages
    public var placement: Placement
    public var parameters: ParameterOrder

    public init(
        zeroPages: ZeroPages = .normal, placement: Placement = .file, parameters: ParameterOrder = .file
    ) {
        self.zeroPages = zeroPages
        self.placement = placement
        self.parameters = parameters
    }

    /// Takes the rules of a profile: `igvm.zero_pages`, `igvm.placement`, `igvm.parameters`; nil if it has none of
    /// them.
    static func optional(_ rules: inout RuleDecoder) throws(DocumentError) -> IGVMRules? {
        guard rules.rules.contains(where: { $0.name.hasPrefix("igvm.") }) else { return nil }
        return IGVMRules(
            zeroPages: try rules.choice("igvm.zero_pages"), placement: try rules.choice("igvm.placement"),
            parameters: try rules.choice("igvm.parameters"))
    }
}

extension IGVMRules.ZeroPages {
    /// Who was seen to follow the rule, for traces.
    public var origin: String {
        switch self {
        case .normal: "zero pages as data: IGVM definitions, QEMU, openvmm"
        case .native: "zero pages as such: igvmmeasure --native-zero"
        }
    }
}

extension IGVMRules.Placement {
    /// Who was seen to follow the rule, for traces.
    public var origin: String {
        switch self {
        case .file: "save area where the file has it: IGVM definitions, openvmm"
        case .kvm: "save area last and at KVM's address: igvmmeasure --check-kvm, Linux"
        }
    }
}

extension IGVMRules.ParameterOrder {
    /// Who was seen to follow the rule, for traces.
    public var origin: String {
        switch self {
        case .file: "parameters in file order: IGVM definitions"
        case .qemu: "parameters before the run of pages in front of them: read in QEMU's source"
        }
    }
}
