import ArgumentParser
import Bytes
import Documents
import Evidence
import Explanation
import Files
import Hashing
import LaunchMeasurement
import Signing

/// `assay identify`: which inputs give the launch digest that a machine reported.
struct IdentifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify",
        abstract: "Find the inputs that give a SEV-SNP launch digest.",
        discussion: """
            Measures every combination of vCPU count, CPU model, SEV features, loader rules, kernel hashes on or off, and \
            the usual changes of a command line (a trailing blank or newline, doubled blanks), and names each that \
            gives the digest. Exit 0 if there is one, 1 if none does. Of a report that states its processor (version 3 and \
            later), that processor's signature is tried before every other; its signature is not verified here \
            (assay inspect --verify). Example:

              assay identify report.bin --ovmf OVMF.amdsev.fd --kernel vmlinuz --initrd initrd --append "$(cat cmdline)"
            """)

    @Argument(help: "An attestation report, or a launch digest in hex or base64.")
    var evidence: String
    @Option(help: ArgumentHelp("A firmware or a record of one; can be given more than once.", valueName: "file"))
    var ovmf: [String]
    @Option(help: ArgumentHelp("The kernel of a direct boot.", valueName: "file"))
    var kernel: String?
    @Option(help: ArgumentHelp("The initrd of a direct boot.", valueName: "file"))
    var initrd: String?
    @Option(help: ArgumentHelp("The kernel command line as it should be.", valueName: "text"))
    var append: String?
    @Option(help: ArgumentHelp("vCPU counts to try, a range.", valueName: "n"))
    var vcpus: String = "1-512"
    @OptionGroup var cpu: CPUOptions
    @Option(
        name: .customLong("guest-features"),
        help: ArgumentHelp("SEV_FEATURES to try instead of the usual ones; more than once.", valueName: "value"))
    var guestFeatures: [String] = []
    @Option(
        name: .customLong("vmm-type"),
        help: ArgumentHelp("Loader rules to try instead of all; more than once.", valueName: "name"))
    var vmms: [KnownVMM] = []
    @Flag(help: "Print what was found as JSON.")
    var json = false

    func run() throws {
        let evidence = try LaunchEvidence(evidence)
        let digest = evidence.digest
        if evidence.report?.policy.has(.debug) == true {
            Console.warning("the report's POLICY allows debugging: the host can read and change this guest's memory")
        }
        var kernelOptions = KernelOptions()
        kernelOptions.kernel = kernel
        kernelOptions.initrd = initrd
        kernelOptions.append = append
        var search = LaunchSearch(
            firmwares: try ovmf.map { try FirmwareInput.read($0, seed: nil, lookForVerifier: false) },
            kernel: try kernelOptions.inputs(), vcpus: try LaunchRange.parse(vcpus))
        let models = try cpu.models(needed: false)
        if cpu.given { search.models = models.map { .init(name: $0.name, signature: $0.signature) } }
        if !guestFeatures.isEmpty { search.features = try guestFeatures.map(LaunchFeatures.parse) }
        if !vmms.isEmpty { search.vmms = vmms }
        let outcome =
            if let report = evidence.report, !cpu.given { try search.run(report) } else { try search.run(digest) }
        for name in outcome.withoutKernelHashes {
            Console.warning("\(name) has no place for kernel hashes: searched without the kernel")
        }
        if json { print(ReadableJSON.encode(document(outcome, evidence)), terminator: "") }
        guard !outcome.matches.isEmpty else {
            throw CommandFailure(
                "none of \(outcome.compared) combinations gives \(digest)", outcome: .no,
                hint: "another firmware file, kernel, initrd or command line was loaded, or other features were set "
                    + "(--guest-features), or the CPU model has no name here (--vcpu-sig)")
        }
        guard !json else { return }
        for match in outcome.matches { print(Console.escape(sentence(match))) }
        if let report = evidence.report { print(report.sentence) }
    }

    private func sentence(_ match: LaunchSearch.Match) -> String {
        let model = match.model.map { "\($0.name) (\($0.signature))" } ?? "any CPU model"
        let kernel = match.kernel.inputs == nil ? "no kernel hashes" : "kernel hashes"
        let difference = match.kernel.inputs == nil ? nil : match.kernel.difference
        return "\(match.vcpus) vCPU\(match.vcpus == 1 ? "" : "s"), \(model), features \(hexadecimal(match.features)), "
            + "\(match.vmms.joined(separator: " or ")), \(match.firmware), \(kernel)"
            + (difference.map { " with \($0)" } ?? "")
    }

    private func document(_ outcome: LaunchSearch.Outcome, _ evidence: LaunchEvidence) -> Value {
        let matches = outcome.matches.map { match in
            var members: [(String, Value)] = [
                ("firmware", .string(match.firmware)), ("vcpus", .count(match.vcpus)),
                ("guestFeatures", .hex(match.features)), ("vmms", .array(of: match.vmms.map { .string($0) })),
                ("kernelHashes", .bool(match.kernel.inputs != nil)),
            ]
            if let model = match.model {
                members += [
                    ("vcpuType", .string(model.name)), ("vcpuSignature", .hex(model.signature.rawValue)),
                ]
            }
            if let difference = match.kernel.difference { members.append(("difference", .string(difference))) }
            return Value.object(members)
        }
        let report = evidence.report.map { [("report", Value.object($0.factsAboutLaunch))] } ?? []
        return .object(
            [
                ("launchDigest", .string(evidence.digest.hex)), ("compared", .count(outcome.compared)),
                ("matches", .array(of: matches)),
            ] + report)
    }
}

/// What a machine said of its launch: a digest alone, or the report that holds it.
private struct LaunchEvidence {
    var digest: Digest
    var report: SNPReport?

    /// Takes hex or base64 of 48 bytes, or a file's path.
    init(_ text: String) throws {
        if let digest = Digest(.sha384, hex: text) {
            self.digest = digest
        } else if let digest = Base64.decode(text).flatMap({ Digest(.sha384, bytes: $0) }) {
            self.digest = digest
        } else {
            let report = try SNPExtendedReport(InputFile.contents(of: text, limit: 2 << 20), source: text).report
            self.report = report
            digest = report.measurement
        }
    }
}

extension SNPReport {
    /// What a report says of the launch beside its digest.
    fileprivate var factsAboutLaunch: [(String, Value)] {
        let names: Set = [
            "version", "policy", "vmpl", "processor", "familyID", "imageID", "idKeyDigest", "authorKeyDigest",
            "hostData",
        ]
        return facts.filter { names.contains($0.0) }
    }

    /// The same on one line.
    fileprivate var sentence: String {
        let flags = SNPPolicy.Flag.allCases.filter { policy.has($0) }.map(\.name)
        var parts = [
            "VMPL \(vmpl == .max ? "of the host" : String(vmpl))",
            "POLICY \(hexadecimal(policy.rawValue))" + (flags.isEmpty ? "" : " (\(flags.joined(separator: ", ")))"),
        ]
        if let processor {
            parts.append(
                "\(product?.rawValue ?? "unknown processor") (family \(hexadecimal(processor.family)), model "
                    + "\(hexadecimal(processor.model)), stepping \(hexadecimal(processor.stepping)))")
        }
        if idKeyDigest.bytes.contains(where: { $0 != 0 }) { parts.append("ID key \(idKeyDigest)") }
        if hostData.contains(where: { $0 != 0 }) { parts.append("HOST_DATA \(hostData.hex)") }
        return "report version \(version): \(parts.joined(separator: ", ")); signature not checked"
    }
}
