import Archives
import Bytes
import TestSupport
import Testing

@Suite("zlib streams")
struct ZlibStreamTests {
    private let limits = ExpansionLimits(byteCount: 1 << 20, ratio: 1000)
    /// Python's zlib.compress(b"hello, hello, hello", 9).
    private let known = [UInt8](hex: "78dacb48cdc9c9d751c840a200442806d5") ?? []

    @Test("a stream of zlib is decoded, and its checksum compared")
    func decode() throws {
        #expect(try ZlibStream.decode(known, source: "x", limits: limits) == Array("hello, hello, hello".utf8))
        var changed = known
        changed[known.count - 1] ^= 1
        let error = #expect(throws: FormatError.self) { try ZlibStream.decode(changed, source: "x", limits: limits) }
        #expect(error?.field == "zlib ADLER32" && error?.offset == known.count - 4)
    }

    @Test("every changed byte and every cut is refused or read, never trapped on")
    func hostile() throws {
        func attempt(_ label: String, _ bytes: [UInt8]) throws {
            _ = try? ZlibStream.decode(bytes, source: "x", limits: limits)
        }
        try HostileInput.everyByte(of: known, attempt)
        try HostileInput.everyLength(of: known, attempt)
        try HostileInput.random(known, seed: 77, rounds: 300, attempt)
        for header: [UInt8] in [[0x78, 0x9D], [0x77, 0x9C], [0x78, 0xBB], [0x88, 0x1C]] {
            let error = #expect(throws: FormatError.self) {
                try ZlibStream.decode(header + known.dropFirst(2), source: "x", limits: limits)
            }
            #expect(error?.field == "zlib CMF and FLG")
        }
    }
}
