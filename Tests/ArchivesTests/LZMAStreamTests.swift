import Archives
import Bytes
import Testing

@Suite("LZMA stream")
struct LZMAStreamTests {
    // "hello hello hello hello\n" by Python's lzma, the stated size written into the header.
    private let packed: [UInt8]
    private let text = Array("hello hello hello hello\n".utf8)

    private static let hex = "5d00100000180000000000000000341949ee8de9560ac1b620b7ffffba340000"

    init() throws {
        packed = try #require([UInt8](hex: Self.hex))
    }

    @Test("unpacks what another program packed")
    func unpacks() throws {
        #expect(try LZMAStream.decode(packed, source: "t", limit: 24) == text)
    }

    @Test("a stream cut anywhere is an error")
    func cut() {
        for count in 0..<packed.count - 6 {
            #expect(throws: FormatError.self) {
                try LZMAStream.decode(Array(packed[..<count]), source: "t", limit: 100)
            }
        }
    }

    @Test("more than the limit is refused before unpacking, and a wrong size after")
    func limits() {
        #expect(throws: FormatError.self) { try LZMAStream.decode(packed, source: "t", limit: 23) }
        var longer = packed
        longer[5] += 1
        #expect(throws: FormatError.self) { try LZMAStream.decode(longer, source: "t", limit: 100) }
        var huge = packed
        huge[12] = 0xFF
        let error = #expect(throws: FormatError.self) { try LZMAStream.decode(huge, source: "t", base: 16, limit: 100) }
        #expect(error?.offset == 21)
    }
}
