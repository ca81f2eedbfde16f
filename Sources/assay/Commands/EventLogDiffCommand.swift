import ArgumentParser
import Bytes
import Documents
import EventLogs
import Explanation

/// `assay eventlog diff`.
struct EventLogDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two logs register by register and name what is behind the events that differ.",
        discussion: """
            Events are paired so that one that is missing or extra does not make those after it differ. What is said of \
            an event is certain where digests show it, likely where it is only the usual reason. Exit code 0: they \
            lead to the same values. Exit code 1: they do not. assay explain LOG --against FILE compares a log with a \
            prediction.
            """)
    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The log that was expected.", valueName: "expected"))
    var expected: String
    @Argument(help: ArgumentHelp("The log that was found.", valueName: "found"))
    var found: String
    @OptionGroup var candidates: CandidateFileOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let first = try source.read(expected)
        let second = try source.read(found)
        try EventLogOptions.requireSame(first, second)
        let comparison = EventComparison(
            expected: try first.histories(), found: try second.histories(),
            files: try candidates.read(algorithms: second.algorithms), expectsAllRegisters: true)
        let output = EventComparisonText(comparison: comparison)
        print(json ? ReadableJSON.encode(output.document) : output.text, terminator: "")
        if !comparison.isEqual { throw ExitCode(Outcome.no.rawValue) }
    }
}
