import Bytes
import TestSupport
import Testing

@Suite("ByteReader")
struct ByteReaderTests {
    private let bytes: [UInt8] = Array(0..<32)

    @Test("reads integers of either byte order")
    func integers() throws {
        try bytes.withReader(source: "f") { reader throws in
            #expect(try reader.read("a", as: UInt16.self) == 0x0100)
            #expect(try reader.read(bigEndian: "b", as: UInt16.self) == 0x0203)
            #expect(try reader.read("c", as: UInt32.self) == 0x0706_0504)
            #expect(try reader.read("d", as: UInt64.self) == 0x0F0E_0D0C_0B0A_0908)
            #expect(reader.position == 16 && reader.remaining == 16 && !reader.isAtEnd)
        }
    }

    @Test("an error names source, offset, field, what was there and what was wanted")
    func errors() {
        let error = #expect(throws: FormatError.self) {
            try bytes.withReader(source: "disk.raw", base: 0x100) { reader throws in
                try reader.skip(30, "head")
                _ = try reader.read("size", as: UInt32.self)
            }
        }
        #expect(error?.description == "disk.raw+0x11e: size: found 2 bytes left, expected 4 bytes")
        #expect(error?.outcome == .unusable)
    }

    @Test("no count and no offset leads outside")
    func bounds() throws {
        try bytes.withReader(source: "f") { reader throws in
            func refused(_ body: (inout ByteReader) throws -> Void) -> Bool {
                let before = reader.position
                do {
                    try body(&reader)
                    return false
                } catch { return reader.position == before }
            }
            for count in [-1, 33, Int.max, Int.min] {
                #expect(refused { _ = try $0.bytes(count, "x") })
                #expect(refused { try $0.skip(count, "x") })
                #expect(refused { _ = try $0.slice(count, "x").count })
                #expect(refused { try $0.seek(to: count, "x") })
                #expect(refused { _ = try $0.window(at: count, count: 1, "x").count })
                #expect(refused { _ = try $0.window(at: 1, count: count, "x").count })
            }
            #expect(try reader.bytes(32, "all") == bytes)
            try reader.finish("record")
            #expect(refused { _ = try $0.read("x", as: UInt8.self) })
            try reader.seek(to: 32, "end")
            #expect(try reader.window(at: 32, count: 0, "x").count == 0)
        }
    }

    @Test("slices and windows keep the offsets of the whole file")
    func slices() throws {
        try bytes.withReader(source: "f", base: 1000) { reader throws in
            try reader.skip(4, "head")
            var slice = try reader.slice(8, "slice")
            #expect(reader.position == 12)
            #expect(slice.sourceOffset == 1004 && slice.count == 8)
            #expect(try slice.read("x", as: UInt8.self) == 4)
            let window = try slice.window(at: 2, count: 3, "window")
            #expect(window.sourceOffset == 1006)
            #expect([UInt8](copying: window.unread) == [6, 7, 8])
        }
    }

    @Test("expectations say what was found and where")
    func expectations() {
        func error(_ body: (inout ByteReader) throws -> Void) -> FormatError? {
            do {
                try bytes.withReader(source: "f") { try body(&$0) }
                return nil
            } catch { return error as? FormatError }
        }
        #expect(error { try $0.expect("magic", bytes: [0, 1, 2]) } == nil)
        #expect(error { try $0.expect("magic", bytes: [0, 1, 3]) }?.found == "000102")
        #expect(error { try $0.expect("version", UInt16(0x100)) } == nil)
        #expect(
            error { try $0.expect("version", UInt16(1)) }?.description == "f+0x0: version: found 0x100, expected 0x1")
        #expect(error { try $0.expectZeros(1, "reserved") } == nil)
        #expect(error { try $0.expectZeros(2, "reserved") }?.offset == 1)
        #expect(error { try $0.finish("record") }?.found == "32 bytes after its end")
    }

    @Test("random walks never leave the bytes")
    func random() throws {
        let seed: UInt64 = 99
        var random = SeededGenerator(seed: seed)
        bytes.withReader(source: "f") { reader in
            for _ in 0..<5000 {
                let number = Int.random(in: -40...80, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: _ = try? reader.bytes(number, "x")
                case 1: try? reader.skip(number, "x")
                case 2: try? reader.seek(to: number, "x")
                case 3: _ = try? reader.read("x", as: UInt64.self)
                default: _ = try? reader.window(at: number, count: 80 - number, "x").count
                }
                #expect((0...32).contains(reader.position), "seed \(seed)")
            }
        }
    }
}

@Suite("ByteWriter")
struct ByteWriterTests {
    @Test("writes what the reader reads")
    func roundTrip() throws {
        var out = ByteWriter()
        out.append(UInt16(0x1234))
        out.append(bigEndian: UInt32(0xAABB_CCDD))
        out.append(Int64(-2))
        out.append(text: "é")
        out.append(utf16: "A")
        out.pad(toMultipleOf: 16, with: 0xFF)
        #expect(
            out.bytes.hex == "3412" + "aabbccdd" + "feffffffffffffff" + "c3a9" + "4100"
                + String(repeating: "f", count: 28))
        out.replace(at: 0, with: UInt16(0x5678))
        #expect(out.bytes.prefix(2) == [0x78, 0x56])
        try out.bytes.withReader(source: "f") { reader throws in
            try reader.skip(2, "a")
            #expect(try reader.read(bigEndian: "b", as: UInt32.self) == 0xAABB_CCDD)
            #expect(try reader.read("c", as: Int64.self) == -2)
        }
    }

    @Test("rounds up to multiples")
    func rounding() {
        #expect([0, 1, 511, 512, 513].map { $0.roundedUp(toMultipleOf: 512) } == [0, 512, 512, 512, 1024])
    }
}
