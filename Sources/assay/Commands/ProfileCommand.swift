import ArgumentParser
import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
import QEMUHost
import YAMLDocuments

/// `assay profile`: the blobs that a platform profile pins, captured from QEMU and compared.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Capture the tables that a platform profile pins, check them against a QEMU, derive others.",
        subcommands: [
            ProfileCaptureCommand.self, ProfileCheckCommand.self, ProfileTablesCommand.self, ProfileProveCommand.self,
        ])
}

/// What both commands take.
struct ProfileOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Folder of the profile.", valueName: "profile"))
    var folder: String
    @Option(help: ArgumentHelp("The QEMU to ask: a program, or the starter of an unpacked root.", valueName: "path"))
    var qemu: String = "qemu-system-x86_64"
}

/// A profile with what its machine gave.
struct CapturedProfile {
    let path: String
    let profile: PlatformProfile
    let rules: EventRules
    let declared: BlobCapture
    let build: QEMUBuild
    let buildDigest: Digest

    init(_ options: ProfileOptions) throws {
        path = options.folder + "/profile.yaml"
        let bytes = try InputFile.contents(of: path, limit: YAMLReader.maximumSize)
        profile = try PlatformProfile(YAMLReader.parse(bytes, source: path))
        switch profile.section {
        case .tdx(let section): rules = section.events
        case .vtpm(let section): rules = section.events
        case .snp:
            throw CommandFailure(
                "\(path): an SNP profile pins no tables", hint: "no register of SEV-SNP covers ACPI or SMBIOS")
        }
        guard let capture = profile.capture else {
            throw CommandFailure("\(path): it has no 'capture' section", hint: "say how the machine is started")
        }
        declared = capture
        build = try QEMUBuild(of: options.qemu)
        var hash = Hash(.sha256)
        try InputFile(build.binary).forEachChunk { (chunk) throws(FileError) in hash.update(chunk) }
        buildDigest = hash.finish()
    }

    /// Reads the machine's items from QEMU.
    func items(_ qemu: String) throws -> [MachineCapture.Item] {
        try MachineCapture(
            program: qemu, arguments: declared.arguments, mmconfig: rules.mmconfig, mmio64: rules.mmio64,
            firmwareSize: profile.firmware.size
        ).run()
    }
}

/// `assay profile capture`.
struct ProfileCaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Read a profile's tables from QEMU and write them beside the profile.",
        discussion: """
            No guest runs: QEMU is driven through its test protocol. The machine is that of the profile's \
            'capture.arguments'. Blobs go to the folder, and the profile's 'blobs', 'items' and 'capture' say what they \
            are and which QEMU they came from.
            """)
    @OptionGroup var options: ProfileOptions

    func run() throws {
        let captured = try CapturedProfile(options)
        let items = try captured.items(options.qemu)
        var text = ProfileText(
            String(
                decoding: try InputFile.contents(of: captured.path, limit: YAMLReader.maximumSize), as: UTF8.self))
        var blobs = ["blobs:"]
        var inline = ["items:"]
        for item in items {
            if let small = InlineItem(name: item.name, bytes: item.bytes) {
                inline += Self.block(small)
            } else {
                let file = "fw_cfg/" + item.name
                try FileSystem.makeDirectory(FileSystem.parent(of: options.folder + "/" + file))
                try OutputFile.write(item.bytes, to: options.folder + "/" + file)
                blobs += Self.block(item, file: file)
            }
        }
        text.replace("blobs", by: blobs)
        text.replace("items", inside: captured.profile.tee.rawValue, by: inline)
        text.replace("package", inside: "capture", by: ["package: \(captured.build.package)"])
        text.replace("version", inside: "capture", by: ["version: \"\(captured.build.version)\""])
        text.replace("programSHA256", inside: "capture", by: ["programSHA256: \"\(captured.buildDigest.hex)\""])
        try OutputFile.write(Array(text.text.utf8), to: captured.path)
        for item in items { print("\(item.name) \(item.bytes.count) \(Digest.of(item.bytes, .sha256).hex)") }
    }

    private static func block(_ item: MachineCapture.Item, file: String) -> [String] {
        [
            "  - name: \(item.name)", "    file: \(file)", "    sha256: \"\(Digest.of(item.bytes, .sha256).hex)\"",
            "    size: \(item.bytes.count)", "    origin: QEMU's fw_cfg item \(item.name), see capture",
        ]
    }

    private static func block(_ item: InlineItem) -> [String] {
        switch item.content {
        case .bytes(let bytes): ["  - name: \(item.name)", "    hex: \"\(bytes.hex)\""]
        case .zeros(let count): ["  - name: \(item.name)", "    zeros: \(count)"]
        }
    }
}

/// `assay profile check`.
struct ProfileCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Capture a profile's tables again and name every difference.",
        discussion: """
            Exit 0: all tables are those that the profile pins. Exit 1: the same QEMU gives others. Exit 3: the QEMU at \
            hand is another build than the pinned one, which alone explains a difference; --any-build compares anyway.
            """)
    @OptionGroup var options: ProfileOptions
    @Flag(name: .customLong("any-build"), help: "Compare with a QEMU that is another build.")
    var anyBuild = false
    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() throws {
        let captured = try CapturedProfile(options)
        let same = captured.buildDigest == captured.declared.programSHA256
        guard same || anyBuild else {
            throw CommandFailure(
                "\(captured.path): pins blobs of \(captured.declared.package) \(captured.declared.version) "
                    + "(SHA-256 \(captured.declared.programSHA256.hex)), but \(options.qemu) is "
                    + "\(captured.build.package) \(captured.build.version) (SHA-256 \(captured.buildDigest.hex))",
                outcome: .environment,
                hint: "unpack the pinned version with ci/qemu-root and name it with --qemu, or give --any-build")
        }
        let findings = try compare(captured)
        if json {
            let members: [(String, Value)] = [
                ("profile", .string(captured.profile.name)), ("sameBuild", .bool(same)),
                ("differences", .array(of: findings.map { .string($0) })),
            ]
            print(ReadableJSON.encode(.object(members)), terminator: "")
        } else {
            for finding in findings { print(Console.escape(finding)) }
            if findings.isEmpty { print("\(captured.profile.name): all tables are those that the profile pins") }
        }
        if !findings.isEmpty { throw ExitCode(Outcome.no.rawValue) }
    }

    /// One line for every item that is missing, new or different, and every file that is not the pinned one.
    private func compare(_ captured: CapturedProfile) throws -> [String] {
        let items = try captured.items(options.qemu)
        var pinned = captured.rules.items.map { MachineCapture.Item(name: $0.name, bytes: $0.bytes) }
        var findings: [String] = []
        for blob in captured.profile.blobs {
            let path = options.folder + "/" + blob.file
            let bytes = try InputFile.contents(of: path, limit: 1 << 20)
            if Digest.of(bytes, .sha256) != blob.sha256 { findings.append("\(path): not the file that is pinned") }
            pinned.append(MachineCapture.Item(name: blob.name, bytes: bytes))
        }
        for item in items {
            guard let old = pinned.first(where: { $0.name == item.name }) else {
                findings.append("\(item.name): QEMU has it, the profile does not")
                continue
            }
            findings += ItemDifference.describe(item.name, pinned: old.bytes, found: item.bytes)
        }
        for old in pinned where !items.contains(where: { $0.name == old.name }) {
            findings.append("\(old.name): the profile has it, QEMU does not")
        }
        return findings
    }
}
