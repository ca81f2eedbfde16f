import ArgumentParser
import Bytes
import Documents
import EventLogs
import Files

/// `assay eventlog replay`.
struct EventLogReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Print the register values that a log leads to.",
        discussion: """
            Registers start at zero, PCR 0 at the locality that the log states. EV_NO_ACTION extends nothing. \
            Exit code 1: an event's digest is not that of its data, where its type makes it so; a register has a second \
            separator, or one that tells of a failure; or an event names a register that nothing can extend.
            """)
    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The binary log.", valueName: "file"))
    var file: String
    @Flag(help: "Print JSON: registers by name, and what is wrong with the log.")
    var json = false

    func run() throws {
        let log = try source.read(file)
        let findings = log.findings
        if json {
            let document: [(String, Value)] =
                [("registersOf", .string(log.registers.rawValue)), ("registers", .object(try log.registerDocuments()))]
                + (try log.measureKeys()) + [
                    ("eventCount", .count(log.records.count)),
                    ("findings", .array(of: findings.map(Self.document))),
                ]
            print(ReadableJSON.encode(.object(document)), terminator: "")
        } else {
            for (name, value) in try log.registerDocuments() {
                if case .string(let digest) = value { print("\(name) \(digest)") }
            }
        }
        for finding in findings { Console.error("\(file): \(finding)") }
        if !findings.isEmpty { throw ExitCode(Outcome.no.rawValue) }
    }

    private static func document(_ finding: EventLog.Finding) -> Value {
        .object([
            ("kind", .string(finding.kind.rawValue)), ("event", .count(finding.record + 1)),
            ("offset", finding.offset.map { .hex($0) } ?? .null), ("register", .string(finding.register)),
            ("type", .string("\(finding.type)")),
        ])
    }
}
