import Bytes
import Documents
import EventLogs
import Files
import Hashing

extension FileRecognizer {
    /// A binary event log of a TPM or of a TD: its first record names the format.
    static let eventLog = FileRecognizer(
        kind: "event log",
        matches: { $0.begins(with: "Spec ID Event03", at: 32) },
        describe: { file in
            let log = try EventLogOptions.log(
                file.contents(limit: 64 << 20), source: file.file.path, kind: nil)
            let header = log.header
            return [
                ("registersOf", .string(log.registers == .tdx ? "a TD" : "a TPM")),
                ("version", .string("\(header.versionMajor).\(header.versionMinor) errata \(header.errata)")),
                ("hashes", .array(of: log.algorithms.map { .string($0.rawValue) })),
                ("logBytes", .count(log.encoded.count)),
                ("unusedBytes", .count(file.file.size - log.encoded.count)),
                ("events", .array(of: log.records.map { record in describe(record, in: log) })),
                ("registers", .object(try log.registerDocuments())),
                ("findings", .array(of: log.findings.map { .string($0.description) })),
            ]
        })

    private static func describe(_ record: EventLog.Record, in log: EventLog) -> Value {
        let hashes = log.algorithms.compactMap { record.digest($0)?.hex }
        return .object([
            ("register", .string(log.registers.name(record.register))), ("type", .string("\(record.type)")),
            ("says", .string(record.summary)), ("digest", hashes.last.map { .string($0) } ?? .null),
        ])
    }
}
