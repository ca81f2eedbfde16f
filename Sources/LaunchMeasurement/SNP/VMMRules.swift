private import Bytes
import Documents

/// The rules in which SEV loaders differ: the state of a fresh vCPU and the order and kind of pages.
///
/// Values are those of the VMSA fields (AMD64 APM volume 2, appendix B, table B-4). A profile states each as a rule
/// with its origin; the presets serve the command line.
public struct VMMRules: Hashable, Sendable {
    /// What RDX holds at reset.
    public enum ResetRDX: Hashable, Sendable {
        /// CPUID Fn0000_0001 EAX of the vCPU model.
        case signature
        case fixed(UInt64)
    }

    /// The record of a SNP_SEC_MEM page.
    public enum SecMem: String, Sendable, CaseIterable { case zero, unmeasured }
    /// Where the CPUID page's record stands: in table order, or after all other sections.
    public enum CPUIDPosition: String, Sendable, CaseIterable { case table, last }

    /// Segment attributes of CS on the boot and the other processors, and of SS and TR.
    public var csBSP, csAP, ss, tr: UInt16
    public var rdx: ResetRDX
    public var gPAT: UInt64
    public var mxcsr: UInt32
    public var fcw: UInt16
    public var secMem: SecMem
    public var cpuid: CPUIDPosition
    /// Guest physical address under which VMSA pages are measured.
    public var vmsaGPA: UInt64

    /// QEMU on KVM.
    public static let qemu = VMMRules(
        csBSP: 0x9B, csAP: 0x9B, ss: 0x93, tr: 0x8B, rdx: .signature, gPAT: 0x0007_0406_0007_0406, mxcsr: 0x1F80,
        fcw: 0x37F, secMem: .zero, cpuid: .table, vmsaGPA: 0xFFFF_FFFF_F000)
    /// Amazon EC2 since about April 2026.
    public static let ec2 = VMMRules(
        csBSP: 0x9A, csAP: 0x9B, ss: 0x92, tr: 0x83, rdx: .fixed(0x600), gPAT: 0x0007_0406_0007_0406, mxcsr: 0,
        fcw: 0, secMem: .zero, cpuid: .last, vmsaGPA: 0xFFFF_FFFF_F000)
    /// Amazon EC2 before RDX changed.
    public static let ec2Legacy = ec2.with { $0.rdx = .fixed(0) }
    /// Google Compute Engine on Milan.
    public static let gce = VMMRules(
        csBSP: 0x9B, csAP: 0x9B, ss: 0x93, tr: 0x8B, rdx: .fixed(0x600), gPAT: 0x0007_0106, mxcsr: 0, fcw: 0,
        secMem: .unmeasured, cpuid: .table, vmsaGPA: 0xFFFF_FFFF_F000)
    /// libkrun, as the sev crate has it.
    public static let krun = VMMRules(
        csBSP: 0x9A, csAP: 0x9A, ss: 0x92, tr: 0x83, rdx: .fixed(0), gPAT: 0x0007_0406_0007_0406, mxcsr: 0, fcw: 0,
        secMem: .zero, cpuid: .table, vmsaGPA: 0xFFFF_FFFF_F000)

    /// The same rules but for a change.
    public func with(_ change: (inout VMMRules) -> Void) -> VMMRules {
        var rules = self
        change(&rules)
        return rules
    }

    /// KVM that does not synchronise the FPU state into the save area: MXCSR and x87 control word stay 0.
    public var withoutFPUState: VMMRules {
        with {
            $0.mxcsr = 0
            $0.fcw = 0
        }
    }
}

extension VMMRules {
    /// Takes the rules of a profile: `vmsa.cs.bsp`, `vmsa.cs.ap`, `vmsa.ss`, `vmsa.tr`, `vmsa.rdx` (`signature` or an
    /// integer), `vmsa.g_pat`, `vmsa.mxcsr`, `vmsa.x87_fcw`, `vmsa.gpa`, `pages.sec_mem`, `pages.cpuid`.
    init(_ rules: inout RuleDecoder) throws(DocumentError) {
        csBSP = try rules.number("vmsa.cs.bsp")
        csAP = try rules.number("vmsa.cs.ap")
        ss = try rules.number("vmsa.ss")
        tr = try rules.number("vmsa.tr")
        let rdx = try rules.take("vmsa.rdx")
        if rdx.value == "signature" {
            self.rdx = .signature
        } else if let number = parseInteger(rdx.value) {
            self.rdx = .fixed(number)
        } else {
            throw rules.error(rdx, "found '\(rdx.value)', expected 'signature' or an integer")
        }
        gPAT = try rules.number("vmsa.g_pat")
        mxcsr = try rules.number("vmsa.mxcsr")
        fcw = try rules.number("vmsa.x87_fcw")
        vmsaGPA = try rules.number("vmsa.gpa")
        secMem = try rules.choice("pages.sec_mem")
        cpuid = try rules.choice("pages.cpuid")
        guard vmsaGPA.isMultiple(of: 4096) else {
            throw rules.error(
                ProfileRule(name: "vmsa.gpa", value: "", origin: "", confidence: .readInSource),
                "found \(hexadecimal(vmsaGPA)), expected a multiple of 4096")
        }
    }
}
