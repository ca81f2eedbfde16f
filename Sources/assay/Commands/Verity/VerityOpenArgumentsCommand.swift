import ArgumentParser
import Documents
import Files
import Verity

/// `assay verity open-args`: how a machine opens the device with every parameter stated.
struct VerityOpenArgumentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open-args",
        abstract: "Print how a machine opens a verified device, every parameter stated and none taken from the disk.",
        discussion: """
            Forms: table (dmsetup create), kernel (dm-mod.create=), systemd (systemd-veritysetup-generator), \
            veritysetup (words after the program's name). A block that does not fit stops the machine unless \
            --on-corruption says otherwise.
            """)

    enum Form: String, ExpressibleByArgument, CaseIterable { case table, kernel, systemd, veritysetup }

    enum OnCorruption: String, ExpressibleByArgument, CaseIterable {
        case panic, restart, ignore
        case fail

        var arguments: [String] {
            self == .fail ? [] : [rawValue == "ignore" ? "ignore_corruption" : rawValue + "_on_corruption"]
        }
    }

    @Argument(help: ArgumentHelp("File with the data.", valueName: "data-device"))
    var data: String
    @Argument(help: ArgumentHelp("File with the tree.", valueName: "hash-device"))
    var hash: String
    @OptionGroup var root: RootHashOptions
    @Option(help: "What to print.")
    var form: Form = .table
    @Option(help: "What the kernel does with a block that does not fit; fail gives the reader an error.")
    var onCorruption: OnCorruption = .panic
    @Option(help: "Name of the device that is made.")
    var name: String = "root"
    @Option(help: ArgumentHelp("The machine's name of the data device, if not the file's.", valueName: "path"))
    var dataName: String?
    @Option(help: ArgumentHelp("The machine's name of the hash device, if not the file's.", valueName: "path"))
    var hashName: String?
    @Option(help: ArgumentHelp("The machine's name of the parity device, if not the file's.", valueName: "path"))
    var fecName: String?
    @Flag(help: "Do not check blocks that are expected to be zero; reading gives zeros.")
    var ignoreZeroBlocks = false
    @Flag(help: "Check a block when it is first read, not again.")
    var checkAtMostOnce = false
    @Option(
        help: ArgumentHelp("A PKCS#7 signature of the root hash, as the machine names the file.", valueName: "path"))
    var rootHashSignature: String?
    @Option(help: ArgumentHelp("The kernel's name of the key that holds the signature.", valueName: "description"))
    var signatureKey: String?
    @OptionGroup var options: VerityOptions
    @OptionGroup var correction: ParityOptions
    @Flag(help: "Print all forms as JSON.")
    var json = false

    func run() throws {
        let device = try InputFile(hash)
        let area = try options.area(on: device, data: InputFile(data))
        let parity = try correction.parity(area, data: data, hash: hash, hashSize: device.size)
        let target = VerityTarget(
            area.parameters, root: try root.root(area.parameters.algorithm), hashStart: area.hashStart,
            optionalArguments: onCorruption.arguments + (ignoreZeroBlocks ? ["ignore_zero_blocks"] : [])
                + (checkAtMostOnce ? ["check_at_most_once"] : []),
            parity: parity.map { ($0, fecName ?? correction.fecDevice ?? "") },
            signature: rootHashSignature.map { ($0, signatureKey ?? "cryptsetup:\(name)") })
        let data = dataName ?? data
        let hash = hashName ?? hash
        if json {
            let forms: [(String, Value)] = [
                ("table", .string(target.table(data: data, hash: hash))),
                ("kernel", .string(target.createArgument(name: name, data: data, hash: hash))),
                ("systemd", .array(of: target.systemdArguments(data: data, hash: hash).map { .string($0) })),
                (
                    "veritysetup",
                    .array(of: target.veritysetupArguments(name: name, data: data, hash: hash).map { .string($0) })
                ),
            ]
            return print(ReadableJSON.encode(.object(forms)), terminator: "")
        }
        switch form {
        case .table: print(target.table(data: data, hash: hash))
        case .kernel: print(target.createArgument(name: name, data: data, hash: hash))
        case .systemd: print(target.systemdArguments(data: data, hash: hash).joined(separator: " "))
        case .veritysetup: print(target.veritysetupArguments(name: name, data: data, hash: hash).joined(separator: " "))
        }
    }
}
