import Bytes
import Firmware
import TestSupport
import Testing

private func image(_ bytes: [UInt8]) throws(FormatError) -> OVMFImage { try OVMFImage(bytes, name: "ovmf.fd") }

/// Reads everything that an image says.
private func readAll(_ bytes: [UInt8]) throws(FormatError) {
    let image = try image(bytes)
    _ = try image.sevESResetAddress()
    _ = try image.sevHashTableArea()
    _ = try image.sevSecretArea()
    try image.sevMetadata().validateForSNP(source: image.name)
    _ = try image.tdvfMetadata()
    _ = try image.verifiesKernelHashes()
}

@Suite("OVMF tables")
struct OVMFImageTests {
    @Test("an image made by rule reads back as it was made")
    func readsBack() throws {
        let firmware = SyntheticFirmware()
        let image = try image(firmware.bytes)
        #expect(image.baseGPA == 0xFFFF_8000)
        #expect(try image.sevESResetAddress() == 0x80_B004)
        #expect(try image.sevHashTableArea() == .init(base: 0x81_0C00, size: 0x400))
        #expect(try image.sevSecretArea() == .init(base: 0x81_0000, size: 0xC00))
        let sections = try image.sevMetadata().sections
        #expect(sections.map(\.kind.rawValue) == [1, 1, 2, 3, 4, 1, 0x10])
        #expect(sections.last?.gpa == 0x81_0000)
        let tdvf = try image.tdvfMetadata()
        #expect(tdvf.sections.map(\.kind) == [.bfv, .cfv, .tempMem, .tdHOB])
        #expect(tdvf.sections[0].extendsMR && !tdvf.sections[1].extendsMR)
        #expect(tdvf.sections[0].range == 0x2000..<0x8000)
        try readAll(firmware.bytes)
    }

    @Test("without a footer the error says what kind of file is needed")
    func noFooter() {
        let error = #expect(throws: FormatError.self) { try image([UInt8](repeating: 0xFF, count: 0x1000)) }
        #expect(error?.offset == 0xFD0)
        #expect(error?.hint?.contains("variable store") == true)
        #expect(throws: FormatError.self) { try image([]) }
        #expect(throws: FormatError.self) { try image([UInt8](repeating: 0, count: 49)) }
    }

    @Test(
        "an entry of length zero, or one that reaches outside the table, does not loop or trap",
        arguments: [0, 17, 0xFFFF])
    func entryLength(length: UInt16) throws {
        var bytes = SyntheticFirmware().bytes
        // The last entry before the footer is the reset block; its length stands before its GUID.
        let place = bytes.count - 0x20 - 18 - 18
        bytes[place] = UInt8(length & 0xFF)
        bytes[place + 1] = UInt8(length >> 8)
        let error = #expect(throws: FormatError.self) { try image(bytes) }
        #expect(error?.offset == place)
        #expect(error?.field == "GUIDed table entry.length")
    }

    @Test("a table that is longer than its entries is refused", arguments: [17, 19, 0x7FFF])
    func footerLength(length: UInt16) throws {
        var bytes = SyntheticFirmware().bytes
        let place = bytes.count - 0x20 - 18
        bytes[place] = UInt8(length & 0xFF)
        bytes[place + 1] = UInt8(length >> 8)
        #expect(throws: FormatError.self) { try image(bytes) }
    }

    @Test("an image of the time before the table has its reset block alone")
    func loneResetBlock() throws {
        var bytes = [UInt8](repeating: 0, count: 0x1000)
        let block: [UInt8] =
            [0x04, 0xB0, 0x80, 0x00, 22, 0] + (GUID("00f771de-1a7e-4fcb-890e-68c77e2fb44e")?.bytes ?? [])
        bytes.replaceSubrange(0x1000 - 0x20 - 22..<0x1000 - 0x20, with: block)
        let image = try image(bytes)
        #expect(try image.sevESResetAddress() == 0x80_B004)
        #expect(image.table.entries.count == 1)
        #expect(try image.optionalSEVMetadata() == nil)
        bytes[0x1000 - 0x20 - 18] = 23
        #expect(throws: FormatError.self) { try OVMFImage(bytes, name: "ovmf.fd") }
    }

    @Test("a count of sections beyond the file, an area beyond 4 GiB and two secrets pages are refused")
    func hostile() throws {
        let firmware = SyntheticFirmware()
        var bytes = firmware.bytes
        // 0x15555555 sections of 12 bytes, and a length that agrees.
        bytes.replaceSubrange(
            firmware.sevMetadataOffset + 4..<firmware.sevMetadataOffset + 16,
            with: [0x0C, 0, 0, 0, 1, 0, 0, 0, 0x55, 0x55, 0x55, 0x15])
        #expect(throws: FormatError.self) { try image(bytes).sevMetadata() }
        bytes.replaceSubrange(
            firmware.sevMetadataOffset + 4..<firmware.sevMetadataOffset + 16,
            with: [0x4C, 0x9C, 0, 0, 1, 0, 0, 0, 0x05, 0x0D, 0, 0])
        #expect(throws: FormatError.self) { try image(bytes).sevMetadata() }
        var wide = firmware
        wide.hashTableArea = (0xFFFF_FFFF, 2)
        #expect(throws: FormatError.self) { try OVMFImage(wide.bytes, name: "ovmf.fd").sevHashTableArea() }
        var twice = firmware
        twice.sections?.append(.init(0x90_0000, 0x1000, 2))
        let error = #expect(throws: FormatError.self) {
            try image(twice.bytes).sevMetadata().validateForSNP(source: "ovmf.fd")
        }
        #expect(error?.description.contains("2 sections") == true)
        var high = firmware
        high.sections?.append(.init(0xFFFF_F000, 0x2000, 1))
        #expect(throws: FormatError.self) {
            try image(high.bytes).sevMetadata().validateForSNP(source: "ovmf.fd")
        }
    }

    @Test(
        "every field of the SEV metadata is checked",
        arguments: [
            (0, 0x42, "signature"), (4, 0x65, "length"), (8, 2, "version"), (12, 8, "length"), (15, 1, "length"),
            (16, 1, "whole 4096-byte pages"), (17, 0xA0, "do not overlap"), (20, 1, "whole 4096-byte pages"),
            (24, 5, "unknown kind"), (24, 2, "one page"), (45, 0x20, "one page"), (16 + 12 * 2 + 8, 3, "exactly one"),
        ])
    func sevMetadata(offset: Int, value: UInt8, problem: String) throws {
        let firmware = SyntheticFirmware()
        var bytes = firmware.bytes
        bytes[firmware.sevMetadataOffset + offset] = value
        let error = #expect(throws: FormatError.self) {
            try image(bytes).sevMetadata().validateForSNP(source: "ovmf.fd")
        }
        let text = (error?.description ?? "")
        #expect(text.contains(problem), "\(text)")
        #expect(error?.offset ?? .max >= firmware.sevMetadataOffset)
    }

    @Test("a section of size zero is allowed and adds nothing")
    func emptySection() throws {
        var firmware = SyntheticFirmware()
        firmware.sections?.append(.init(0x80_0000, 0, 1))
        try image(firmware.bytes).sevMetadata().validateForSNP(source: "ovmf.fd")
    }

    @Test(
        "every field of the TDVF descriptor is checked",
        arguments: [
            (0, 0x55, "signature"), (4, 0, "length"), (8, 0, "version"), (12, 1, "count"), (12, 5, "length"),
            (16 + 3, 1, "data offset"), (16 + 4, 1, "memory size"), (16 + 7, 1, "memory size"), (16 + 8, 1, "address"),
            (16 + 16, 1, "memory size"), (16 + 17, 0x50, "memory size"), (16 + 22, 1, "memory size"),
            (16 + 24, 4, "type"),
            (16 + 24, 2, "raw size"), (16 + 28, 4, "attributes"), (16 + 32 + 5, 0, "raw size"),
            (16 + 64 + 0, 1, "raw size"), (16 + 64 + 4, 1, "raw size"), (16 + 96 + 24, 3, "TD_HOB"),
            (16 + 64 + 24, 2, "TD_HOB"), (16 + 24, 1, "BFV"),
        ])
    func tdvf(offset: Int, value: UInt8, field: String) throws {
        let firmware = SyntheticFirmware()
        var bytes = firmware.bytes
        bytes[firmware.tdvfOffset + offset] = value
        let error = #expect(throws: FormatError.self) { try image(bytes).tdvfMetadata() }
        let text = (error?.description ?? "")
        #expect(text.contains(field), "\(text)")
    }

    @Test("a code image alone names the combined image as what is needed")
    func split() throws {
        let firmware = SyntheticFirmware()
        let error = #expect(throws: FormatError.self) {
            try image(Array(firmware.bytes.dropFirst(0x2000))).tdvfMetadata()
        }
        #expect(error?.hint?.contains("combined image") == true)
    }

    @Test("missing tables are named, and a hash-table base of 0 counts as none")
    func missing() throws {
        var firmware = SyntheticFirmware()
        firmware.sections = nil
        firmware.tdvf = nil
        firmware.resetAddress = nil
        firmware.hashTableArea = (0, 0)
        let image = try image(firmware.bytes)
        #expect(try image.sevHashTableArea() == nil)
        #expect(try image.optionalSEVMetadata() == nil)
        #expect(throws: FormatError.self) { try image.sevMetadata() }
        #expect(throws: FormatError.self) { try image.tdvfMetadata() }
        let error = #expect(throws: FormatError.self) { try image.sevESResetAddress() }
        #expect(error?.description.contains("00f771de-1a7e-4fcb-890e-68c77e2fb44e") == true)
    }

    @Test("single bytes changed anywhere in the structures never trap")
    func corruption() {
        let firmware = SyntheticFirmware()
        let bytes = firmware.bytes
        let places = [firmware.tdvfOffset..<firmware.tdvfOffset + 0x90, firmware.sevMetadataOffset..<bytes.count]
        for place in places.joined() {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var broken = bytes
                broken[place] = value
                try? readAll(broken)
            }
        }
    }

    @Test("random bytes behind a valid footer never trap")
    func garbage() {
        let seed: UInt64 = 0x5EED_0001
        print("OVMF garbage test, seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let whole = SyntheticFirmware().bytes
        for _ in 0..<300 {
            var bytes = generator.bytes(0x400)
            bytes.replaceSubrange(0x400 - 0x30..<0x400, with: whole.suffix(0x30))
            try? readAll(bytes)
            // Structures whose offsets are right but whose content is noise.
            var noisy = Array(whole.suffix(0x1000))
            for _ in 0..<40 {
                noisy[Int.random(in: 0x800..<0xFC0, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            try? readAll(noisy)
        }
    }
}
