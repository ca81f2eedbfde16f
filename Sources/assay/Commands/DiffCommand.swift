import ArgumentParser
import Bytes
import Documents
import GuestImage

/// `assay diff`.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what differs between two images: packages, files, command line, partitions, registers.",
        discussion: """
            Both are folders that assay build wrote, or both are files: disks, EROFS and FAT file systems, initrds, \
            unified kernel images, kernels, hash trees, others. What is in them is compared by name, whoever made them. \
            Where both folders have measurements (assay measure), the registers that move are named with the artifacts \
            behind them. Exit code 0: they are equal. Exit code 1: they differ.

            Event logs are compared by assay eventlog diff, a log and a prediction by assay explain.
            """)
    @Argument(help: ArgumentHelp("The one image.", valueName: "old"))
    var old: String
    @Argument(help: ArgumentHelp("The other.", valueName: "new"))
    var new: String
    @Option(help: ArgumentHelp("Most places that are shown of an artifact; 0 for all.", valueName: "count"))
    var most = 40
    @Flag(help: "Print all of it as JSON.")
    var json = false

    func run() throws {
        guard most >= 0 else { throw CommandFailure("--most \(most): expected 0 or more") }
        let difference = try ImageComparison(old, new).difference()
        if json {
            print(ReadableJSON.encode(difference.document), terminator: "")
        } else {
            print(ImageDifferenceText(difference: difference, most: most == 0 ? .max : most).text, terminator: "")
        }
        if !difference.isEqual { throw ExitCode(Outcome.no.rawValue) }
    }
}
