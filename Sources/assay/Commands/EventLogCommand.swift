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
        subcommands: [EventLogShowCommand.self])
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

    enum Kind: String, ExpressibleByArgument, CaseIterable { case tpm, tdx }

    @Argument(help: ArgumentHelp("The binary log.", valueName: "file"))
    var file: String
    @Option(help: "Whose log it is; without it, one that has SHA-384 alone and starts in register 1 counts as a TD's.")
    var kind: Kind?
    @Flag(help: "Print JSON with all digests.")
    var json = false

    func run() throws {
        let bytes = try InputFile.contents(of: file, limit: 64 << 20)
        var log = try bytes.withReader(source: file) { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tpm)
        }
        let looksLikeTD = log.algorithms == [.sha384] && log.header.register == 1
        log.registers = kind == .tdx || (kind == nil && looksLikeTD) ? .tdx : .tpm
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
        var registers: [(String, Value)] = []
        for algorithm in log.algorithms {
            for (index, value) in try log.replay(algorithm).sorted(by: { $0.key < $1.key }) {
                registers.append(("\(log.registers.name(index)).\(algorithm.rawValue)", .string(value.hex)))
            }
        }
        let document: [(String, Value)] = [
            ("registersOf", .string(log.registers.rawValue)), ("events", .array(of: events)),
            ("registers", .object(registers)),
        ]
        print(ReadableJSON.encode(.object(document)), terminator: "")
    }
}
