import Bytes
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

/// The values were computed by a script of their own from the records' layout and the loaders' rules.
@Suite("MRTD under other loaders than QEMU") struct TDLoaderTests {
    private static let sections: [SyntheticFirmware.TDVFSection] = [
        .init(0x2000, 0x6000, 0xFFFF_A000, 0x6000, 0, 1), .init(0x1000, 0x800, 0x100_0000, 0x2000, 5, 1),
        .init(0, 0, 0x80_9000, 0x1000, 2, 0), .init(0, 0, 0x80_A000, 0x1000, 3, 0),
        .init(0x1800, 0x100, 0x100_2000, 0x1000, 7, 1), .init(0, 0, 0x200_0000, 0x10_0000, 4, 2),
        .init(0, 0, 0x100_3000, 0x1000, 6, 0),
    ]

    /// An image of the time before the table: descriptor at 0x7000, its offset 32 bytes before the end.
    private func shim(_ sections: [SyntheticFirmware.TDVFSection] = sections, offset: UInt32 = 0x7000) -> [UInt8] {
        var image = (0..<0x8000).map { UInt8(truncatingIfNeeded: 31 * $0 + $0 >> 12) }
        let descriptor = SyntheticFirmware.tdvfDescriptor(sections)
        image.replaceSubrange(0x7000..<0x7000 + descriptor.count, with: descriptor)
        var pointer = ByteWriter()
        pointer.append(offset)
        image.replaceSubrange(0x7FE0..<0x7FE4, with: pointer.bytes)
        return image
    }

    private func google() throws -> TDVFImage {
        var firmware = SyntheticFirmware()
        firmware.packedVolume = .none
        return try TDVFImage(firmware.bytes, name: "ovmf.fd", dialect: .qemu)
    }

    @Test("an old td-shim image: all section types, zeros behind short ones, nothing of memory that is accepted later")
    func tdShim() throws {
        let image = try TDVFImage(shim(), name: "td-shim", dialect: .tdShim)
        let result = try MRTD.measure(image, loader: .tdShim, artifact: "firmware")
        #expect(
            result.digest.hex
                == "a0b249be2c868c8a114021b9b3b227d9aa60ef12728c893e3cc53f93e862348ce6a866c93832b8705cd913238dca3051")
        #expect(result.trace.children.count == 6 && result.trace.origin == TDLoader.tdShim.origin)
        #expect(throws: MeasurementInputError.self) {
            try MRTD.measure(image, loader: .tdShim, order: .twoPass, artifact: "firmware")
        }
    }

    @Test("a td-shim image with OVMF's table is found by it; QEMU's checks refuse its sections") func table() throws {
        var firmware = SyntheticFirmware()
        firmware.tdvf = Self.sections
        let image = try TDVFImage(firmware.bytes, name: "td-shim", dialect: .tdShim)
        #expect(
            image.metadata.sections.map(\.kind) == [.bfv, .payload, .tdHOB, .tempMem, .tdInfo, .permMem, .payloadParam])
        let error = #expect(throws: FormatError.self) {
            try TDVFImage(firmware.bytes, name: "td-shim", dialect: .qemu)
        }
        #expect(error?.field == "TDVF section.type" && error?.hint?.contains("td-shim") == true)
    }

    @Test("what is no td-shim image is refused", arguments: [0x6FFF, 0x7FD1, 0xFFFF_FFFF] as [UInt32])
    func pointer(_ offset: UInt32) {
        #expect(throws: FormatError.self) { try TDVFImage(shim(offset: offset), name: "td-shim", dialect: .tdShim) }
    }

    @Test("short files, unknown types, two hand-off sections and garbage are refused") func refused() {
        var sections = Self.sections
        sections[5].type = 9
        #expect(throws: FormatError.self) { try TDVFImage(shim(sections), name: "td-shim", dialect: .tdShim) }
        sections[5] = .init(0, 0, 0x200_0000, 0x1000, 2, 0)
        #expect(throws: FormatError.self) { try TDVFImage(shim(sections), name: "td-shim", dialect: .tdShim) }
        sections[5] = .init(0x7FFF, 2, 0x200_0000, 0x1000, 7, 1)
        #expect(throws: FormatError.self) { try TDVFImage(shim(sections), name: "td-shim", dialect: .tdShim) }
        for count in [0, 31, 47] {
            #expect(throws: FormatError.self) {
                try TDVFImage([UInt8](repeating: 0, count: count), name: "td-shim", dialect: .tdShim)
            }
        }
        var generator = SeededGenerator(seed: 20_261_125)
        for _ in 0..<200 {
            #expect(throws: FormatError.self, "seed 20261125") {
                try TDVFImage(generator.bytes(300), name: "td-shim", dialect: .tdShim)
            }
        }
    }

    @Test("Google's loader: as QEMU now; before, MRTD followed the memory and whether all of it is accepted early")
    func googleLoaders() throws {
        let image = try google()
        func value(_ loader: TDLoader, _ gibibytes: UInt64? = nil) throws -> String {
            try MRTD.measure(image, loader: loader, memory: gibibytes.map { $0 << 30 }, artifact: "firmware").digest.hex
        }
        #expect(
            try value(.google)
                == "388e5a69279a76be166d466489b1a18bab11bd39784b683e54024ea3eefee648a02b03da951a77fcdc15aba689a99e9d")
        #expect(try value(.google) == value(.qemu))
        #expect(
            try value(.googleAllSections, 16)
                == "9fabbc77169b9666652bcd0311252604733b80fd58cd8e99a3071289728441e5844e057eb1f6c4f15149eec6aeffd5de")
        #expect(
            try value(.googleEarlyAccept, 16)
                == "eb510d21ede47d79ffa0f6f6eb2016f3cc17f70287cefc540d0ac93e95bcae2286ac0ad094ffd82748800449c99e3088")
        #expect(
            try value(.googleAllSections, 352)
                == "ae3ea8673c057afad28505f7acc5ecad526c594cb7bf7205119fdc817e6615dda8906528a11081bdcc2b93357d7aca1b")
        #expect(throws: MeasurementInputError.self) { try value(.googleAllSections) }
        #expect(throws: MeasurementInputError.self) { try value(.googleEarlyAccept, 17) }
    }

    @Test("Google's loader refuses overlapping sections and volumes that are not the whole file") func googleRefuses()
        throws
    {
        var firmware = SyntheticFirmware()
        firmware.tdvf?[3].address = 0x81_0000
        let overlapping = try TDVFImage(firmware.bytes, name: "ovmf.fd", dialect: .qemu)
        #expect(throws: MeasurementInputError.self) {
            try MRTD.measure(overlapping, loader: .google, artifact: "firmware")
        }
        firmware = SyntheticFirmware()
        firmware.tdvf?.remove(at: 1)
        let partial = try TDVFImage(firmware.bytes, name: "ovmf.fd", dialect: .qemu)
        #expect(throws: MeasurementInputError.self) { try MRTD.measure(partial, loader: .google, artifact: "firmware") }
    }
}

@Suite("TDX module") struct TDXModuleTests {
    private static let module = [0x7F, 0x45, 0x4C, 0x46] + [UInt8](repeating: 0, count: 8188)
    private static let digest =
        "5b98205a548ec264d3c7bdd30a22b68ff7078c08cc4eff50dcf63ad30bd5fe5b4d27c2dafac65ac9dde50fc9b2635a4b"

    private func signature(_ hash: [UInt8], type: UInt32 = 0) -> [UInt8] {
        var writer = ByteWriter()
        for word in [6, 0xE1, 0x1_0000, type, 0x8086, 0x2026_0101, 0x200, 0x60, 0x60, 1] as [UInt32] {
            writer.append(word)
        }
        writer.append(repeating: 0, count: 88 + 384)
        writer.append(UInt32(0x1_0001))
        writer.append(repeating: 0, count: 384)
        writer.append(hash)
        writer.append(UInt16(0x0105))
        writer.append(UInt64(0))
        writer.append(repeating: 0, count: 2048 - writer.count)
        return writer.bytes
    }

    @Test("MRSEAM is the hash of the module, which its SIGSTRUCT must hold; Intel's signer is zeros") func measure()
        throws
    {
        let hash = try #require([UInt8](hex: Self.digest))
        let parsed = try SEAMSignature(signature(hash), source: "sigstruct")
        #expect(parsed.seamSVN == 0x0105 && parsed.seamHash == hash && !parsed.isDebug)
        let result = try TDXModule.measure(Self.module, name: "module", signature: parsed)
        #expect(result.seam.hex == Self.digest && result.signer == .zero(.sha384))
    }

    @Test("a module of another build, a debug one, and a file that is none are refused") func refused() throws {
        let hash = try #require([UInt8](hex: Self.digest))
        let other = try SEAMSignature(signature([UInt8](repeating: 1, count: 48)), source: "sigstruct")
        let debug = try SEAMSignature(signature(hash, type: 1 << 31), source: "sigstruct")
        for signature in [other, debug] {
            #expect(throws: MeasurementInputError.self) {
                try TDXModule.measure(Self.module, name: "module", signature: signature)
            }
        }
        for bytes in [[], Array(Self.module.dropLast()), [UInt8](repeating: 0, count: 4096)] {
            #expect(throws: MeasurementInputError.self) { try TDXModule.measure(bytes, name: "module") }
        }
    }

    @Test("every fixed field of a SIGSTRUCT is checked", arguments: [0, 4, 8, 16, 24, 28, 32, 36, 0x200])
    func fields(_ offset: Int) {
        var bytes = signature([UInt8](repeating: 1, count: 48))
        bytes[offset] ^= 0x80
        let error = #expect(throws: FormatError.self) { try SEAMSignature(bytes, source: "sigstruct") }
        #expect(error?.offset == offset)
        #expect(throws: FormatError.self) { try SEAMSignature(Array(bytes.dropLast()), source: "sigstruct") }
    }
}
