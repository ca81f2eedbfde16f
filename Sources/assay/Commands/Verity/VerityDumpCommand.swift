import ArgumentParser
import Files
import Verity

/// `assay verity dump`: what the superblock says.
struct VerityDumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Print what the superblock of a hash device says; nothing vouches for it.")

    @Argument(help: ArgumentHelp("Device or file with the tree.", valueName: "hash-device"))
    var hash: String
    @Option(help: ArgumentHelp("Where the hash area starts (default: 0).", valueName: "bytes"))
    var hashOffset: CountArgument?
    @Flag(help: "Print the facts as JSON.")
    var json = false

    func run() throws {
        let offset = hashOffset?.count ?? 0
        let superblock = try VerityOptions.superblock(of: InputFile(hash), at: offset)
        VerityFacts(area: try VerityHashArea(superblock, offset: offset), name: hash).print(json: json)
    }
}
