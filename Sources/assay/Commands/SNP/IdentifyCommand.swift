import ArgumentParser
import Bytes
import Documents
import Evidence
import Explanation
import Files
import Firmware
import Hashing
import LaunchMeasurement

/// `assay identify`: which inputs give the launch digest that a machine reported.
struct IdentifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify",
        abstract: "Find the inputs that give a SEV-SNP, SEV-ES or SEV launch digest.",
        discussion: """
            Measures every combination of vCPU count, CPU model, SEV features, loader rules, kernel hashes on or off, and \
            the usual changes of a command line (a trailing blank or newline, doubled blanks), and names each that \
            gives the digest. Exit 0 if there is one, 1 if none does. Of a report that states its processor (version 3 and \
            later), that processor's signature is tried before every other; its signature is not verified here \
            (assay inspect --verify).

            --mode says what was launched. SEV-ES varies in all but SEV features, and each loader starts its guests in two \
            ways (KVM_SEV_INIT2, KVM_SEV_ES_INIT); SEV in the kernel alone; an SVSM in vCPUs and the size of the variable \
            store. Example:

              assay identify report.bin --ovmf OVMF.amdsev.fd --kernel vmlinuz --initrd initrd --append "$(cat cmdline)"
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case snp
        case svsm = "snp:svsm"
        case seves, sev

        var algorithm: HashAlgorithm { self == .snp || self == .svsm ? .sha384 : .sha256 }
    }

    @Argument(help: "An attestation report, or a launch digest in hex or base64.")
    var evidence: String
    @Option(help: "What was launched.")
    var mode: Mode = .snp
    @Option(help: ArgumentHelp("A firmware or a record of one; can be given more than once.", valueName: "file"))
    var ovmf: [String]
    @Option(help: ArgumentHelp("The kernel of a direct boot.", valueName: "file"))
    var kernel: String?
    @Option(help: ArgumentHelp("The initrd of a direct boot.", valueName: "file"))
    var initrd: String?
    @Option(help: ArgumentHelp("The kernel command line as it should be.", valueName: "text"))
    var append: String?
    @Option(help: ArgumentHelp("vCPU counts to try, a range (default: 1-512).", valueName: "n"))
    var vcpus: String?
    @OptionGroup var cpu: CPUOptions
    @Option(
        name: .customLong("guest-features"),
        help: ArgumentHelp("SEV_FEATURES to try instead of the usual ones; more than once.", valueName: "value"))
    var guestFeatures: [String] = []
    @Option(
        name: .customLong("vmm-type"),
        help: ArgumentHelp("Loader rules to try instead of all; more than once.", valueName: "name"))
    var vmms: [KnownVMM] = []
    @OptionGroup var svsm: SVSMOptions
    @Flag(help: "Print what was found as JSON.")
    var json = false

    func run() throws {
        try refuseStrays()
        let evidence = try LaunchEvidence(evidence, mode: mode)
        if evidence.report?.policy.has(.debug) == true {
            Console.warning("the report's POLICY allows debugging: the host can read and change this guest's memory")
        }
        let outcome = try search(for: evidence)
        for name in outcome.withoutKernelHashes {
            Console.warning("\(name) has no place for kernel hashes: searched without the kernel")
        }
        if outcome.blanksNotTried > 0 {
            Console.warning(
                "\(outcome.blanksNotTried) blanks at the end of the command line were not tried doubled: it has too many"
            )
        }
        if json { print(ReadableJSON.encode(outcome.document(evidence, mode: mode)), terminator: "") }
        guard !outcome.matches.isEmpty else {
            throw CommandFailure(
                "none of \(outcome.compared) combination\(outcome.compared == 1 ? "" : "s") gives \(evidence.digest)",
                outcome: .no, hint: hint)
        }
        guard !json else { return }
        for match in outcome.matches { print(Console.escape(match.sentence)) }
        if let report = evidence.report { print(report.sentence) }
    }

    private func search(for evidence: LaunchEvidence) throws -> LaunchSearch.Outcome {
        var kernelOptions = KernelOptions()
        kernelOptions.kernel = kernel
        kernelOptions.initrd = initrd
        kernelOptions.append = append
        var search = LaunchSearch(
            try subjects(), kernel: try kernelOptions.inputs(), vcpus: try LaunchRange.parse(vcpus ?? "1-512"))
        let models = try cpu.models(needed: false)
        if cpu.given { search.models = models.map { .init(name: $0.name, signature: $0.signature) } }
        if !guestFeatures.isEmpty { search.features = try guestFeatures.map(LaunchFeatures.parse) }
        if !vmms.isEmpty { search.vmms = vmms }
        guard let report = evidence.report, !cpu.given else { return try search.run(evidence.digest) }
        return try search.run(report)
    }

    /// What may have been launched.
    private func subjects() throws -> [LaunchSearch.Subject] {
        switch mode {
        case .snp: return try ovmf.map { .snp(try FirmwareInput.read($0, seed: nil, lookForVerifier: false)) }
        case .svsm:
            let image = try svsm.image()
            let sizes = try svsm.variables().map { [$0] } ?? Self.variableStoreSizes
            return try ovmf.flatMap { path in
                let firmware = try FirmwareInput.image(path)
                return sizes.map { LaunchSearch.Subject.svsm(image, firmware: firmware, variables: $0) }
            }
        case .seves: return try ovmf.map { .sevES(try FirmwareInput.image($0)) }
        case .sev:
            return try ovmf.map { path in
                do { return .sev(try FirmwareInput.image(path)) } catch let error as FormatError {
                    Console.warning("\(error); searched as plain bytes, which is all that SEV measures")
                    return .sevPlain(try FirmwareInput.bytes(path), name: fileName(path))
                }
            }
        }
    }

    /// Sizes of the variable stores that OVMF is built with, 4 MiB and 2 MiB builds.
    private static let variableStoreSizes = [0x8_4000, 0x2_0000]

    /// Refuses options that have no part in the mode.
    private func refuseStrays() throws {
        func refuse(_ given: Bool, _ options: String) throws {
            guard given else { return }
            throw CommandFailure("\(options) no part in --mode \(mode.rawValue)", hint: "leave it out")
        }
        if mode != .svsm { try svsm.refuse(in: mode.rawValue) }
        try refuse(mode != .snp && !guestFeatures.isEmpty, "--guest-features has")
        try refuse((mode == .svsm || mode == .sev) && !vmms.isEmpty, "--vmm-type has")
        try refuse(
            mode == .svsm && (kernel != nil || initrd != nil || append != nil), "--kernel, --initrd and --append have")
        try refuse(mode == .sev && (cpu.given || vcpus != nil), "vCPUs have")
    }

    private var hint: String {
        switch mode {
        case .sev:
            "another firmware file, kernel, initrd or command line was loaded, or this is an HMAC of LAUNCH_MEASURE"
        case .seves:
            "another firmware file, kernel, initrd or command line was loaded, or the CPU model has no name here "
                + "(--vcpu-sig), or this is an HMAC of LAUNCH_MEASURE"
        case .svsm:
            "another firmware file or SVSM was loaded, or the variable store has another size (--vars-size), or the CPU "
                + "model has no name here (--vcpu-sig)"
        case .snp:
            "another firmware file, kernel, initrd or command line was loaded, or other features were set "
                + "(--guest-features), or the CPU model has no name here (--vcpu-sig)"
        }
    }
}
