/// A loader of IGVM files whose rules are known, with where they were learnt and where they hold.
public struct KnownIGVMLoader: Hashable, Sendable {
    /// What `--loader` takes.
    public let name: String
    public let title: String
    public let rules: IGVMRules
    /// Versions for which the rules hold.
    public let validity: String
    /// Where the rules were learnt.
    public let origin: String
    public let confidence: ProfileRule.Confidence

    /// All that are known, the format's own definition first.
    public static let all: [KnownIGVMLoader] = [
        KnownIGVMLoader(
            name: "definition", title: "the format's definition; openvmm and Hyper-V", rules: IGVMRules(),
            validity: "every loader that follows the definitions of microsoft/igvm to the letter",
            origin: "igvm crate's measurement and igvmmeasure agree", confidence: .severalPrograms),
        KnownIGVMLoader(
            name: "QEMU", title: "QEMU on KVM", rules: IGVMRules(placement: .kvm, parameters: .qemu),
            validity: "QEMU 10.1 and later, as long as its backends/igvm.c gathers pages into runs",
            origin: "QEMU backends/igvm.c and Linux; igvmmeasure --check-kvm for the save area",
            confidence: .readInSource),
        KnownIGVMLoader(
            name: "coconut-qemu", title: "early QEMU trees of Coconut SVSM",
            rules: IGVMRules(zeroPages: .native, placement: .kvm), validity: "trees before IGVM came to QEMU itself",
            origin: "igvmmeasure --native-zero --check-kvm", confidence: .readInSource),
        KnownIGVMLoader(
            name: "vanadium", title: "Google's Vanadium", rules: IGVMRules(zeroPages: .native),
            validity: "SVSM on Google Compute Engine", origin: "igvmmeasure --native-zero",
            confidence: .readInSource),
    ]

    /// The one of this name, upper and lower case alike.
    public static func named(_ name: String) -> KnownIGVMLoader? {
        all.first { $0.name.lowercased() == name.lowercased() }
    }
}
