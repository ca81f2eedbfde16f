import Files
import TestSupport
import Testing

@testable import DiskFormats

@Suite("LZ4 blocks")
struct LZ4Tests {
    /// Blocks of `source`, each of at most `capacity` bytes, decoded again.
    private func throughBlocks(_ source: [UInt8], capacity: Int) throws -> (plain: [UInt8], packed: Int) {
        var encoder = LZ4Encoder()
        var plain: [UInt8] = []
        var packed = 0
        while plain.count < source.count {
            var block: [UInt8] = []
            let taken = encoder.compress(source, from: plain.count, capacity: capacity, into: &block)
            try #require(taken > 0 && block.count <= capacity)
            plain += try #require(LZ4Decoder.decode(block, limit: taken))
            packed += block.count
        }
        return (plain, packed)
    }

    @Test("whatever goes in comes out, in blocks of any size", arguments: [16, 64, 255, 4096, 1 << 20])
    func roundTrip(capacity: Int) throws {
        var random = SeededGenerator(seed: UInt64(capacity))
        for size in [1, 4, 5, 12, 13, 17, 300, 5000, 40_000] {
            let alphabet = UInt8.random(in: 1...6, using: &random)
            let sources = [
                random.bytes(size), [UInt8](repeating: 9, count: size), random.bytes(size).map { $0 % (alphabet + 1) },
                Array(repeatElement(random.bytes(7), count: size).joined().prefix(size)),
            ]
            for source in sources { #expect(try throughBlocks(source, capacity: capacity).plain == source) }
        }
    }

    @Test("the block format's rules hold at the end of every block")
    func endRules() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let source = random.bytes(Int.random(in: 13...6000, using: &random)).map { $0 % 4 }
            var encoder = LZ4Encoder()
            var block: [UInt8] = []
            let taken = encoder.compress(source, from: 0, capacity: 600, into: &block)
            let end = try #require(Sequences(block))
            #expect(end.total == taken && end.lastLiterals >= min(5, taken))
            #expect(end.lastMatchStart.map { taken - $0 >= 12 } ?? true)
        }
    }

    /// Where a block's sequences lie, read without decoding.
    private struct Sequences {
        var total = 0
        var lastLiterals = 0
        var lastMatchStart: Int?

        init?(_ block: [UInt8]) {
            var at = 0
            func length(_ nibble: Int) -> Int {
                var total = nibble
                guard nibble == 15 else { return total }
                repeat {
                    total += Int(block[at])
                    at += 1
                } while block[at - 1] == 255
                return total
            }
            while at < block.count {
                let token = Int(block[at])
                at += 1
                lastLiterals = length(token >> 4)
                at += lastLiterals
                total += lastLiterals
                guard at < block.count else { return }
                at += 2
                lastMatchStart = total
                total += length(token & 15) + 4
            }
            return nil
        }
    }

    @Test("zeros and text shrink, noise does not grow much")
    func ratios() throws {
        var random = SeededGenerator(seed: 3)
        #expect(try throughBlocks([UInt8](repeating: 0, count: 1 << 20), capacity: 4096).packed < 4200)
        #expect(try throughBlocks(random.bytes(100_000), capacity: 4096).packed < 100_700)
    }

    @Test("the lz4 program reads what is written", .enabled(if: Outside.has("lz4"), "lz4 is not installed"))
    func peer() throws {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: 5)
        let source = random.bytes(200_000).map { $0 % 5 }
        var encoder = LZ4Encoder()
        // The legacy frame: a magic number, then blocks of at most 8 MiB of plain text, each behind its size.
        var frame: [UInt8] = [0x02, 0x21, 0x4C, 0x18]
        var block: [UInt8] = []
        #expect(encoder.compress(source, from: 0, capacity: 1 << 20, into: &block) == source.count)
        frame += (0..<4).map { UInt8(truncatingIfNeeded: block.count >> ($0 * 8)) } + block
        let path = try folder.write("frame", frame)
        let result = try Subprocess("lz4", ["-d", "-f", path, folder.file("plain")]).run()
        #expect(result.status == 0, "\(result.errorText)")
        #expect(try InputFile.contents(of: folder.file("plain")) == source)
    }

    @Test("broken blocks are refused, whatever is in them")
    func broken() {
        let bad: [[UInt8]] = [
            [], [0x10], [0xF0], [0xF0, 255, 255], [0x00, 1, 0], [0x10, 65, 0, 0], [0x10, 65, 2, 0], [0x10, 65, 1],
            [0x1F, 65, 1, 0, 255, 255, 255, 255, 255], [0x01],
        ]
        for block in bad { #expect(LZ4Decoder.decode(block, limit: 1000) == nil, "\(block)") }
        var random = SeededGenerator(seed: 9)
        for _ in 0..<2000 {
            let block = random.bytes(Int.random(in: 0...80, using: &random))
            #expect((LZ4Decoder.decode(block, limit: 500)?.count ?? 0) <= 500)
            #expect((LZ4Decoder.decode(block, limit: 500, cutsAtLimit: true)?.count ?? 0) <= 500)
        }
    }
}
