import Archives
import Bytes
import TestSupport
import Testing

@Suite("compressed streams")
struct CompressionTests {
    /// 40 lines, packed by GNU gzip 1.12, xz 5.4.1 (`-9 -T1`), zstd 1.5.4 (`-19`), `lzma -9`.
    static let text = [UInt8](String(repeating: "assay archive test line\n", count: 40).utf8)
    static let samples: [(Compression, String)] = [
        (
            .gzip,
            "1f8b08000000000002034b2c2e4eac54482c4acec82c4b5528492d2e51c8c9cc4be54a1c151f151f151ff4e20001d870d8c0030000"
        ),
        (
            .xz,
            "fd377a585a000004e6d6b446020021011c00000010cf58cce003bf00245d00309cecc27c662933ffc28c61bbbd12f4ee59f9ba943707"
                + "fc9272e8c3ed39a4da24f5ec0000f9ad85663dc353cd000140c007000000d30ecfb8b1c467fb020000000004595a"
        ),
        (.zstd, "28b52ffd0468050100c0617373617920617263686976652074657374206c696e650a010094de6a8e01c2a56d19"),
        (
            .lzma,
            "5d00000004ffffffffffffffff00309cecc27c662933ffc28c61bbbd12f4ee59f9ba943707fc9272e8c3ed39a4da2776067bfffee51800"
        ),
    ]
    /// The same with its size in the header, as firmware volumes carry it.
    static let sizedLZMA =
        "5d00008000c00300000000000000309cecc27c662933ffc28c61bbbd12f4ee59f9ba943707fc9272e8c3ed39a4da2776067bfffee51800"
    static let limits = ExpansionLimits(byteCount: 1 << 20, ratio: 1000)

    static func sample(_ compression: Compression) throws -> [UInt8] {
        let hex = try #require(samples.first { $0.0 == compression }?.1)
        return try #require([UInt8](hex: hex))
    }

    @Test("decode to what foreign tools packed", arguments: samples.map(\.0))
    func known(compression: Compression) throws {
        let bytes = try Self.sample(compression)
        #expect(try compression.decompress(bytes, source: "sample", limits: Self.limits) == Self.text)
    }

    @Test("decode LZMA-alone with a size in its header")
    func sized() throws {
        let bytes = try #require([UInt8](hex: Self.sizedLZMA))
        #expect(try Compression.lzma.decompress(bytes, source: "sample", limits: Self.limits) == Self.text)
    }

    @Test("are refused when cut short anywhere", arguments: samples.map(\.0))
    func truncated(compression: Compression) throws {
        let bytes = try Self.sample(compression)
        for count in 0..<bytes.count {
            let error = #expect(throws: FormatError.self, "cut to \(count) bytes") {
                _ = try compression.decompress(Array(bytes.prefix(count)), source: "cut", limits: Self.limits)
            }
            #expect(error?.source == "cut")
        }
    }

    @Test("give the same text or an error when one byte is flipped", arguments: samples.map(\.0))
    func flipped(compression: Compression) throws {
        let bytes = try Self.sample(compression)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x40
            guard let got = try? compression.decompress(damaged, source: "flipped", limits: Self.limits) else {
                continue
            }
            // gzip's time, flags and system, LZMA's dictionary size and the last coder bytes carry no text.
            let unprotected: Bool =
                switch compression {
                case .gzip: index < 10
                case .lzma: true
                default: false
                }
            #expect(got == Self.text || unprotected, "byte \(index)")
        }
    }

    @Test("are never taken for another form", arguments: Compression.allCases.filter { $0 != .none })
    func mistaken(compression: Compression) throws {
        for (other, _) in Self.samples where other != compression {
            let bytes = try Self.sample(other)
            #expect(throws: FormatError.self, "\(other) as \(compression)") {
                _ = try compression.decompress(bytes, source: "mistaken", limits: Self.limits)
            }
        }
    }

    @Test("stop at the limit on output and at the limit on ratio")
    func bounded() throws {
        let bytes = try Self.sample(.xz)
        let small = ExpansionLimits(byteCount: Self.text.count - 1, ratio: 1000)
        let error = #expect(throws: FormatError.self) {
            _ = try Compression.xz.decompress(bytes, source: "bomb", limits: small)
        }
        #expect(error?.description.contains("at most 959 bytes of output") == true)
        #expect(throws: Never.self) {
            _ = try Compression.xz.decompress(
                bytes, source: "exact", limits: ExpansionLimits(byteCount: Self.text.count, ratio: 1))
        }
    }

    @Test("of zeros packed thousandfold break the ratio", .enabled(if: Outside.has("xz"), "xz is not installed"))
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let packed = try foreign("xz", ["-9", "-c"], zeros)
        let error = #expect(throws: FormatError.self) {
            _ = try Compression.xz.decompress(
                packed, source: "bomb", limits: ExpansionLimits(byteCount: 1 << 30, ratio: 100))
        }
        #expect(error?.expected.contains("for a byte of input") == true)
        #expect(
            try Compression.xz.decompress(
                packed, source: "bomb", limits: ExpansionLimits(byteCount: 1 << 30, ratio: 100_000)) == zeros)
    }

    @Test("of nothing decode to nothing", .enabled(if: Outside.has("xz"), "xz is not installed"))
    func empty() throws {
        let packed = try foreign("xz", ["-c"], [])
        #expect(try Compression.xz.decompress(packed, source: "empty", limits: Self.limits) == [])
        #expect(try Compression.none.decompress([], source: "empty", limits: Self.limits) == [])
    }

    @Test("survive random bytes")
    func garbage() throws {
        let seed: UInt64 = 0xA55A
        var random = SeededGenerator(seed: seed)
        for compression in Compression.allCases where compression != .none {
            for _ in 0..<200 {
                var bytes = random.bytes(Int(random.next() % 200))
                let head = try Self.sample(compression).prefix(Int(random.next() % 20))
                bytes.insert(contentsOf: head, at: 0)
                _ = try? compression.decompress(bytes, source: "seed \(seed)", limits: Self.limits)
            }
        }
    }

    @Test("are named by suffix")
    func suffix() {
        #expect(Compression(fileName: "data.tar.zst") == .zstd)
        #expect(Compression(fileName: "dm-mod.ko.xz") == .xz)
        #expect(Compression(fileName: "control.tar.gz") == .gzip)
        #expect(Compression(fileName: "data.tar") == .none)
        #expect(Compression(fileName: "") == .none)
    }
}
