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
        try log(InputFile.contents(of: file, limit: 64 << 20), source: file)
    }

    func log(_ bytes: [UInt8], source: String) throws(FormatError) -> EventLog {
        try Self.log(bytes, source: source, kind: kind)
    }

    /// Reads a log; whose it is follows from its registers and hashes if `kind` is nil.
    static func log(_ bytes: [UInt8], source: String, kind: Kind?) throws(FormatError) -> EventLog {
        var log = try bytes.withReader(source: source) { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tpm)
        }
        // A TPM's log has PCR 5 and above from firmware on; a TD has four registers, numbered from 1.
        let looksLikeTD = log.algorithms == [.sha384] && log.records.allSatisfy { $0.register <= 4 }
        log.registers = kind == .tdx || (kind == nil && looksLikeTD) ? .tdx : .tpm
        return log
    }

    /// Requires that two logs are of the same kind of machine and have a bank that both fill.
    static func requireSame(_ first: EventLog, _ second: EventLog) throws {
        guard first.registers == second.registers else {
            throw CommandFailure(
                "one log is a TD's and the other a TPM's", hint: "--kind says whose they are if that was taken wrongly")
        }
        guard first.algorithms.contains(where: { second.algorithms.contains($0) }) else {
            throw CommandFailure("the logs have no hash in common")
        }
    }
}

extension EventLog {
    /// Final values by name: `RTMR0`… for a TD, `PCR0.sha256`… for a TPM.
    func registerDocuments() throws(FormatError) -> [(String, Value)] {
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
