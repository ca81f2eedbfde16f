import Bytes
import Documents
import EventLogs
import Files
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

@Suite("TDX known answers: logs", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct TDXLogVectorTests {
    private func log(_ bytes: [UInt8], _ name: String, _ registers: EventLog.Registers) throws -> EventLog {
        try bytes.withReader(source: name) { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: registers)
        }
    }

    @Test("a log of a TD", arguments: TDXVectors.of("rtmr-replay"))
    func replay(_ entry: TDXVectors.Case) throws {
        let log = try log(entry.input("ccel"), entry.name, .tdx)
        #expect(entry.parameters["header_mr_index"]?.number == UInt64(log.header.register))
        #expect(entry.parameters["spec_errata"]?.number == UInt64(log.header.errata))
        #expect(entry.expected["n_events_after_header"]?.number == UInt64(log.records.count))
        #expect(entry.expected["log_end_offset"]?.number.map { Int($0) } == log.encoded.count)
        let values = try log.replay(.sha384)
        let expected = entry.expected["rtmr"]?.items ?? []
        #expect(expected.count == 4)
        for (number, value) in expected.enumerated() {
            let found = values[UInt32(number) + 1] ?? .zero(.sha384)
            #expect(value.text == found.hex, "\(entry.name): RTMR\(number)")
        }
        for (event, record) in zip(entry.expected["events"]?.items ?? [], log.records) {
            let place = "\(entry.name): event \(event["i"]?.number ?? 0)"
            #expect(event["mr_index"]?.number == UInt64(record.register), "\(place)")
            #expect(event["type"]?.number == UInt64(record.type.rawValue), "\(place)")
            #expect(event["sha384"]?.text == record.digest(.sha384)?.hex, "\(place)")
            #expect(event["data_len"]?.number == UInt64(record.data.count), "\(place)")
            let isOfData = record.type != .noAction && record.digest(.sha384) == .of(record.data, .sha384)
            #expect((event["digest_is_of_event_data"] == .bool(true)) == isOfData, "\(place)")
            #expect(record.dataStanding != .contradicted, "\(place)")
        }
    }

    /// RTMRs in a version 4 quote's body (Intel TDX DCAP Quoting Library API, appendix 3).
    @Test("registers that are those of a quote", arguments: TDXVectors.of("rtmr-replay", "rtmr-replay-json"))
    func quotes(_ entry: TDXVectors.Case) throws {
        guard entry.inputs["quote"] != nil else { return }
        let quote = try entry.input("quote")
        let expected = entry.expected["rtmr"]?.items ?? []
        for number in (entry.expected["registers_equal_to_quote"]?.items ?? []).compactMap(\.number) {
            // Version 5 has a type and a size, six bytes, between header and body.
            let start = (quote.first == 5 ? 0x17E : 0x178) + Int(number) * 48
            #expect(Array(quote[start..<start + 48]).hex == expected[Int(number)].text, "\(entry.name): RTMR\(number)")
        }
    }

    @Test("events given one by one", arguments: TDXVectors.of("rtmr-replay-json"))
    func events(_ entry: TDXVectors.Case) throws {
        var values = [Digest](repeating: .zero(.sha384), count: 4)
        for event in entry.inputs["events"]?.items ?? [] {
            let index = try #require(event["rtmr"]?.number.map { Int($0) })
            let name = event["name"]?.text ?? ""
            let payload = event["payload"]?.hexBytes ?? []
            var digest = Digest(.sha384, hex: event["sha384"]?.text ?? "")
            if index == 3 {
                // Events of the running system are hashed as type, name and payload.
                var writer = ByteWriter()
                writer.append(UInt32(try #require(event["type"]?.number)))
                writer.append(text: ":\(name):")
                writer.append(payload)
                let computed = Digest.of(writer.bytes, .sha384)
                #expect(digest == nil || digest == computed)
                digest = computed
            }
            values[index] = values[index].extended(by: try #require(digest))
        }
        #expect(values.map(\.hex) == entry.expected["rtmr"]?.items.map { $0.text ?? "" })
    }

    @Test("a log of a TPM", arguments: TDXVectors.of("tcg2-log-parse"))
    func tpm(_ entry: TDXVectors.Case) throws {
        let log = try log(entry.input("log"), entry.name, .tpm)
        #expect(entry.expected["n_events_after_header"]?.number == UInt64(log.records.count))
        let values = try log.replay(.sha384)
        guard case .object(let members)? = entry.expected["sha384_pcr"] else { throw TestFailure(entry.name) }
        #expect(Set(values.keys.map { "\($0)" }) == Set(members.map(\.key)))
        for member in members {
            #expect(values[UInt32(member.key) ?? 99]?.hex == member.node.value.text, "\(entry.name): PCR\(member.key)")
        }
        for (event, record) in zip(entry.expected["events"]?.items ?? [], log.records) {
            #expect(event["pcr"]?.number == UInt64(record.register))
            #expect(event["type"]?.number == UInt64(record.type.rawValue))
            #expect(event["sha384"]?.text == record.digest(.sha384)?.hex)
            #expect(event["data_len"]?.number == UInt64(record.data.count))
            let register = TDRegister.index(pcr: record.register)
            switch event["td_register"] {
            case .string(let text)?: #expect(register.map { EventLog.Registers.tdx.name($0) } == text)
            case .integer(let number)?: #expect(register.map { Int64($0) - 1 } == number)
            default: #expect(register == nil, "\(entry.name): \(record.register)")
            }
        }
    }

    @Test("a log that must be refused", arguments: TDXVectors.of("ccel-parse-error"))
    func refused(_ entry: TDXVectors.Case) throws {
        let bytes = try entry.input("ccel")
        #expect(throws: FormatError.self) { try log(bytes, entry.name, .tdx) }
    }
}
