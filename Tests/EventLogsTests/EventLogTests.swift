import Bytes
import EventLogs
import Hashing
import TestSupport
import Testing

/// A small log made field by field, as PFP section 10.2 lays it out.
enum SmallLog {
    /// Header of a TPM's log with SHA-1 and SHA-256, then one separator in PCR 4.
    static let bytes: [UInt8] = {
        var log = ByteWriter()
        log.append(UInt32(0))
        log.append(UInt32(3))
        log.append(repeating: 0, count: 20)
        log.append(UInt32(37))
        log.append(text: "Spec ID Event03\0")
        log.append(UInt32(0))
        log.append([0, 2, 0, 2])
        log.append(UInt32(2))
        log.append([4, 0, 20, 0, 0x0B, 0, 32, 0])
        log.append(UInt8(0))
        log.append(UInt32(4))
        log.append(UInt32(4))
        log.append(UInt32(2))
        log.append(UInt16(4))
        // SHA-1 and SHA-256 of four zero bytes.
        log.append([UInt8](hex: "9069ca78e7450a285173431b3e52c5c25299e473") ?? [])
        log.append(UInt16(0x0B))
        log.append([UInt8](hex: "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119") ?? [])
        log.append(UInt32(4))
        log.append(UInt32(0))
        return log.bytes
    }()

    static func parse(_ bytes: [UInt8], _ registers: EventLog.Registers = .tpm) throws(FormatError) -> EventLog {
        try bytes.withReader(source: "log") { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: registers)
        }
    }
}

@Suite("Event log") struct EventLogTests {
    @Test("a log made by rule is read field by field and replays") func reads() throws {
        let log = try SmallLog.parse(SmallLog.bytes)
        #expect(log.algorithms == [.sha1, .sha256])
        #expect(log.records.count == 1)
        #expect(log.records[0].type == .separator && log.records[0].register == 4)
        #expect(log.records[0].digest(.sha256) == Digest.of([0, 0, 0, 0], .sha256))
        // PCR 4 after one separator: SHA-256(32 zero bytes ‖ SHA-256(00000000)).
        #expect(
            try log.replay(.sha256)[4]?.hex == "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969")
        #expect(log.records[0].summary == "00000000")
    }

    @Test("writing gives back the bytes") func roundTrip() throws {
        #expect(try SmallLog.parse(SmallLog.bytes).encoded == SmallLog.bytes)
    }

    @Test("unused space of either kind ends the log", arguments: [UInt8(0), 0xFF]) func filler(_ byte: UInt8) throws {
        let padded = SmallLog.bytes + [UInt8](repeating: byte, count: 300)
        #expect(try SmallLog.parse(padded).encoded == SmallLog.bytes)
        #expect(throws: FormatError.self) { try SmallLog.parse(padded + [7]) }
    }

    @Test("every length cut off is refused or is the log without its last record") func truncation() throws {
        let header = SmallLog.bytes.count - 76
        for count in 0..<SmallLog.bytes.count where count != header {
            #expect(throws: FormatError.self, "\(count) bytes") {
                try SmallLog.parse(Array(SmallLog.bytes.prefix(count)))
            }
        }
    }

    @Test(
        "a corrupted field is named",
        arguments: [
            (4, "TCG_PCClientPCREvent.eventType"), (8, "TCG_PCClientPCREvent.digest"),
            (28, "TCG_EfiSpecIdEvent"), (32, "TCG_EfiSpecIdEvent.signature"),
            (53, "TCG_EfiSpecIdEvent.specVersionMajor"), (59, "TCG_EfiSpecIdEvent.numberOfAlgorithms"),
            (62, "digestSizes"), (68, "TCG_EfiSpecIdEvent.vendorInfo"),
            (80, "TCG_PCR_EVENT2.digests.count"), (81, "TPMT_HA.hashAlg"), (138, "TCG_PCR_EVENT2.event"),
        ])
    func corruption(_ place: (offset: Int, field: String)) throws {
        var bytes = SmallLog.bytes
        bytes[place.offset] = place.offset == 62 ? 99 : 200
        let error = #expect(throws: FormatError.self) { try SmallLog.parse(bytes) }
        #expect(error?.field.hasPrefix(place.field) == true, "found \(error?.field ?? "nothing")")
        #expect(error?.source == "log" && error?.offset != nil)
    }

    @Test("random bytes are refused without a crash") func garbage() {
        let seed: UInt64 = 0xE7E7
        var generator = SeededGenerator(seed: seed)
        for round in 0..<2000 {
            var bytes = SmallLog.bytes
            for _ in 0...Int.random(in: 0...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if round % 2 == 0 { bytes = generator.bytes(Int.random(in: 0...200, using: &generator)) }
            if let log = try? SmallLog.parse(bytes) {
                for record in log.records { _ = record.summary }
                #expect(log.encoded == Array(bytes.prefix(log.encoded.count)), "seed \(seed) round \(round)")
            }
        }
    }

    @Test("a summary holds no byte that a terminal obeys") func summaries() {
        let evil = Array("a\u{1B}[2J\u{7}\u{202E}b".utf8)
        let record = EventLog.Record(register: 4, type: .efiAction, digests: [], data: evil)
        #expect(record.summary == "a?[2J??b")
    }

    @Test("a start-up locality sets PCR 0's first value") func locality() throws {
        let start = EventLog.Record(
            register: 0, type: .noAction, digests: [], data: Array("StartupLocality".utf8) + [0, 3])
        let event = EventLog.Record(
            register: 0, type: .separator, digests: [.init(Digest.of([0, 0, 0, 0], .sha256))], data: [0, 0, 0, 0])
        let log = EventLog(registers: .tpm, header: .init(algorithms: [.sha256]), records: [start, event])
        let first = Digest(.sha256, bytes: [UInt8](repeating: 0, count: 31) + [3])!
        #expect(try log.replay(.sha256)[0] == first.extended(by: .of([0, 0, 0, 0], .sha256)))
    }
}
