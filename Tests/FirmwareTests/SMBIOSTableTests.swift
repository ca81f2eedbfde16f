import Bytes
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@Suite("SMBIOS table") struct SMBIOSTableTests {
    static func parse(_ bytes: [UInt8]) throws(FormatError) -> SMBIOSTable {
        try bytes.withReader(source: "smbios") { reader throws(FormatError) in try SMBIOSTable(parsing: &reader) }
    }

    /// A system structure (type 1) with serial number, UUID and wake-up type, an OEM one and an end.
    static let small: [UInt8] =
        [1, 0x1B, 0, 1, 1, 0, 0, 2] + [UInt8](1...16) + [6, 0, 0] + Array("QEMU\0s3cret\0\0".utf8)
        + [200, 6, 9, 9, 1, 7] + Array("text\0\0".utf8) + [127, 4, 0, 127, 0, 0]

    @Test("structures and strings are read and written back") func roundTrip() throws {
        let table = try Self.parse(Self.small)
        #expect(table.structures.map(\.type) == [1, 200, 127])
        #expect(table.structures[0].strings.map { String(decoding: $0, as: UTF8.self) } == ["QEMU", "s3cret"])
        #expect(table.encoded == Self.small)
    }

    @Test("what names one machine is blanked, sizes stay") func measured() throws {
        let expected: [UInt8] =
            [1, 0x1B, 0, 1, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 16) + [0, 0, 0] + Array("QEMU\0      \0\0".utf8)
            + [200, 6, 9, 9] + [UInt8](repeating: 0, count: 8) + [127, 4, 0, 127, 0, 0]
        #expect(try Self.parse(Self.small).measuredBytes == expected)
    }

    @Test("OVMF adds its type 0 and its own end") func installed() throws {
        let table = try Self.parse(Self.small).installed(by: .init(vendor: "V", version: "1", date: "01/02/2003"))
        #expect(table.structures.map(\.type) == [1, 200, 0, 127])
        #expect(
            table.encoded.suffix(21).elementsEqual(
                Array("\u{0}1\u{0}01/02/2003\0\0".utf8) + [127, 4, 0xFF, 0xFE, 0, 0]))
    }

    @Test("a cut table, a short length and a missing end of strings are refused") func corrupted() {
        for count in 1..<Self.small.count where ![40, 52].contains(count) {
            #expect(throws: FormatError.self, "\(count) bytes") { try Self.parse(Array(Self.small.prefix(count))) }
        }
        var bytes = Self.small
        bytes[1] = 3
        #expect(throws: FormatError.self) { try Self.parse(bytes) }
    }

    @Test("random bytes are refused without a crash") func garbage() {
        var generator = SeededGenerator(seed: 77)
        for _ in 0..<1000 {
            let bytes = generator.bytes(Int.random(in: 0...120, using: &generator)).map { $0 & 0x3F }
            if let table = try? Self.parse(bytes) { _ = table.measuredBytes }
        }
    }

    @Test(
        "tables of real QEMUs give the digests that real firmware measured",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
    func vectors() throws {
        let input = try InputFile((Outside.vectors ?? "") + "/tdx/public.json")
        let document = try JSONReader.parse(
            try input.read(at: 0, count: input.size), source: "public.json", mode: .foreign)
        guard case .array(let nodes) = document.value["cases"] else { return }
        let cases = nodes.map(\.value).filter { $0["kind"] == .string("smbios-event") }
        #expect(cases.count == 2)
        for vector in cases {
            guard case .string(let hex) = vector["inputs"]?["qemu_smbios_tables_hex"],
                case .string(let vendor) = vector["inputs"]?["firmware"]?["vendor"],
                case .string(let version) = vector["inputs"]?["firmware"]?["version"],
                case .string(let date) = vector["inputs"]?["firmware"]?["date"], let bytes = [UInt8](hex: hex)
            else { Issue.record("unreadable vector"); continue }
            let table = try Self.parse(bytes).installed(by: .init(vendor: vendor, version: version, date: date))
            #expect(.string(Digest.of(table.encoded, .sha256).hex) == vector["expected"]?["table_sha256"])
            #expect(.string(Digest.of(table.measuredBytes, .sha384).hex) == vector["expected"]?["event_sha384"])
        }
    }
}

@Suite("SMBIOS table of a peer", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct SMBIOSPeerTests {
    /// The digest stands in the log of a real TD with edk2-stable202605.
    @Test("chutes-node1: what a TD of two sockets measured follows from QEMU's table and the firmware's strings")
    func chutes() throws {
        let path = try #require(Outside.vectors) + "/peers/smbios/chutes-node1.json"
        let document = try JSONReader.parse(InputFile.contents(of: path), source: path, mode: .foreign).value
        func bytes(_ key: String) throws -> [UInt8] {
            guard case .string(let text)? = document[key] else { throw TestFailure("no \(key)") }
            return try #require([UInt8](hex: text))
        }
        let expected =
            "6801eb1ddd477a6a52232e291d4287b0e8f047d8f289546a0621cede30a9913d52c5eff1d8e299b064a9162fbe2f6f76"
        let whole = try SMBIOSTableTests.parse(bytes("dmi_table_hex"))
        #expect(Digest.of(whole.measuredBytes, .sha384).hex == expected)
        let identity = SMBIOSTable.FirmwareIdentity(vendor: "EDK II", version: "unknown", date: "02/02/2022")
        let installed = try SMBIOSTableTests.parse(bytes("qemu_fw_cfg_smbios_tables_hex")).installed(by: identity)
        #expect(try installed.encoded == bytes("dmi_table_hex"))
        #expect(Digest.of(installed.measuredBytes, .sha384).hex == expected)
    }
}
