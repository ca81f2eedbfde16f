public import Firmware
public import Hashing
public import LaunchMeasurement

/// Finds what led to a launch digest of SEV-SNP, SEV-ES or SEV: every combination of the values here is measured and
/// compared.
///
/// Combinations share what they have in common. A firmware is hashed once, the pages of metadata and kernel hashes once
/// for each order of pages and each variant of the kernel, a save area once for each state, and a launch of n vCPUs
/// extends the one of n − 1.
public struct LaunchSearch: Sendable {
    /// What may have been launched, and how.
    public enum Subject: Sendable {
        case snp(SNPFirmware)
        /// `variables`: size of the variable store between SVSM and firmware, in bytes.
        case svsm(SVSMImage, firmware: OVMFImage, variables: Int)
        case sevES(OVMFImage)
        case sev(OVMFImage)
        /// SEV with a firmware that has no tables, and so no place for kernel hashes.
        case sevPlain([UInt8], name: String)

        /// Name of the firmware.
        public var name: String {
            switch self {
            case .snp(let firmware): firmware.name
            case .svsm(_, let firmware, _), .sevES(let firmware), .sev(let firmware): firmware.name
            case .sevPlain(_, let name): name
            }
        }
    }

    /// A CPU model by its name and signature.
    public struct Model: Hashable, Sendable {
        public var name: String
        public var signature: VCPUSignature

        public init(name: String, signature: VCPUSignature) {
            self.name = name
            self.signature = signature
        }
    }

    public var subjects: [Subject]
    public var kernel: KernelInputs?
    public var vcpus: ClosedRange<Int>
    public var models: [Model]
    /// Values of SEV_FEATURES, for SEV-SNP; in the other launches it is fixed.
    public var features: [UInt64]
    /// Loaders, for SEV-SNP and SEV-ES.
    public var vmms: [KnownVMM]

    /// Those that stacks are known to set: SNP alone, with DebugSwap, Secure TSC or both, and SVSM with and without
    /// DebugSwap.
    public static let usualFeatures: [UInt64] = [0x1, 0x21, 0x201, 0x221, 0x29, 0x9]
    /// Every signature that has a name.
    public static var namedModels: [Model] {
        VCPUSignature.known.map { Model(name: $0.name, signature: $0.signature) }
    }

    public init(
        _ subjects: [Subject], kernel: KernelInputs? = nil, vcpus: ClosedRange<Int> = 1...512,
        models: [Model] = LaunchSearch.namedModels, features: [UInt64] = LaunchSearch.usualFeatures,
        vmms: [KnownVMM] = KnownVMM.all
    ) {
        self.subjects = subjects
        self.kernel = kernel
        self.vcpus = vcpus
        self.models = models
        self.features = features
        self.vmms = vmms
    }

    /// A combination that gives the digest.
    public struct Match: Hashable, Sendable {
        public var firmware: String
        /// The SVSM, and the size of the variable store above it in bytes.
        public var svsm: SVSM?
        /// Nil in a SEV launch, in which vCPUs have no part.
        public var vcpus: Int?
        /// Nil where the loader does not measure the CPU model.
        public var model: Model?
        /// SEV_FEATURES; nil in a SEV launch.
        public var features: UInt64?
        /// Names of all loaders whose rules give the digest; empty where there is but one.
        public var vmms: [String]
        /// What the host was given as kernel.
        public var kernel: KernelVariant

        public struct SVSM: Hashable, Sendable {
            public var name: String
            public var variables: Int

            public init(name: String, variables: Int) {
                self.name = name
                self.variables = variables
            }
        }
    }

    /// What a search came to.
    public struct Outcome: Hashable, Sendable {
        public var matches: [Match] = []
        /// Digests that were compared.
        public var compared = 0
        /// Firmware for which no kernel hashes exist, so that it was searched without a kernel alone.
        public var withoutKernelHashes: [String] = []
        /// Blanks of the command line that were not tried doubled, because there are too many.
        public var blanksNotTried = 0
    }

    /// Searches for a launch digest; a second search with single blanks doubled follows if the usual one finds nothing.
    public func run(_ digest: Digest) throws -> Outcome {
        var folded = self
        folded.subjects = try subjects.map { subject in
            if case .snp(let firmware) = subject { .snp(try firmware.folded()) } else { subject }
        }
        var outcome = try folded.search(digest, KernelVariant.usual(kernel))
        if outcome.matches.isEmpty, let kernel {
            let more = try folded.search(digest, KernelVariant.oneBlankDoubled(kernel))
            outcome.matches = more.matches
            outcome.compared += more.compared
            outcome.blanksNotTried = CommandLineVariant.blanksNotDoubled(kernel.commandLine)
        }
        return outcome
    }

    private func search(_ digest: Digest, _ variants: [KernelVariant]) throws -> Outcome {
        var outcome = Outcome()
        for subject in subjects {
            switch subject {
            case .snp(let firmware): try search(digest, firmware, variants, &outcome)
            case .svsm(let svsm, let firmware, let variables):
                try search(digest, svsm, firmware, variables: variables, &outcome)
            case .sevES(let firmware): try search(digest, sevES: firmware, variants, &outcome)
            case .sev(let firmware): try search(digest, sev: firmware, variants, &outcome)
            case .sevPlain(let bytes, let name): try search(digest, plain: bytes, name, variants, &outcome)
            }
        }
        return outcome
    }
}
