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

              assay measure igvm coconut-qemu.igvm --platform snp --loader QEMU
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
        help: ArgumentHelp(
            "Whose rules hold where no other option says so: "
                + "\(KnownIGVMLoader.all.map(\.name).joined(separator: ", ")).",
            valueName: "name"))
    var loader: KnownIGVMLoader = KnownIGVMLoader.all[0]
    @Option(
        name: .customLong("zero-pages"),
        help: "A page without data: a measured page of zeros (QEMU, openvmm), or SEV-SNP's own zero page.")
    var zeroPages: IGVMRules.ZeroPages?
    @Option(help: "The save area: where the file has it (openvmm), or last and at KVM's address.")
    var placement: IGVMRules.Placement?
    @Option(help: "Parameter areas: in the file's order, or before the run of pages in front of them (QEMU).")
    var parameters: IGVMRules.ParameterOrder?
    @Option(
        help: ArgumentHelp(
            "Number of vCPUs under KVM, or a range such as 1-255 with one line each; needs the vCPU's model.",
            valueName: "count"))
    var vcpus: String?
    @OptionGroup var cpu: CPUOptions
    @Flag(name: .customLong("ignore-id-block"), help: "Print the digest although the file's ID block is wrong.")
    var ignoreIDBlock = false
    @Option(name: .customLong("output-format"), help: "How the digest is printed.")
    var outputFormat: MeasureSNPCommand.Format = .hex
    @Flag(help: "Print the digest and what it was computed from as JSON.")
    var json = false
    @Flag(help: "Print JSON with every directive in order.")
    var trace = false

    private var rules: IGVMRules {
        IGVMRules(
            zeroPages: zeroPages ?? loader.rules.zeroPages, placement: placement ?? loader.rules.placement,
            parameters: parameters ?? loader.rules.parameters)
    }

    func run() throws {
        let bytes = try InputFile.contents(of: file, limit: IGVMFile.maximumByteCount)
        let launch = try IGVMLaunch(
            IGVMFile(bytes, name: fileName(file)), platform: platform.kind, rules: rules)
        for warning in launch.warnings { Console.warning("\(launch.name): \(warning)") }
        let points = try points(launch)
        let verdict = points.first.flatMap { IDBlockVerdict(launch, digest: $0.digest) }
        if let problem = verdict?.problem { try report(problem, launch) }
        guard json || trace else {
            for point in points {
                let text = outputFormat == .hex ? point.digest.hex : Base64.encode(point.digest.bytes)
                print(points.count > 1 ? "\(point.vcpus) \(text)" : text)
            }
            return
        }
        let idBlock = ("idBlock", verdict?.document ?? .null)
        let members = facts(launch) + [idBlock] + values(points)
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }

    /// One point for each number of vCPUs; the file's own one where no number was given.
    private func points(_ launch: IGVMLaunch) throws -> [LaunchPoint] {
        guard let vcpus else {
            guard !cpu.given else {
                throw CommandFailure("a vCPU model without --vcpus", hint: "the file holds the boot processor's state")
            }
            let (digest, trace) = launch.measure()
            return [LaunchPoint(vcpus: 1, digest: digest, trace: trace)]
        }
        let range = try LaunchRange.parse(vcpus)
        let models = try cpu.models(needed: range.upperBound > 1)
        guard models.count == 1 else {
            throw CommandFailure("--vcpus is for one CPU model here", hint: "name one of them")
        }
        return try launch.points(models[0].signature, vcpus: range)
    }

    private func report(_ problem: String, _ launch: IGVMLaunch) throws {
        guard ignoreIDBlock else {
            throw CommandFailure(
                "\(launch.name): \(problem)", outcome: .no,
                hint: "a machine refuses this launch; other rules (--loader) may be the loader's, and "
                    + "--ignore-id-block prints the digest all the same")
        }
        Console.warning("\(launch.name): \(problem)")
    }

    private func values(_ points: [LaunchPoint]) -> [(String, Value)] {
        func members(_ point: LaunchPoint) -> [(String, Value)] {
            [("digest", .string(point.digest.hex))] + (trace ? [("trace", point.trace.document)] : [])
        }
        guard points.count != 1 else { return members(points[0]) }
        return [
            ("points", .array(of: points.map { .object([("vcpus", .count($0.vcpus))] + members($0)) }))
        ]
    }

    private func facts(_ launch: IGVMLaunch) -> [(String, Value)] {
        [
            ("mode", .string("igvm")), ("file", .string(launch.name)), ("platform", .string(platform.rawValue)),
            ("register", .string(launch.register)), ("loader", .string(loader.name)),
            ("loaderOrigin", .string(loader.origin)), ("loaderConfidence", .string(loader.confidence.rawValue)),
            ("zeroPages", .string(rules.zeroPages.rawValue)), ("placement", .string(rules.placement.rawValue)),
            ("parameters", .string(rules.parameters.rawValue)),
            ("policy", launch.policy.map { .hex($0) } ?? .null),
            ("pages", .count(launch.plan.runs.reduce(0) { $0 + $1.count })),
            ("warnings", .array(of: launch.warnings.map { .string($0) })),
        ]
    }
}

extension KnownIGVMLoader: ExpressibleByArgument {
    public init?(argument: String) {
        guard let found = KnownIGVMLoader.named(argument) else { return nil }
        self = found
    }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { all.map(\.name) }
}

extension IGVMRules.ZeroPages: ExpressibleByArgument {}
extension IGVMRules.Placement: ExpressibleByArgument {}
extension IGVMRules.ParameterOrder: ExpressibleByArgument {}
