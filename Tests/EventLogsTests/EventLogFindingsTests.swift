import Bytes
import EventLogs
import Hashing
import TestSupport
import Testing

@Suite("What an event log may not say") struct EventLogFindingsTests {
    private func event(_ register: UInt32, _ type: EventType, _ data: [UInt8], of hashed: [UInt8]? = nil)
        -> EventLog.Record
    {
        let digests = [HashAlgorithm.sha1, .sha256].map { EventLog.AlgorithmDigest(Digest.of(hashed ?? data, $0)) }
        return EventLog.Record(register: register, type: type, digests: digests, data: data)
    }

    private func log(_ records: [EventLog.Record], _ registers: EventLog.Registers = .tpm) -> EventLog {
        EventLog(registers: registers, header: .init(algorithms: [.sha1, .sha256]), records: records)
    }

    private let separator: [UInt8] = [0, 0, 0, 0]

    @Test("one separator a PCR is honest, a second one is named with its place") func separators() {
        let honest = (UInt32(0)...7).map { event($0, .separator, separator) }
        #expect(log(honest).findings.isEmpty)
        let findings = log(honest + [event(4, .separator, separator)]).findings
        #expect(findings.map(\.kind) == [.repeatedSeparator] && findings.first?.record == 8)
        #expect(findings.first?.description == "event 9 (PCR4 EV_SEPARATOR): PCR4 had its separator before")
    }

    @Test("a TD's RTMR0 stands for two PCRs and has two separators, no other register has") func separatorsOfTD() {
        let honest = [1, 1, 2].map { event($0, .separator, separator) }
        #expect(log(honest, .tdx).findings.isEmpty)
        #expect(log(honest + [event(1, .separator, separator)], .tdx).findings.map(\.register) == ["RTMR0"])
        #expect(log(honest + [event(2, .separator, separator)], .tdx).findings.map(\.register) == ["RTMR1"])
    }

    @Test("a separator that tells of a failure is named") func failure() {
        for data in [[1, 0, 0, 0], [9, 9, 9]] as [[UInt8]] {
            #expect(log([event(0, .separator, data, of: [1, 0, 0, 0])]).findings.map(\.kind) == [.firmwareFailure])
        }
        #expect(log([event(0, .separator, [255, 255, 255, 255])]).findings.isEmpty)
    }

    @Test(
        "data of other bytes than the digest is named for every type that makes it what is hashed",
        arguments: [
            .separator, .action, .efiAction, .crtmVersion, .variableDriverConfig, .variableAuthority, .variableBoot,
            .variableBoot2, .gptEvent,
        ] as [EventType])
    func contradicted(_ type: EventType) {
        #expect(
            log([event(1, type, Array("said".utf8), of: [7])]).findings.map(\.kind) == [.dataIsNotWhatWasHashed])
        #expect(!log([event(1, type, separator)]).findings.contains { $0.kind == .dataIsNotWhatWasHashed })
    }

    @Test("one bank whose digest is of other bytes is enough") func oneBank() {
        var record = event(4, .efiAction, Array("action".utf8))
        record.digests[0] = .init(Digest.of([1], .sha1))
        #expect(record.dataStanding == .contradicted)
    }

    @Test("a boot variable's digest may be of its value or of the structure") func bootVariable() {
        let variable = UEFIVariableData(vendor: GUID(zeros: ()), name: "BootOrder", data: [1, 0, 0, 0])
        for hashed in [variable.data, variable.encoded] {
            let record = event(1, .variableBoot, variable.encoded, of: hashed)
            #expect(record.dataStanding == .measured && record.summary == "BootOrder = Boot0001, Boot0000")
        }
    }

    @Test("GRUB's text is what was hashed without its label and NUL, and types that leave data open are free")
    func bootLoader() {
        let text = Array("grub_cmd: set a=1\0".utf8)
        #expect(event(8, .ipl, text, of: Array("set a=1".utf8)).dataStanding == .measured)
        #expect(event(8, .ipl, text, of: Array("set a=2".utf8)).dataStanding == .contradicted)
        #expect(event(9, .ipl, Array("/boot/vmlinuz\0".utf8), of: [7]).dataStanding == .free)
        #expect(event(9, .eventTag, TaggedEvent.initrd.encoded, of: [7]).dataStanding == .free)
    }

    @Test("registers that nothing can extend are named") func registers() {
        #expect(log([event(24, .ipl, [1])]).findings.map(\.kind) == [.unknownRegister])
        #expect(log([event(0, .ipl, [1])], .tdx).findings.map(\.kind) == [.unknownRegister])
        #expect(log([event(5, .ipl, [1])], .tdx).findings.map(\.kind) == [.unknownRegister])
    }

    @Test("a locality that comes late, twice or is none is refused by the replay")
    func locality() throws {
        func start(_ locality: UInt8) -> EventLog.Record {
            EventLog.Record(
                register: 0, type: .noAction, digests: [], data: Array("StartupLocality".utf8) + [0, locality])
        }
        let first = event(0, .efiAction, Array("one".utf8))
        for records in [[first, start(3)], [start(3), start(4)], [start(1)], [start(0), first, start(0)]] {
            let error = #expect(throws: FormatError.self) { try log(records).replay(.sha256) }
            #expect(error?.field == "StartupLocality" && error?.expected.contains("0, 3 or 4") == true)
        }
        for locality in [UInt8(0), 3, 4] {
            #expect(try log([start(locality), first]).replay(.sha256)[0] != nil)
        }
    }

    @Test("a partition table's fields are those of the header and the entries") func partitionTable() throws {
        var header = [UInt8](repeating: 0, count: 92)
        header.replaceSubrange(40..<48, with: [34, 0, 0, 0, 0, 0, 0, 0])
        header.replaceSubrange(56..<72, with: GUID("11111111-2222-3333-4444-555555555555")?.bytes ?? [])
        var entry = [UInt8](repeating: 0, count: 128)
        entry.replaceSubrange(32..<34, with: [0, 8])
        entry.replaceSubrange(56..<62, with: [0x65, 0, 0x73, 0, 0x70, 0])
        let table = GPTEvent(header: header, entries: [entry])
        #expect(table.headerFields.first { $0.name == "first usable block" }?.value == "34")
        #expect(table.partitions.first?.first == 2048 && table.partitions.first?.name == "esp")
        #expect(
            event(5, .gptEvent, table.encoded).summary
                == "disk 11111111-2222-3333-4444-555555555555, 1 partitions: esp")
    }

    @Test("an event type is found by the name it prints") func typeNames() {
        for type in [EventType.separator, .variableBoot, .gptEvent, EventType(rawValue: 0x8000_7777)] {
            #expect(EventType(name: "\(type)") == type)
        }
        #expect(EventType(name: "EV_NONE") == nil && EventType(name: "0x") == nil)
    }
}
