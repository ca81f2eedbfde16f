import Bytes
import DiskFormats
import Files
import TestSupport
import Testing

@Suite("PE reader")
struct PEImageTests {
    @Test("gives headers, sections and certificates where they are")
    func read() throws {
        var file = PEFile.stub
        file.overlay = [9, 9, 9]
        file.certificates = [UInt8](repeating: 0xAB, count: 24)
        let bytes = file.bytes
        let image = try PEImage(bytes, name: "x")
        #expect(image.machine == 0x8664 && image.isPE32Plus && image.subsystem == 10)
        #expect(image.imageBase == 0x1_4000_0000 && image.entryPoint == 0x1000)
        #expect(image.checksumOffset == 0x80 + 24 + 64)
        #expect(image.securityDirectoryOffset == 0x80 + 24 + 112 + 32)
        #expect(image.sections.map(\.name) == [".text", ".sbat", ".reloc"])
        #expect(image.sections[0].rawRange == 0x400..<0x800 && image.sections[0].contentRange == 0x400..<0x6BC)
        #expect(image.certificateTable == bytes.count - 24..<bytes.count)
        #expect(try image.contents(of: image.sections[2]).read(at: 0, count: 3, "") == [1, 2, 3])
        #expect(image.section(".none") == nil)
    }

    @Test(
        "a damaged field is named with its offset",
        arguments: [
            (0, UInt8(0), "x+0x0: e_magic"), (0x3F, 0x7F, "x+0x3c: e_lfanew"), (0x80, 0, "x+0x80: PE signature"),
            (0x98, 0xFF, "x+0x98: Magic"), (0x95, 0xFF, "x+0x98: optional header"),
            (0x94, 0x10, "x+0xa8: AddressOfEntryPoint"), (0x98 + 61, 0xFF, "x+0x0: SizeOfHeaders"),
            (0x98 + 61, 0, "x+0x0: SizeOfHeaders"), (0x87, 0xFF, "x+0x"),
            (0x188 + 18, 0xFF, "x+0x198: section .text"), (0x188 + 22, 0xFF, "x+0x198: section .text"),
            (0x98 + 112 + 37, 0xFF, "x+0x128: security directory"),
        ])
    func damaged(offset: Int, byte: UInt8, message: String) throws {
        var bytes = PEFile.stub.bytes
        bytes[offset] = byte
        let error = #expect(throws: FormatError.self) { try PEImage(bytes, name: "x") }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test("a file cut anywhere before its last section's end is refused")
    func cut() throws {
        let bytes = PEFile.stub.bytes
        for count in stride(from: 0, to: bytes.count, by: 37) {
            #expect(throws: FormatError.self) { try PEImage(Array(bytes.prefix(count)), name: "x") }
        }
    }

    @Test("never traps on damaged bytes")
    func garbage() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let good = PEFile.stub.bytes
        for _ in 0..<1000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<0x240, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let image = try? PEImage(bytes, name: "seed \(seed)") else { continue }
            for section in image.sections where section.rawSize > 0 { _ = try image.contents(of: section) }
        }
    }
}
