import ArgumentParser
import Bytes
import Documents
import EventLogs
import Files
import Hashing

/// `assay eventlog`: what firmware wrote down about a boot.
struct EventLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eventlog",
        abstract: "Read event logs of a TPM or of a TD.",
        subcommands: [EventLogShowCommand.self, EventLogReplayCommand.self, EventLogDiffCommand.self])
}

/// `assay eventlog show`.
struct EventLogShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the events of a binary log, and the register values that they lead to.",
        discussion: """
            The log is what Linux shows as /sys/kernel/security/tpm0/binary_bios_measurements, or for a TD as \
            /sys/firmware/acpi/tables/data/CCEL. Event data is what the log says; only digests are measured.
            """)

    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The binary log.", valueName: "file"))
    var file: String
    @Flag(help: "Print JSON with all digests.")
    var json = false

    func run() throws {
        let log = try source.read(file)
        json ? try printJSON(log) : try printText(log)
    }

    private func printText(_ log: EventLog) throws {
        let bank = log.algorithms.contains(.sha256) ? HashAlgorithm.sha256 : log.algorithms.last
        for record in log.records {
            let digest = bank.flatMap { record.digest($0) }.map { String($0.hex.prefix(16)) + "…" } ?? "no digest"
            let register = log.registers.name(record.register)
            print("\(register) \(record.type) \(digest) \(Console.escape(record.summary))")
        }
        for algorithm in log.algorithms {
            for (index, value) in try log.replay(algorithm).sorted(by: { $0.key < $1.key }) {
                print("\(log.registers.name(index)).\(algorithm.rawValue) \(value.hex)")
            }
        }
    }

    private func printJSON(_ log: EventLog) throws {
        let events = log.records.map { record in
            Value.object([
                ("register", .string(log.registers.name(record.register))), ("type", .string("\(record.type)")),
                ("typeNumber", .hex(record.type.rawValue)),
                (
                    "digests",
                    .object(
                        log.algorithms.compactMap { algorithm in
                            record.digest(algorithm).map { (algorithm.rawValue, .string($0.hex)) }
                        })
                ),
                ("data", .string(record.data.hex)), ("summary", .string(record.summary)),
            ])
        }
        let document: [(String, Value)] = [
            ("registersOf", .string(log.registers.rawValue)), ("events", .array(of: events)),
            ("registers", .object(try log.registerDocuments())),
        ]
        print(ReadableJSON.encode(.object(document)), terminator: "")
    }
}
