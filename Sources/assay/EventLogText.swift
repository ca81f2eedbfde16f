import Bytes
import Documents
import EventLogs
import Explanation
import Hashing

/// An event log for people and as a document.
struct EventLogText {
    let log: EventLog

    /// In the log's order: register, type, the start of a digest, what the data says; then the final values.
    func listing() throws -> String {
        let bank = log.algorithms.contains(.sha256) ? HashAlgorithm.sha256 : log.algorithms.last
        var lines: [String] = []
        for record in log.records {
            let digest = bank.flatMap { record.digest($0) }.map { String($0.hex.prefix(16)) + "…" } ?? "no digest"
            lines.append("\(log.registers.name(record.register)) \(record.type) \(digest) \(record.summary)")
        }
        for (name, value) in try log.registerDocuments() {
            if case .string(let digest) = value { lines.append("\(name) \(digest)") }
        }
        lines += log.findings.map { "not to be trusted: \($0)" }
        return lines.map { TraceText.oneLine($0) + "\n" }.joined()
    }

    /// Register by register: every event with what was hashed and where that comes from.
    var explanation: String {
        var lines: [String] = []
        for register in (try? log.histories()) ?? [] {
            lines += [register.name] + register.values.map { "  \($0.algorithm.rawValue) \($0.hex)" }
            for (index, event) in register.events.enumerated() {
                lines.append("  \(index + 1). \(event.type) \(event.name)")
                lines.append("     hashed: \(event.whatWasHashed)")
                if let digest = event.digests.last { lines.append("     \(digest.algorithm.rawValue) \(digest.hex)") }
            }
        }
        lines += log.findings.map { "not to be trusted: \($0)" }
        return lines.map { TraceText.oneLine($0) + "\n" }.joined()
    }

    var document: Value {
        let registers = (try? log.registerDocuments()) ?? []
        return .object([
            ("registersOf", .string(log.registers.rawValue)), ("events", .array(of: log.records.map(document))),
            ("registers", .object(registers)),
            ("findings", .array(of: log.findings.map { .string($0.description) })),
        ])
    }

    private func document(_ record: EventLog.Record) -> Value {
        let digests = log.algorithms.compactMap { algorithm in
            record.digest(algorithm).map { (algorithm.rawValue, Value.string($0.hex)) }
        }
        return .object([
            ("register", .string(log.registers.name(record.register))), ("type", .string("\(record.type)")),
            ("typeNumber", .hex(record.type.rawValue)), ("digests", .object(digests)),
            ("data", .string(record.data.hex)), ("summary", .string(record.summary)),
            ("dataIs", .string(record.dataStanding.rawValue)),
        ])
    }
}
