import ArgumentParser
import Bytes
import Documents
import EventLogs

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
            /sys/firmware/acpi/tables/data/CCEL. Event data is what the log says; only digests are measured. \
            In JSON, dataIs tells whether the digests vouch for the data.
            """)

    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The binary log.", valueName: "file"))
    var file: String
    @Flag(help: "Print JSON with all digests.")
    var json = false

    func run() throws {
        let log = try source.read(file)
        let text = EventLogText(log: log)
        print(json ? ReadableJSON.encode(text.document) : try text.listing(), terminator: "")
    }
}
