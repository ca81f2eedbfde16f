import Bytes
import EventLogs
import Hashing
import TestSupport
import Testing

/// A parser of event data with input that it reads.
struct ParsedEventData: Sendable, CustomTestStringConvertible {
    let name: String
    let valid: [UInt8]
    let parse: @Sendable (inout ByteReader) throws(FormatError) -> Void
    var testDescription: String { name }

    func take(_ bytes: [UInt8]) throws(FormatError) {
        try bytes.withReader(source: "event") { reader throws(FormatError) in try parse(&reader) }
    }
}

@Suite("Hostile event data", .timeLimit(.minutes(2)))
struct HostileEventDataTests {
    private static let path = DevicePath([
        .pciRoot(), .pci(device: 2), .init(type: 3, subtype: 2, data: [1, 0, 2, 0]),
        .init(type: 4, subtype: 1, data: [UInt8](0..<38)), .init(type: 4, subtype: 4, data: [0x5C, 0, 0x61, 0, 0, 0]),
    ])
    private static let option = LoadOption(
        attributes: 1, description: "disk", path: path, optionalData: [1, 2, 3])
    private static let image: [UInt8] = {
        var writer = ByteWriter()
        for word in [0x1000, 0x2000, 0, UInt64(path.encoded.count)] as [UInt64] { writer.append(word) }
        writer.append(path.encoded)
        return writer.bytes
    }()

    static let formats: [ParsedEventData] = [
        ParsedEventData(name: "DevicePath", valid: path.encoded) { (reader) throws(FormatError) in
            _ = try DevicePath(parsing: &reader).description
        },
        ParsedEventData(name: "LoadOption", valid: option.encoded) { (reader) throws(FormatError) in
            _ = try LoadOption(parsing: &reader).path.description
        },
        ParsedEventData(
            name: "UEFIVariableData",
            valid: UEFIVariableData(vendor: GUID(zeros: ()), name: "Boot0001", data: option.encoded).encoded
        ) { (reader) throws(FormatError) in
            let variable = try UEFIVariableData(parsing: &reader)
            _ = (variable.loadOption, variable.bootOrder)
        },
        ParsedEventData(
            name: "GPTEvent",
            valid: GPTEvent(
                header: [UInt8](repeating: 1, count: 92), entries: [[UInt8](repeating: 2, count: 128)]
            ).encoded
        ) { (reader) throws(FormatError) in
            let event = try GPTEvent(parsing: &reader)
            _ = (event.headerFields, event.partitions, event.encoded)
        },
        ParsedEventData(name: "ImageLoadEvent", valid: image) { (reader) throws(FormatError) in
            _ = try ImageLoadEvent(parsing: &reader).path.description
        },
        ParsedEventData(name: "TaggedEvent", valid: TaggedEvent.initrd.encoded) { (reader) throws(FormatError) in
            _ = try TaggedEvent(parsing: &reader).encoded
        },
        ParsedEventData(name: "EventLog", valid: SmallLog.bytes) { (reader) throws(FormatError) in
            let log = try EventLog(parsing: &reader, registers: .tpm)
            _ = (log.findings, log.records.map(\.summary), log.encoded)
            for algorithm in log.algorithms { _ = try log.replay(algorithm) }
        },
    ]

    @Test("the data that changes start from is read", arguments: formats) func valid(_ format: ParsedEventData) throws {
        try format.take(format.valid)
    }

    @Test("every byte, every length and random changes are read or refused with what and where", arguments: formats)
    func hostile(_ format: ParsedEventData) {
        func take(_ label: String, _ bytes: [UInt8]) {
            do throws(FormatError) {
                try format.take(bytes)
            } catch {
                #expect(!error.field.isEmpty && !error.expected.isEmpty, "\(format.name), \(label)")
                // The replay speaks of the log, all others of the data.
                #expect(["event", "event log"].contains(error.source), "\(format.name), \(label)")
                #expect(error.description.utf8.count < 2000, "\(format.name), \(label)")
            }
        }
        HostileInput.everyByte(of: format.valid, take)
        HostileInput.everyLength(of: format.valid, take)
        HostileInput.random(format.valid, seed: 0xE7E7, rounds: 4000, take)
    }

    @Test(
        "fields that do not fit are refused by name",
        arguments: [
            ("DevicePath", ["EFI_DEVICE_PATH.Length", "EFI_DEVICE_PATH.Type", "device path node"]),
            (
                "LoadOption",
                [
                    "EFI_LOAD_OPTION.FilePathList", "EFI_LOAD_OPTION.Attributes", "EFI_LOAD_OPTION.Description",
                    "EFI_DEVICE_PATH.Length",
                ]
            ),
            (
                "UEFIVariableData",
                [
                    "UEFI_VARIABLE_DATA", "UEFI_VARIABLE_DATA.VariableName", "UEFI_VARIABLE_DATA.UnicodeName",
                    "UEFI_VARIABLE_DATA.VariableData",
                ]
            ),
            ("GPTEvent", ["UEFIPartitionHeader", "NumberOfPartitions", "Partitions"]),
            (
                "ImageLoadEvent",
                ["UEFI_IMAGE_LOAD_EVENT.ImageLocationInMemory", "UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath"]
            ),
            ("TaggedEvent", ["taggedEventID", "taggedEventData", "TCG_PCClientTaggedEvent"]),
        ])
    func fields(_ name: String, _ expected: [String]) throws {
        let format = try #require(Self.formats.first { $0.name == name })
        var found: Set<String> = []
        func take(_ label: String, _ bytes: [UInt8]) {
            do throws(FormatError) { try format.take(bytes) } catch { found.insert(error.field) }
        }
        HostileInput.everyByte(of: format.valid, take)
        HostileInput.everyLength(of: format.valid, take)
        #expect(expected.allSatisfy(found.contains), "\(found.sorted())")
    }

    @Test("counts that promise more than there is cost nothing") func counts() throws {
        var log = ByteWriter()
        log.append(SmallLog.bytes)
        log.replace(at: SmallLog.bytes.count - 8, with: UInt32.max)
        #expect(throws: FormatError.self) { try SmallLog.parse(log.bytes) }
        var variable = ByteWriter()
        variable.append(repeating: 0, count: 16)
        for value in [UInt64(1024), .max] { variable.append(value) }
        #expect(throws: FormatError.self) {
            try variable.bytes.withReader(source: "event") { reader throws(FormatError) in
                try UEFIVariableData(parsing: &reader)
            }
        }
    }

    @Test("a log of many records is read up to the limit, and its events compared in order") func many() throws {
        let header = Array(SmallLog.bytes.prefix(SmallLog.bytes.count - 76))
        let record = Array(SmallLog.bytes.suffix(76))
        let log = try SmallLog.parse(header + [[UInt8]](repeating: record, count: 2000).flatMap(\.self))
        #expect(log.records.count == 2000 && log.findings.count == 1999)
        let over = header + [[UInt8]](repeating: record, count: EventLog.recordLimit + 1).flatMap(\.self)
        let error = #expect(throws: FormatError.self) { try SmallLog.parse(over) }
        #expect(error?.found == "more than 65536 records")
    }
}
