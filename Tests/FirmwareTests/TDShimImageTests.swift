import Bytes
import Firmware
import TestSupport
import Testing

@Suite("td-shim images") struct TDShimImageTests {
    private func read(_ bytes: [UInt8]) throws -> TDShimImage {
        try TDShimImage(TDVFImage(bytes, name: "td-shim", dialect: .tdShim))
    }

    @Test("an image is known by its pointer, the GUID and the descriptor", arguments: SyntheticTDShim.Form.allCases)
    func recognised(_ form: SyntheticTDShim.Form) throws {
        let bytes = SyntheticTDShim(form).bytes
        #expect(TDShimImage.isTDShim(bytes))
        #expect(!TDShimImage.isTDShim(SyntheticFirmware().bytes) && !TDShimImage.isTDShim([1, 2, 3]))
        for offset in [SyntheticTDShim.metadataOffset, SyntheticTDShim.metadataOffset + 16, bytes.count - 0x20] {
            var other = bytes
            other[offset] ^= 1
            #expect(!TDShimImage.isTDShim(other), "\(hexadecimal(offset))")
        }
        let image = try read(bytes)
        #expect((image.builtIn == nil) == [.linux, .linuxInMRTD].contains(form))
    }

    @Test("the payload is the whole PE32 section; of a signed one the part between header and key") func payload()
        throws
    {
        let start = SyntheticTDShim.payloadOffset + 0x78 + 24 + 4
        let plain = try #require(try read(SyntheticTDShim(.executable).bytes).builtIn)
        #expect(plain.range == start..<SyntheticTDShim.payloadOffset + SyntheticTDShim.payloadSize)
        #expect(plain.signature == nil)
        let signed = try #require(try read(SyntheticTDShim(.signed).bytes).builtIn)
        #expect(signed.range == start + 48..<start + 648)
        #expect(signed.signature?.svn == SyntheticTDShim.svn)
        #expect(signed.signature?.trustAnchor == 0x78 + 24..<0x78 + 24 + 88)
    }

    /// Offsets in the image, and what the error is about.
    @Test(
        "every field of the payload's volume, of a signed payload and of the trust anchor is checked",
        arguments: [
            // Checksums of the file's header, size and length.
            (0x4078 + 16, "payload volume"), (0x4078 + 17, "payload volume"), (0x4078 + 23, "payload volume"),
            (0x4090 + 2, "section.size"), (0x4090 + 3, "payload volume"), (0x4094 + 0x15, "signed payload.length"),
            (0x4094 + 0x28, "signed payload.algorithm"), (0x4094 + 648, "trust anchor.hash"),
            (0x90, "trust anchor.type"), (0x90 + 20, "trust anchor.length"), (0x90 + 40, "trust anchor.hash"),
            (0x78, "configuration volume"), (0x78 + 18, "configuration volume"), (0x28, "configuration volume"),
            (0x32, "configuration volume"),
        ])
    func corrupted(_ offset: Int, _ field: String) throws {
        var bytes = SyntheticTDShim(.signed).bytes
        bytes[offset] ^= 0x80
        let error = #expect(throws: FormatError.self) { try read(bytes) }
        #expect(error?.field == field)
    }

    @Test(
        "a volume whose header is broken is none, and then there is no payload", arguments: [0, 0x20, 0x28, 0x32, 0x37])
    func noVolume(_ offset: Int) throws {
        var bytes = SyntheticTDShim(.executable).bytes
        bytes[SyntheticTDShim.payloadOffset + offset] ^= 1
        #expect(try read(bytes).builtIn == nil)
    }

    @Test("metadata that td-shim stops at is refused") func metadata() throws {
        func refused(_ form: SyntheticTDShim.Form, _ change: (inout SyntheticTDShim) -> Void) {
            var shim = SyntheticTDShim(form)
            change(&shim)
            let error = #expect(throws: FormatError.self) { try read(shim.bytes) }
            #expect(error?.field == "TDVF section")
        }
        refused(.linux) { $0.sections[0].attributes = 0 }
        refused(.linux) { $0.sections[1].attributes = 1 }
        refused(.linux) { $0.sections[3].attributes = 1 }
        refused(.linux) { $0.sections[4].attributes = 2 }
        refused(.linux) { $0.sections[5].attributes = 1 }
        refused(.linux) { $0.sections.append($0.sections[4]) }
        refused(.linux) { $0.sections.append($0.sections[5]) }
        refused(.linux) { $0.sections.remove(at: 4) }
        refused(.linux) { $0.sections.remove(at: 3) }
        refused(.permanentMemory) { $0.sections[3].attributes = 0 }
    }

    @Test("records about itself, which are in no memory, are taken; a pointer that means another place is refused")
    func records() throws {
        var shim = SyntheticTDShim(.linux)
        shim.sections.append(.init(0xD000, 0x400, 0, 0, 7, 0))
        shim.sections.append(.init(0xD400, 0x400, 0, 0, 8, 0))
        #expect(try read(shim.bytes).section(.tdParams)?.rawSize == 0x400)
        var bytes = SyntheticTDShim(.linux).bytes
        bytes[bytes.count - 0x20] ^= 1
        let error = #expect(throws: FormatError.self) { try read(bytes) }
        #expect(error?.field == "TDVF descriptor offset")
        bytes = SyntheticTDShim(.linux).bytes
        bytes[SyntheticTDShim.metadataOffset] ^= 1
        #expect(#expect(throws: FormatError.self) { try read(bytes) }?.field == "TDX metadata GUID")
    }

    @Test("two volumes with a payload are refused") func twoVolumes() throws {
        var bytes = SyntheticTDShim(.executable).bytes
        let volume = bytes[SyntheticTDShim.payloadOffset..<SyntheticTDShim.payloadOffset + SyntheticTDShim.payloadSize]
        bytes.replaceSubrange(0xE000..<0xE000 + SyntheticTDShim.payloadSize, with: volume)
        #expect(#expect(throws: FormatError.self) { try read(bytes) }?.field == "firmware volume")
    }

    @Test("garbage in a volume gives an error or nothing") func garbage() throws {
        var generator = SeededGenerator(seed: 20_261_126)
        for round in 0..<300 {
            var bytes = SyntheticTDShim(.signed).bytes
            let start = round.isMultiple(of: 2) ? 0x38 : SyntheticTDShim.payloadOffset + 0x38
            let noise = generator.bytes(0x200)
            let place = start + Int(generator.next() % 0x200)
            bytes.replaceSubrange(place..<place + noise.count, with: noise)
            do {
                let payload = try read(bytes).builtIn
                #expect(payload.map { $0.range.upperBound <= bytes.count } ?? true, "seed 20261126, round \(round)")
            } catch { #expect(error is FormatError, "seed 20261126, round \(round)") }
        }
    }
}

@Suite("hand-off blocks for td-shim") struct HandoffListTests {
    private func read(_ bytes: [UInt8], address: UInt64 = SyntheticTDShim.handoffAddress) throws -> HandoffList {
        try bytes.withReader(source: "td-hob") { reader throws in try HandoffList(parsing: &reader, address: address) }
    }

    @Test("the list ends with its end block, whatever stands behind it; the payload's kind is read from it")
    func lists() throws {
        let plain = SyntheticTDShim.handoff()
        #expect(try read(plain).byteCount == plain.count && read(plain).payload == nil)
        for kind in [HandoffList.Kind.executable, .bzImage, .vmlinux] {
            let list = try read(SyntheticTDShim.handoff(imageType: kind.rawValue) + [1, 2, 3])
            #expect(list.byteCount == plain.count + 40)
            #expect(list.payload?.kind == kind && list.payload?.entryPoint == 0x86_1000)
        }
    }

    @Test(
        "what td-shim stops at is refused",
        arguments: [
            (0, "hand-off block.type"), (2, "PHIT.length"), (4, "hand-off block.reserved"), (16, "PHIT.memory top"),
            (48, "PHIT.end of list"), (56, "hand-off block.type"), (58, "resource block.length"),
            (80, "resource block.type"), (87, "resource block.type"), (200, "hand-off block.type"),
            (224, "payload information.image type"), (240, "hand-off block.type"),
        ])
    func corrupted(_ offset: Int, _ field: String) {
        var bytes = SyntheticTDShim.handoff(imageType: 1)
        bytes[offset] ^= 0x18
        #expect(#expect(throws: FormatError.self) { try read(bytes) }?.field == field)
    }

    @Test("lists for another address, cut lists, a length of zero and garbage are refused") func refused() {
        let bytes = SyntheticTDShim.handoff(imageType: 1)
        #expect(#expect(throws: FormatError.self) { try read(bytes, address: 0x1000) }?.field == "PHIT.end of list")
        for count in 0..<bytes.count { #expect(throws: FormatError.self) { try read(Array(bytes.prefix(count))) } }
        var zero = bytes
        zero[58] = 0
        #expect(#expect(throws: FormatError.self) { try read(zero) }?.field == "hand-off block.length")
        var generator = SeededGenerator(seed: 20_261_127)
        for _ in 0..<500 {
            var noise = bytes
            for _ in 0..<4 {
                noise[Int(generator.next() % UInt64(noise.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            _ = try? read(noise)
            #expect(throws: FormatError.self, "seed 20261127") { try read(generator.bytes(64)) }
        }
    }
}
