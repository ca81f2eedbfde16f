import Bytes
import Firmware
import Hashing
import TestSupport
import Testing

@Suite("firmware volumes")
struct FirmwareVolumeTests {
    @Test("walks from the image through the packed section to the volumes inside")
    func walks() throws {
        let bytes = SyntheticFirmware().bytes
        let volumes = try FirmwareVolumes.unpack(bytes, source: "ovmf.fd")
        #expect(
            volumes.map(\.name?.description) == [
                "48db5e17-707c-472d-91cd-1613e7ef51b0", "6938079b-b503-4e3d-9d24-b28337a25806",
                "7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1",
            ])
        #expect(volumes.map(\.bytes.count) == [0x1000, 0x400, 0x800])
        #expect(
            volumes.map(\.origin) == [
                .image(offset: 0), .packed(sectionOffset: SyntheticFirmware.packedSectionOffset, streamOffset: 24),
                .packed(sectionOffset: SyntheticFirmware.packedSectionOffset, streamOffset: 1052),
            ])
        #expect(volumes.map { $0.files.map(\.type) } == [[0x0B], [4], [5, 7]])
        #expect(volumes[0].bytes == Array(bytes[..<0x1000]))
    }

    @Test("the verifier is found in the packed volume, or its absence, or that there is no such volume")
    func verifier() throws {
        var firmware = SyntheticFirmware()
        #expect(try OVMFImage(firmware.bytes, name: "a").verifiesKernelHashes() == true)
        firmware.packedVolume = .noVerifier
        #expect(try OVMFImage(firmware.bytes, name: "a").verifiesKernelHashes() == false)
        firmware.packedVolume = .none
        #expect(try OVMFImage(firmware.bytes, name: "a").verifiesKernelHashes() == nil)
    }

    @Test(
        "damage in a packed section is an error with its place",
        arguments: [
            (SyntheticFirmware.packedSectionOffset, 0xFF as UInt8, "section.size"),
            (SyntheticFirmware.packedSectionOffset + 20, 0, "section.data offset"),
            (SyntheticFirmware.packedSectionOffset + 21, 0xFF, "section.data offset"),
            (SyntheticFirmware.packedSectionOffset + 24, 0xFF, "LZMA properties"),
            (SyntheticFirmware.packedSectionOffset + 28, 0xFF, "LZMA dictionary size"),
            (SyntheticFirmware.packedSectionOffset + 35, 0xFF, "LZMA unpacked size"),
            (SyntheticFirmware.packedSectionOffset + 29, 0xFF, "LZMA stream"),
            (SyntheticFirmware.packedSectionOffset + 38, 0xFF, "LZMA stream"),
            (0x60 + 0x15, 0xFF, "firmware file.size"),
            (0x21, 0xFF, "firmware volume.length"), (0x58, 1, "extended header size"),
        ])
    func damage(offset: Int, value: UInt8, field: String) throws {
        var bytes = SyntheticFirmware().bytes
        bytes[offset] = value
        if offset < 0x48 { fixChecksum(&bytes) }
        let error = #expect(throws: FormatError.self) { try FirmwareVolumes.unpack(bytes, source: "ovmf.fd") }
        #expect(error?.description.contains(field) == true, "\(error.debugDescription)")
    }

    private func fixChecksum(_ bytes: inout [UInt8]) {
        bytes[0x32] = 0
        bytes[0x33] = 0
        var sum: UInt16 = 0
        for index in stride(from: 0, to: 0x48, by: 2) { sum &+= UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8 }
        bytes[0x32] = UInt8((0 &- sum) & 0xFF)
        bytes[0x33] = UInt8((0 &- sum) >> 8)
    }

    @Test("random damage never traps")
    func garbage() {
        let seed: UInt64 = 0x5EED_0002
        print("firmware volume garbage test, seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let whole = Array(SyntheticFirmware().bytes[..<0x1000])
        for round in 0..<400 {
            var bytes = whole
            for _ in 0..<(1 + round % 4) {
                bytes[Int.random(in: 0x48..<0x300, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? FirmwareVolumes.unpack(bytes, source: "noise")
        }
    }

    @Test("the hash table has the bytes that QEMU writes")
    func hashTable() throws {
        let table = try #require(
            KernelHashTable(
                commandLine: KernelHashTable.digest(commandLine: []), initrd: .of([], .sha256),
                kernel: .of([1], .sha256)))
        let bytes = table.bytes
        #expect(bytes.count == 176)
        #expect(Array(bytes[..<18]).hex == "06d63894224fc94cb479a793d411fd21a800")
        #expect(Array(bytes[18..<36]).hex == "d82dd09720bd944caa78e7714d36ab2a3200")
        // SHA-256 of one zero byte, of nothing, and of one byte 1.
        #expect(Array(bytes[36..<68]).hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        #expect(Array(bytes[86..<118]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Array(bytes[136..<168]).hex == "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a")
        #expect(bytes[168...].allSatisfy { $0 == 0 })
        #expect(KernelHashTable(commandLine: .zero(.sha384), initrd: .zero(.sha256), kernel: .zero(.sha256)) == nil)
    }
}
