/// A loader whose rules are known, with where they were learnt and where they hold.
///
/// This is the table behind `--vmm-type` and the cause search; a profile states its rules itself. A cloud that changes
/// a rule is one more line here, and the old line stays for the reports of before.
public struct KnownVMM: Hashable, Sendable {
    /// What `--vmm-type` takes.
    public let name: String
    public let title: String
    public let rules: VMMRules
    /// Versions or times for which the rules hold.
    public let validity: String
    /// Where the rules were learnt.
    public let origin: String
    public let confidence: ProfileRule.Confidence

    /// Whether the vCPU model enters the digest.
    public var usesSignature: Bool { rules.rdx == .signature }

    /// All that are known, the usual one first.
    public static let all: [KnownVMM] = [
        KnownVMM(
            name: "QEMU", title: "QEMU/KVM", rules: .qemu,
            validity: "hosts with KVM_SEV_INIT2 (Linux 6.11 and later for SEV-SNP)",
            origin: "KVM reset state; a signed Milan report with its inputs; sev-snp-measure, sev crate",
            confidence: .seenInQuote),
        KnownVMM(
            name: "QEMU-before-init2", title: "QEMU/KVM, SNP host kernels before KVM_SEV_INIT2",
            rules: VMMRules.qemu.withoutFPUState, validity: "AMD's host kernels up to spring 2024",
            origin: "sev-snp-measure 0.0.9 and its threads 48 and 49: FPU fields stay 0", confidence: .readInSource),
        KnownVMM(
            name: "cloud-hypervisor", title: "Cloud Hypervisor on KVM", rules: .qemu,
            validity: "since its SEV-SNP support on KVM; the signature is what its command line says",
            origin: "Cloud Hypervisor pull requests 7942 and 8123: the same reset state", confidence: .readInSource),
        KnownVMM(
            name: "ec2", title: "Amazon EC2", rules: .ec2, validity: "since about April 2026 (RDX 0x600)",
            origin: "aws/uefi issue 19, sev-snp-measure 0.0.13", confidence: .severalPrograms),
        KnownVMM(
            name: "ec2-legacy", title: "Amazon EC2 before RDX changed", rules: .ec2Legacy,
            validity: "until about April 2026 (RDX 0)", origin: "sev-snp-measure up to 0.0.12, sev crate, Go port",
            confidence: .severalPrograms),
        KnownVMM(
            name: "gce", title: "Google Compute Engine on Milan", rules: .gce,
            validity: "N2D machines; VMSA at the last page of 48 bits",
            origin: "gce-tcb-verifier, sev-snp-measure", confidence: .severalPrograms),
        KnownVMM(
            name: "gce-genoa", title: "Google Compute Engine on Genoa",
            rules: VMMRules.gce.with { $0.vmsaGPA = 0x000F_FFFF_FFFF_F000 },
            validity: "C3D machines; VMSA at the last page of 52 bits", origin: "gce-tcb-verifier alone",
            confidence: .readInSource),
        KnownVMM(
            name: "krun", title: "libkrun", rules: .krun, validity: "the sev crate's KRUN type, 7.1 and 8.0",
            origin: "sev crate alone, whose own overrides for this type have no effect", confidence: .readInSource),
    ]

    /// The one of this name, upper and lower case alike.
    public static func named(_ name: String) -> KnownVMM? {
        all.first { $0.name.lowercased() == name.lowercased() }
    }
}
