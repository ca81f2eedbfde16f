import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Signing
import Trace

/// `assay measure igvm`: the launch measurement of an IGVM file on one of its platforms.
struct MeasureIGVMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "igvm",
        abstract: "Compute the launch measurement of an IGVM file on SEV-SNP, TDX, SEV or SEV-ES.",
        discussion: """
            Prints the digest that the platform reports: the SEV-SNP launch digest, MRTD of a trust domain, or the \
            SHA-256 that the measurement of SEV and SEV-ES covers. If the file has an SEV-SNP ID block, its digest and \
            its signature must be right. Loaders differ in two rules: how a page without data is launched, and where \
            the processor's save area is measured. Example:

              assay measure igvm coconut-qemu.igvm --platform snp --placement kvm
            """)

    enum Platform: String, ExpressibleByArgument, CaseIterable {
        case snp, tdx, sev
        case sevES = "sev-es"

        init?(argument: String) {
            // The longer name is igvmmeasure's.
            self.init(rawValue: argument == "sev-snp" ? "snp" : argument)
        }

        var kind: IGVMPlatform.Kind {
            switch self {
            case .snp: .snp
            case .tdx: .tdx
            case .sev: .sev
            case .sevES: .sevES
            }
        }
    }

    @Argument(help: "The IGVM file.")
    var file: String
    @Option(help: "The platform that the file is loaded on.")
    var platform: Platform = .snp
    @Option(
        name: .customLong("zero-pages"),
        help: "A page without data: a measured page of zeros (QEMU, openvmm), or SEV-SNP's own zero page.")
    var zeroPages: IGVMRules.ZeroPages = .normal
    @Option(help: "The save area: where the file has it (openvmm), or last and at KVM's address.")
    var placement: IGVMRules.Placement = .file
    @Option(help: "Parameter areas: in the file's order, or before the run of pages in front of them (QEMU).")
    var parameters: IGVMRules.ParameterOrder = .file
    @Flag(name: .customLong("ignore-id-block"), help: "Print the digest although the file's ID block is wrong.")
    var ignoreIDBlock = false
    @Option(name: .customLong("output-format"), help: "How the digest is printed.")
    var outputFormat: MeasureSNPCommand.Format = .hex
    @Flag(help: "Print the digest and what it was computed from as JSON.")
    var json = false
    @Flag(help: "Print JSON with every directive in order.")
    var trace = false

    func run() throws {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        let bytes = try InputFile.contents(of: file, limit: IGVMFile.maximumByteCount)
        let launch = try IGVMLaunch(
            IGVMFile(bytes, name: name), platform: platform.kind,
            rules: IGVMRules(zeroPages: zeroPages, placement: placement, parameters: parameters))
        for warning in launch.warnings { Console.warning("\(name): \(warning)") }
        let (digest, node) = launch.measure()
        let verdict = IDBlockVerdict(launch, digest: digest)
        if let problem = verdict?.problem {
            guard ignoreIDBlock else {
                throw CommandFailure(
                    "\(name): \(problem)", outcome: .no,
                    hint: "a machine refuses this launch; other rules (--zero-pages, --placement) may be the loader's, "
                        + "and --ignore-id-block prints the digest all the same")
            }
            Console.warning("\(name): \(problem)")
        }
        guard json || trace else {
            return print(outputFormat == .hex ? digest.hex : Base64.encode(digest.bytes))
        }
        var members = facts(launch, digest) + [("idBlock", verdict?.document ?? .null)]
        if trace { members.append(("trace", node.document)) }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }

    private func facts(_ launch: IGVMLaunch, _ digest: Digest) -> [(String, Value)] {
        [
            ("mode", .string("igvm")), ("file", .string(launch.name)), ("platform", .string(platform.rawValue)),
            ("register", .string(launch.register)), ("digest", .string(digest.hex)),
            ("zeroPages", .string(zeroPages.rawValue)), ("placement", .string(placement.rawValue)),
            ("parameters", .string(parameters.rawValue)), ("policy", launch.policy.map { .hex($0) } ?? .null),
            ("pages", .count(launch.plan.runs.reduce(0) { $0 + $1.count })),
            ("warnings", .array(of: launch.warnings.map { .string($0) })),
        ]
    }
}

extension IGVMRules.ZeroPages: ExpressibleByArgument {}
extension IGVMRules.Placement: ExpressibleByArgument {}
extension IGVMRules.ParameterOrder: ExpressibleByArgument {}
