import Bytes
import Testing

@Suite("GUID")
struct GUIDTests {
    private let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

    @Test("stores its first three groups little-endian")
    func order() throws {
        let guid = try #require(GUID(text))
        #expect(guid.bytes.hex == "28732ac11ff8d211ba4b00a0c93ec93b")
        #expect(guid.textOrder.hex == "c12a7328f81f11d2ba4b00a0c93ec93b")
        #expect(guid.description == text)
        #expect(GUID(stored: guid.bytes) == guid && GUID(textOrder: guid.textOrder) == guid)
        #expect(GUID(text.uppercased()) == guid)
    }

    @Test(
        "refuses other spellings",
        arguments: [
            "", "c12a7328", "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}", "c12a7328f81f11d2ba4b00a0c93ec93b",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93g", "c12a732-8f81f-11d2-ba4b-00a0c93ec93b",
        ])
    func spelling(text: String) { #expect(GUID(text) == nil) }

    @Test("takes exactly 16 bytes")
    func count() {
        #expect(GUID(stored: [UInt8](repeating: 0, count: 15)) == nil)
        #expect(GUID(textOrder: [UInt8](repeating: 0, count: 17)) == nil)
        #expect(GUID(stored: [UInt8](repeating: 0, count: 16)) == GUID(zeros: ()))
    }
}

@Suite("CRC-32")
struct CRC32Tests {
    /// The check values of the CRC catalogue.
    @Test("known answers")
    func knownAnswers() {
        let digits = Array("123456789".utf8)
        #expect(CRC32.ieee.checksum(digits) == 0xCBF4_3926)
        #expect(CRC32.castagnoli.checksum(digits) == 0xE306_9283)
        #expect(CRC32.ieee.checksum([]) == 0)
        #expect(CRC32.castagnoli.register(digits) == ~0xE306_9283)
    }

    @Test("goes on from an earlier register")
    func pieces() {
        let digits = Array("123456789".utf8)
        let first = CRC32.ieee.register(digits.prefix(4))
        #expect(~CRC32.ieee.register(digits.dropFirst(4), from: first) == 0xCBF4_3926)
    }
}

@Suite("Numbers and hex as people write them")
struct SpellingTests {
    @Test(
        "sizes",
        arguments: [
            ("0", 0), ("1", 1), ("4096", 4096), ("0x1000", 4096), ("4K", 4096), ("4k", 4096), ("4KiB", 4096),
            ("64M", 64 << 20), ("4G", 4 << 30), ("4GiB", 4 << 30), ("1T", 1 << 40),
        ])
    func sizes(text: String, count: Int) { #expect(parseByteCount(text) == count) }

    @Test(
        "what is not a size",
        arguments: [
            "", "K", "-1", "+1", "1.5G", "010", " 1", "1 ", "4KB", "0x", "0x1G", "9223372036854775808", "8388608T",
            "1KK",
            "٤",
        ])
    func badSizes(text: String) { #expect(parseByteCount(text) == nil) }

    @Test("integers in decimal and hexadecimal")
    func integers() {
        #expect(parseInteger("18446744073709551615") == .max)
        #expect(parseInteger("0xFFFFFFFFFFFFFFFF") == .max)
        for text in ["18446744073709551616", "0x10000000000000000", "0x-1", "0x+1", "00", "1_000"] {
            #expect(parseInteger(text) == nil, "\(text)")
        }
        #expect(hexadecimal(255) == "0xff" && hexadecimal(UInt64.max) == "0xffffffffffffffff")
    }

    @Test("hex")
    func hex() {
        #expect([UInt8](hex: "00fFA0") == [0, 0xFF, 0xA0])
        #expect([UInt8](hex: "") == [])
        for text in ["0", "0g", " 0", "0x00", "é"] { #expect([UInt8](hex: text) == nil, "\(text)") }
        #expect([0, 0xFF, 0xA0].hex == "00ffa0")
    }

    @Test("finds bytes inside others")
    func search() {
        let bytes = Array("abcabcabd".utf8)
        #expect(bytes.firstOffset(of: Array("abd".utf8)) == 6)
        #expect(bytes.firstOffset(of: Array("abc".utf8), from: 1) == 3)
        #expect(bytes.firstOffset(of: Array("abe".utf8)) == nil)
        #expect(bytes.firstOffset(of: []) == nil)
        #expect(bytes.firstOffset(of: bytes + [0]) == nil)
        #expect(bytes.firstOffset(of: Array("a".utf8), from: 10) == nil)
    }
}
