import Bytes
import Files
import Hashing
import Packages
import TestSupport
import Testing

@Suite("the index behind a layer's archive")
struct TarFSIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// The archive with its index.
    func indexed(_ archive: [UInt8]) throws -> [UInt8] {
        let output = try OutputFile(folder.file("out"))
        try output.append(archive)
        try TarFSIndex.append(of: archive.raw, to: output, source: "test.tar")
        try output.commit()
        return try InputFile.contents(of: folder.file("out"))
    }

    static var sample: [UInt8] {
        var tar = TarBytes()
        tar.add(Array("./".utf8), type: "5", mode: 0o755)
        tar.add(Array("b/".utf8), type: "5", mode: 0o750, uid: 3, gid: 4, mtime: 1_700_000_000)
        tar.add(Array("b/f".utf8), contents: Array("hello".utf8), mode: 0o4755, uid: 7, gid: 9, mtime: 0x1_2345_6789)
        tar.add(Array("a".utf8), type: "1", link: Array("b/f".utf8))
        tar.add(Array("c".utf8), type: "2", link: Array("b/f".utf8), mode: 0o777)
        tar.add(Array("n".utf8), type: "3", mode: 0o600, device: (5, 1))
        tar.add(Array("b/.wh..wh..opq".utf8))
        tar.add(Array(".wh.gone".utf8))
        tar.addPax("path", [UInt8](repeating: 0x78, count: 200))
        tar.add(Array("short".utf8), contents: [1, 2, 3])
        return tar.closed
    }

    @Test("is what an implementation of its own makes of the same archive")
    func knownAnswer() throws {
        let bytes = try indexed(Self.sample)
        #expect(bytes.count % 4096 == 0)
        #expect(Digest.of(bytes, .sha256).hex == "c37c0ac12be2009b77c2658aef02b2b6eac9482cf01c85b6e32e95977092e826")
    }

    @Test("starts where the archive ends and says so in the superblock")
    func superblock() throws {
        let bytes = try indexed(Self.sample)
        let numbers = [UInt8](bytes.suffix(512).prefix(16))
        #expect(numbers == [0, 0x1E, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])
        #expect(Self.sample.count == 0x1E00)
        #expect(Array(bytes.prefix(Self.sample.count)) == Self.sample)
    }

    @Test("ends for damaged headers, sizes beyond the archive and paths through files")
    func hostile() throws {
        var damaged = Self.sample
        damaged[600] ^= 1
        #expect(throws: FormatError.self) { _ = try indexed(damaged) }
        var long = TarBytes()
        long.add(Array("f".utf8), contents: [1], sizeField: 0o77777777)
        #expect(throws: FormatError.self) { _ = try indexed(long.closed) }
        var circle = TarBytes()
        circle.add(Array("a".utf8), contents: [1])
        circle.add(Array("a/b".utf8), type: "1", link: Array("a".utf8))
        #expect(throws: FormatError.self) { _ = try indexed(circle.closed) }
        for name in ["..", "../x"] {
            var outside = TarBytes()
            outside.add(Array(name.utf8), contents: [1])
            _ = try indexed(outside.closed)
        }
    }

    @Test("makes something or an error of random bytes")
    func garbage() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var bytes = Self.sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            do { _ = try indexed(bytes) } catch {
                #expect(error is FormatError, "seed \(seed): \(error)")
            }
        }
    }
}
