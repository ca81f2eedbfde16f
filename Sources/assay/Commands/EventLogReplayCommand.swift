import ArgumentParser
import Bytes
import Documents
import EventLogs
import Files
import Hashing

/// How a log is read.
struct EventLogOptions: ParsableArguments {
    enum Kind: String, ExpressibleByArgument, CaseIterable { case tpm, tdx }

    @Option(help: "Whose log it is; without it, one that has SHA-384 alone and starts in register 0 or 1 as TDs do.")
    var kind: Kind?

    func read(_ file: String) throws -> EventLog {
        let bytes = try InputFile.contents(of: file, limit: 64 << 20)
        var log = try bytes.withReader(source: file) { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tpm)
        }
        // A TPM's log has PCR 5 and above from firmware on; a TD has four registers, numbered from 1.
        let looksLikeTD = log.algorithms == [.sha384] && log.records.allSatisfy { $0.register <= 4 }
        log.registers = kind == .tdx || (kind == nil && looksLikeTD) ? .tdx : .tpm
        return log
    }
}

extension EventLog {
    /// Final values by name: `RTMR0`… for a TD, `PCR0.sha256`… for a TPM.
    func registerDocuments() throws -> [(String, Value)] {
        var registers: [(String, Value)] = []
        for algorithm in algorithms {
            for (index, value) in try replay(algorithm).sorted(by: { $0.key < $1.key }) {
                let name = self.registers.name(index)
                let full = self.registers == .tdx ? name : "\(name).\(algorithm.rawValue)"
                registers.append((full, .string(value.hex)))
            }
        }
        return registers
    }

    /// Final values under the keys of `assay measure`: `rtmr0`… for a TD, `pcrs` by bank and number for a TPM.
    func measureKeys() throws -> [(String, Value)] {
        guard registers == .tpm else {
            let values = try replay(.sha384)
            return (UInt32(1)...4).map { index in
                ("rtmr\(index - 1)", .string((values[index] ?? .zero(.sha384)).hex))
            }
        }
        let banks: [(String, Value)] = try algorithms.map { algorithm in
            let values = try replay(algorithm).sorted { $0.key < $1.key }
            return (algorithm.rawValue, .object(values.map { ("\($0.key)", .string($0.value.hex)) }))
        }
        return [("pcrs", .object(banks))]
    }
}

/// `assay eventlog replay`.
struct EventLogReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Print the register values that a log leads to.",
        discussion: """
            Registers start at zero, PCR 0 at the locality that the log states. EV_NO_ACTION extends nothing. \
            Exit code 1: an event's digest is not that of its data, where it has to be.
            """)
    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The binary log.", valueName: "file"))
    var file: String
    @Flag(help: "Print JSON: registers by name, and the events whose data does not fit their digest.")
    var json = false

    func run() throws {
        let log = try source.read(file)
        let falsified = log.records.filter { !$0.dataFitsDigest }
        if json {
            let document: [(String, Value)] =
                [("registersOf", .string(log.registers.rawValue)), ("registers", .object(try log.registerDocuments()))]
                + (try log.measureKeys()) + [
                    ("eventCount", .count(log.records.count)),
                    (
                        "falseEvents",
                        .array(
                            of: falsified.map {
                                .object([("offset", .hex($0.offset ?? 0)), ("type", .string("\($0.type)"))])
                            })
                    ),
                ]
            print(ReadableJSON.encode(.object(document)), terminator: "")
        } else {
            for (name, value) in try log.registerDocuments() {
                if case .string(let digest) = value { print("\(name) \(digest)") }
            }
        }
        for record in falsified {
            Console.error(
                "the data of event \(record.type) at \(hexadecimal(record.offset ?? 0)) is not what was hashed",
                hint: nil)
        }
        if !falsified.isEmpty { throw ExitCode(1) }
    }
}

extension EventLog.Record {
    /// Whether every digest is that of the event data, for types where it has to be.
    fileprivate var dataFitsDigest: Bool {
        guard digestCoversData else { return true }
        return HashAlgorithm.registers.allSatisfy { algorithm in
            digest(algorithm).map { $0 == .of(data, algorithm) } ?? true
        }
    }
}

/// `assay eventlog diff`.
struct EventLogDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two logs register by register and name the events that differ.",
        discussion: "Exit code 0: they lead to the same values. Exit code 1: they do not.")
    @OptionGroup var source: EventLogOptions
    @Argument(help: ArgumentHelp("The log that was expected.", valueName: "expected"))
    var expected: String
    @Argument(help: ArgumentHelp("The log that was found.", valueName: "found"))
    var found: String
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let expected = try source.read(expected)
        let found = try source.read(found)
        guard expected.registers == found.registers else {
            throw CommandFailure("one log is a TD's and the other a TPM's")
        }
        let differences = try LogComparison.differences(expected, found)
        if json {
            print(
                ReadableJSON.encode(
                    .object([
                        ("equal", .bool(differences.isEmpty)), ("differences", .array(of: differences.map(\.document))),
                    ])), terminator: "")
        } else {
            print(differences.isEmpty ? "equal" : differences.map(\.text).joined(separator: "\n"))
        }
        if !differences.isEmpty { throw ExitCode(1) }
    }
}

/// The first event of each register at which two logs part.
private enum LogComparison {
    struct Difference {
        var register: String
        /// Number of the event in its register, from 0.
        var index: Int
        var expected, found: EventLog.Record?

        var text: String {
            func describe(_ record: EventLog.Record?) -> String {
                record.map { "\($0.type) \(Console.escape($0.summary))" } ?? "no event"
            }
            return "\(register) event \(index): expected \(describe(expected)), found \(describe(found))"
        }

        var document: Value {
            func describe(_ record: EventLog.Record?) -> Value {
                guard let record else { return .null }
                let digest = HashAlgorithm.registers.compactMap { record.digest($0) }.last
                return .object([
                    ("type", .string("\(record.type)")), ("summary", .string(record.summary)),
                    ("digest", digest.map { .string($0.hex) } ?? .null),
                ])
            }
            return .object([
                ("register", .string(register)), ("index", .count(index)), ("expected", describe(expected)),
                ("found", describe(found)),
            ])
        }
    }

    static func differences(_ expected: EventLog, _ found: EventLog) throws -> [Difference] {
        let shared = expected.algorithms.filter { found.algorithms.contains($0) }
        guard !shared.isEmpty else { throw CommandFailure("the logs share no hash") }
        func events(_ log: EventLog) -> [UInt32: [EventLog.Record]] {
            Dictionary(grouping: log.records.filter { $0.type != .noAction }, by: \.register)
        }
        let (left, right) = (events(expected), events(found))
        var result: [Difference] = []
        for register in Set(left.keys).union(right.keys).sorted() {
            let (a, b) = (left[register] ?? [], right[register] ?? [])
            for index in 0..<max(a.count, b.count) {
                let (x, y) = (index < a.count ? a[index] : nil, index < b.count ? b[index] : nil)
                if let x, let y, shared.allSatisfy({ x.digest($0) == y.digest($0) }) { continue }
                result.append(
                    Difference(
                        register: expected.registers.name(register), index: index, expected: x, found: y))
            }
        }
        return result
    }
}
