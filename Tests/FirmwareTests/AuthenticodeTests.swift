import DiskFormats
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@Suite("Authenticode digest")
struct AuthenticodeTests {
    /// Header 512 bytes with PE header at 0x40; two sections whose file order is not their table order.
    private func file(certificates: Int = 0, tail: Int = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x11, count: 512)
        func put(_ values: [UInt8], at offset: Int) {
            bytes.replaceSubrange(offset..<offset + values.count, with: values)
        }
        func put32(_ value: Int, at offset: Int) {
            put((0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }, at: offset)
        }
        put(Array("MZ".utf8), at: 0)
        put32(0x40, at: 0x3C)
        put(Array("PE\0\0".utf8) + [0x64, 0x86, 3, 0], at: 0x40)
        put([240, 0], at: 0x54)
        put([0x0B, 0x02], at: 0x58)
        put32(512, at: 0x58 + 60)
        put32(16, at: 0x58 + 108)
        put32(certificates == 0 ? 0 : 1024 + tail, at: 0x58 + 144)
        put32(certificates, at: 0x58 + 148)
        for (index, (offset, size)) in [(768, 256), (0x7FFF_0000, 0), (512, 256)].enumerated() {
            put32(size, at: 0x148 + 40 * index + 16)
            put32(offset, at: 0x148 + 40 * index + 20)
        }
        bytes += [UInt8](repeating: 0x22, count: 256) + [UInt8](repeating: 0x33, count: 256)
        bytes += [UInt8](repeating: 0x44, count: tail) + [UInt8](repeating: 0x55, count: certificates)
        return bytes
    }

    @Test("covers all but CheckSum, the security entry and the certificates, sections in file order")
    func ranges() throws {
        let bytes = file(certificates: 24, tail: 13)
        let image = try PEImage(bytes, name: "x")
        let ranges = try Authenticode.ranges(of: image).map(\.range)
        #expect(ranges == [0..<0x98, 0x9C..<0xE8, 0xF0..<512, 512..<768, 768..<1024, 1024..<1037])
        let hashed = ranges.flatMap { bytes[$0] }
        #expect(try Authenticode.digest(image, algorithm: .sha256) == .of(hashed, .sha256))
        #expect(try Authenticode.ranges(of: image).last?.name == "data behind the sections")
    }

    @Test("a signature does not change it, and an odd tail is not padded")
    func signature() throws {
        func digest(_ bytes: [UInt8]) throws -> Digest {
            try Authenticode.digest(PEImage(bytes, name: "x"), algorithm: .sha384)
        }
        #expect(try digest(file(certificates: 24, tail: 13)) == digest(file(tail: 13)))
        #expect(try digest(file(tail: 13)) != digest(file(tail: 16)))
    }

    @Test("sections that overlap so far that nothing is left for the tail are refused")
    func overlap() throws {
        var bytes = file()
        for offset in [0x158, 0x158 + 80] { bytes.replaceSubrange(offset..<offset + 2, with: [0, 1]) }
        bytes.replaceSubrange(0x158 + 80 + 1..<0x158 + 80 + 2, with: [2])
        #expect(throws: (any Error).self) {
            try Authenticode.digest(PEImage(bytes, name: "x"), algorithm: .sha256)
        }
    }
}

@Suite("Authenticode known answers")
struct AuthenticodeVectorTests {
    private func cases() throws -> (folder: String, cases: [Value]) {
        let folder = try #require(Outside.vectors) + "/tdx/"
        let index = try JSONReader.parse(
            InputFile.contents(of: folder + "public.json"), source: "public.json", mode: .foreign
        ).value
        guard case .array(let cases) = index["cases"] else { throw TestFailure("no cases") }
        return (folder, cases.map(\.value))
    }

    @Test("PE files, a UKI and bad files", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
    func vectors() throws {
        let (folder, cases) = try cases()
        var seen = 0
        for item in cases {
            guard case .string(let kind) = item["kind"], let inputs = item["inputs"] else { continue }
            for key in ["pe", "uki"] {
                guard case .string(let file)? = inputs[key]?["file"] else { continue }
                let bytes = try InputFile.contents(of: folder + file)
                if kind == "pe-parse-error" {
                    #expect(throws: (any Error).self) { try PEImage(bytes, name: file) }
                    seen += 1
                } else if case .string(let hex)? = item["expected"]?[key == "pe" ? "sha384" : "pe_authenticode_sha384"]
                {
                    #expect(
                        try Authenticode.digest(PEImage(bytes, name: file), algorithm: .sha384).hex == hex, "\(file)")
                    seen += 1
                }
            }
        }
        #expect(seen >= 6)
    }
}
