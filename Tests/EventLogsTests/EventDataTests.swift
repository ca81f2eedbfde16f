import Bytes
import EventLogs
import Hashing
import TestSupport
import Testing

@Suite("Event data") struct EventDataTests {
    static let global = (GUID("8be4df61-93ca-11d2-aa0d-00e098032b8c") ?? GUID(zeros: ()))

    @Test("the absent SecureBoot variable is the structure that firmware logs") func secureBoot() throws {
        let variable = UEFIVariableData(vendor: Self.global, name: "SecureBoot")
        let expected =
            "61dfe48bca93d211aa0d00e098032b8c0a0000000000000000000000000000005300650063007500720065004200"
            + "6f006f007400"
        #expect(variable.encoded.hex == expected)
        let back = try variable.encoded.withReader(source: "event") { reader throws(FormatError) in
            try UEFIVariableData(parsing: &reader)
        }
        #expect(back == variable)
    }

    @Test("the boot manager menu's option has edk2's bytes") func bootOption() throws {
        let option = LoadOption(
            attributes: LoadOption.active | LoadOption.hidden | LoadOption.application,
            description: "BootManagerMenuApp",
            path: DevicePath([
                .firmwareVolume(GUID("7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1")!),
                .firmwareFile(GUID("eec25bdc-67f2-4d95-b1d5-f81b2039d11d")!),
            ]))
        let expected =
            "090100002c0042006f006f0074004d0061006e0061006700650072004d0065006e007500410070007000000004071400"
            + "c9bdb87cebf8344faaea3ee4af6516a104061400dc5bc2eef267954db1d5f81b2039d11d7fff0400"
        #expect(option.encoded.hex == expected)
        #expect(Digest.of(option.encoded, .sha384).hex.hasPrefix("5068e6a9"))
        let back = try option.encoded.withReader(source: "event") { reader throws(FormatError) in
            try LoadOption(parsing: &reader)
        }
        #expect(back == option)
        #expect("\(back.path)".hasSuffix("/FvFile(eec25bdc-67f2-4d95-b1d5-f81b2039d11d)"))
    }

    @Test("a disk's path is PciRoot and Pci") func diskPath() {
        let path = DevicePath([.pciRoot(), .pci(device: 2)])
        #expect(path.encoded.hex == "02010c00d041030a0000000001010600" + "0002" + "7fff0400")
        #expect("\(path)" == "PciRoot(0x0)/Pci(0x2,0x0)")
    }

    @Test("Linux's tags are those of its EFI stub") func tags() throws {
        #expect(TaggedEvent.initrd.encoded.hex == "ec223b8f0d0000004c696e757820696e6974726400")
        #expect(TaggedEvent.loadOptions.encoded.count == 8 + 26)
        let back = try TaggedEvent.initrd.encoded.withReader(source: "event") { reader throws(FormatError) in
            try TaggedEvent(parsing: &reader)
        }
        #expect(back == .initrd)
    }

    @Test("lengths that leave the event are refused") func lengths() {
        var variable = UEFIVariableData(vendor: Self.global, name: "PK", data: [1]).encoded
        for (offset, value) in [(16, UInt8(200)), (23, 255), (24, 2), (31, 255)] {
            let saved = variable[offset]
            variable[offset] = value
            #expect(throws: FormatError.self, "byte \(offset)") {
                try variable.withReader(source: "event") { reader throws(FormatError) in
                    try UEFIVariableData(parsing: &reader)
                }
            }
            variable[offset] = saved
        }
        #expect(throws: FormatError.self) {
            try ([4, 7, 3, 0] as [UInt8]).withReader(source: "event") { reader throws(FormatError) in
                try DevicePath(parsing: &reader)
            }
        }
    }

    @Test("a partition table's event is header, count and entries") func partitionTable() throws {
        let event = GPTEvent(
            header: [UInt8](repeating: 1, count: 92),
            entries: [[UInt8](repeating: 2, count: 128), [UInt8](repeating: 3, count: 128)])
        let bytes = event.encoded
        #expect(bytes.count == 92 + 8 + 256 && Array(bytes[92..<100]) == [2, 0, 0, 0, 0, 0, 0, 0])
        func parse(_ bytes: [UInt8]) throws(FormatError) -> GPTEvent {
            try bytes.withReader(source: "event") { reader throws(FormatError) in try GPTEvent(parsing: &reader) }
        }
        #expect(try parse(bytes) == event)
        for changed in [bytes + [0], Array(bytes.dropLast()), Array(bytes.prefix(50))] {
            #expect(throws: FormatError.self) { try parse(changed) }
        }
        var huge = bytes
        huge[99] = 0x80
        #expect(throws: FormatError.self) { try parse(huge) }
    }

    @Test("random event data of every type gives a summary") func garbage() {
        var generator = SeededGenerator(seed: 11)
        let types: [EventType] = [
            .variableBoot, .variableAuthority, .bootServicesApplication, .eventTag, .ipl, .platformFirmwareBlob,
            .platformFirmwareBlob2, .gptEvent, .crtmVersion,
        ]
        for type in types {
            for size in 0..<120 {
                let record = EventLog.Record(register: 1, type: type, digests: [], data: generator.bytes(size))
                #expect(!record.summary.contains("\u{1B}"))
            }
        }
    }
}
