import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import QEMUHost
import Release

/// Machines of one profile: every number of processors with every size of memory.
struct ShapeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Numbers of vCPUs, such as 1,2,4 or 1-64.", valueName: "list"))
    var vcpus: String
    @Option(help: ArgumentHelp("Sizes of memory, such as 1G,2816M,4G.", valueName: "list"))
    var memory: String

    func shapes() throws -> [ACPIMachineShape] {
        let sizes = try Self.sizes(memory)
        return try Self.counts(vcpus).flatMap { count in
            sizes.map { ACPIMachineShape(processors: count, memory: $0) }
        }
    }

    /// `1G,2816M,4G`.
    static func sizes(_ list: String) throws -> [UInt64] {
        try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let size = parseByteCount(String(text)), size > 0 else {
                throw CommandFailure("--memory: '\(text)' is no size", hint: "write sizes such as 1G,2816M,4G")
            }
            return UInt64(size)
        }
    }

    /// `1,2,4` or `1-64`.
    static func counts(_ list: String) throws -> [Int] {
        try list.split(separator: ",", omittingEmptySubsequences: false).flatMap { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 1,
                last >= first, last <= 4096
            else {
                throw CommandFailure("--vcpus: '\(part)' is no number or range", hint: "write 1,2,4 or 1-64")
            }
            return Array(first...last)
        }
    }
}

/// `assay profile tables`.
struct ProfileTablesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "Derive a profile's tables for other vCPU counts and memory sizes.",
        discussion: """
            From the one machine that the profile pins, by rules that `assay profile prove` holds against QEMU. Prints \
            the SHA-384 of each item, as RTMR0 covers it. What no rule covers is refused.
            """)
    @Argument(help: ArgumentHelp("Folder of the profile.", valueName: "profile"))
    var folder: String
    @OptionGroup var shapes: ShapeOptions
    @Option(help: ArgumentHelp("Write the items of each machine below this folder.", valueName: "folder"))
    var output: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let pinned = try PlatformFolder(folder)
        var points: [Value] = []
        for shape in try shapes.shapes() {
            let blobs = try MachineBlobs.pinned(pinned, shape: shape)
            let names = blobs.keys.filter { $0.hasPrefix("etc/") }.sorted()
            if let output {
                for name in names {
                    let path = "\(output)/\(shape.label)/\(name)"
                    try FileSystem.makeDirectory(FileSystem.parent(of: path))
                    try OutputFile.write(blobs[name] ?? [], to: path)
                }
            }
            let digests = names.map { ($0, Digest.of(blobs[$0] ?? [], .sha384).hex) }
            if json {
                points.append(
                    .object([
                        ("vcpus", .count(shape.processors)), ("memory", .hex(shape.memory)),
                        ("items", .object(digests.map { ($0.0, .string($0.1)) })),
                    ]))
            } else {
                for (name, digest) in digests { print("\(shape.label) \(name) \(digest)") }
            }
        }
        if json { print(ReadableJSON.encode(.array(of: points)), terminator: "") }
    }
}

/// `assay profile prove`.
struct ProfileProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Hold derived tables against a QEMU, machine by machine.",
        discussion: """
            The profile's machine is captured once from the QEMU; its tables are derived for every other number of \
            vCPUs and size of memory and compared byte by byte with a capture of that machine. Exit 0: all are equal.
            """)
    @OptionGroup var options: ProfileOptions
    @OptionGroup var shapes: ShapeOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let captured = try CapturedProfile(options)
        let profile = captured.profile
        let source = try ACPIMachineShape(arguments: captured.declared.arguments)
        let base = try MachineBlobs.captured(options.qemu, profile: profile)
        let memoryDevice = MachineTables.memoryDevice(
            version: captured.build.version, arguments: captured.declared.arguments)
        var findings: [String] = []
        let all = try shapes.shapes()
        for shape in all {
            let derived = try MachineTables.derived(
                base, from: source, to: shape, mmio64: captured.rules.mmio64, memoryDevice: memoryDevice)
            let real = try MachineBlobs.captured(options.qemu, profile: profile, shape: shape)
            for name in Set(real.keys).union(derived.keys).sorted() {
                let lines = ItemDifference.describe(name, pinned: derived[name] ?? [], found: real[name] ?? [])
                findings += lines.map { "\(shape.label): \($0)" }
            }
        }
        if json {
            let members: [(String, Value)] = [
                ("profile", .string(profile.name)), ("qemu", .string(captured.build.version)),
                ("points", .count(all.count)), ("differences", .array(of: findings.map { .string($0) })),
            ]
            print(ReadableJSON.encode(.object(members)), terminator: "")
        } else {
            for finding in findings { print(Console.escape(finding)) }
            if findings.isEmpty {
                print("\(all.count) machines: tables derived from one are those of QEMU \(captured.build.version)")
            }
        }
        if !findings.isEmpty { throw ExitCode(Outcome.no.rawValue) }
    }
}

extension ACPIMachineShape {
    /// `4 vCPUs, 2048 MiB` as a folder's name.
    var label: String { "vcpus=\(processors),memory=\(memory >> 20)M" }
}
