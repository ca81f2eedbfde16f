import ArgumentParser
import Bytes
import Documents
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
            gives the digest. Exit 0 if there is one, 1 if none does. Example:

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
        let digest = try digest()
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
        let outcome = try search.run(digest)
        for name in outcome.withoutKernelHashes {
            Console.warning("\(name) has no place for kernel hashes: searched without the kernel")
        }
        if json { print(ReadableJSON.encode(document(outcome, digest)), terminator: "") }
        guard !outcome.matches.isEmpty else {
            throw CommandFailure(
                "none of \(outcome.compared) combinations gives \(digest)", outcome: .no,
                hint: "another firmware file, kernel, initrd or command line was loaded, or other features were set "
                    + "(--guest-features), or the CPU model has no name here (--vcpu-sig)")
        }
        if !json { for match in outcome.matches { print(Console.escape(sentence(match))) } }
    }

    private func digest() throws -> Digest {
        if let digest = Digest(.sha384, hex: evidence) { return digest }
        if let bytes = Base64.decode(evidence), let digest = Digest(.sha384, bytes: bytes) { return digest }
        return try reportedMeasurement(evidence)
    }

    private func sentence(_ match: LaunchSearch.Match) -> String {
        let model = match.model.map { "\($0.name) (\($0.signature))" } ?? "any CPU model"
        let kernel = match.kernel.inputs == nil ? "no kernel hashes" : "kernel hashes"
        let difference = match.kernel.inputs == nil ? nil : match.kernel.difference
        return "\(match.vcpus) vCPU\(match.vcpus == 1 ? "" : "s"), \(model), features \(hexadecimal(match.features)), "
            + "\(match.vmms.joined(separator: " or ")), \(match.firmware), \(kernel)"
            + (difference.map { " with \($0)" } ?? "")
    }

    private func document(_ outcome: LaunchSearch.Outcome, _ digest: Digest) -> Value {
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
        return .object([
            ("launchDigest", .string(digest.hex)), ("compared", .count(outcome.compared)),
            ("matches", .array(of: matches)),
        ])
    }
}

/// The measurement that a report file holds.
private func reportedMeasurement(_ path: String) throws -> Digest {
    let bytes = try InputFile.contents(of: path, limit: 1 << 16)
    guard bytes.count == 1184, (2...5).contains(bytes[0]), bytes[1...3].allSatisfy({ $0 == 0 }),
        let digest = Digest(.sha384, bytes: bytes[0x90..<0xC0])
    else {
        throw CommandFailure(
            "\(path): neither a digest of 48 bytes nor an attestation report of 1184 bytes, version 2 to 5",
            hint: "give the report as the guest got it, or the 96 hex digits of its MEASUREMENT")
    }
    return digest
}
