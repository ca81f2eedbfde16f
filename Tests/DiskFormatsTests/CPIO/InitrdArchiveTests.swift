import Archives
import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

@Suite("initrds of several archives")
struct InitrdArchiveTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Text that compresses, of more than one LZ4 block when asked.
    private func tree(_ size: Int = 100_000) -> FileTree {
        var tree = everyKind()
        let piece = FileTree.Content.bytes((0..<65_536).map { UInt8(truncatingIfNeeded: $0 / 9 ^ $0 >> 11) })
        tree["bin/big"] = .init(.file(.pieces(.init(repeating: piece, count: size / 65_536 + 1))), mode: 0o755)
        return tree
    }

    private func write(_ tree: FileTree, _ compression: CPIOArchive.Compression, _ name: String) throws -> String {
        let output = try OutputFile(folder.file(name))
        try CPIOArchive.write(tree, epoch: 7, compression: compression, to: output)
        try output.commit()
        return output.path
    }

    private let decompressor: InitrdCompression.Decompressor = { compression, stream, source, limit in
        let known: [InitrdCompression: Compression] = [.gzip: .gzip, .xz: .xz, .zstd: .zstd]
        guard let form = known[compression] else {
            throw FormatError(source: source, field: "compression", found: compression.rawValue, expected: "another")
        }
        return try form.decompress(stream, source: source, limits: .init(byteCount: limit, ratio: 2000))
    }

    @Test("LZ4 by our own encoder comes back, and keeps the bytes of its format revision")
    func ownCompression() throws {
        let plain = try CPIOArchive.write(tree(), epoch: 7)
        let packed = try InputFile.contents(of: write(tree(), .lz4, "small"))
        #expect(packed.count < plain.count / 2 && packed.starts(with: LZ4LegacyFrame.magic))
        #expect(try LZ4LegacyFrame.decode(packed, source: "x", limit: 1 << 20) == plain)
        #expect(LZ4LegacyFrame.formatRevision == "lz4-legacy-1")
        #expect(Digest.of(packed, .sha256).hex == "9b1027122cd65478e7f7bb02ee78adaa611f1832e7e111ae295bebbb5bb6c739")
        #expect(try InputFile.contents(of: write(tree(), .none, "plain")) == plain)
    }

    @Test(
        "lz4 reads what we write, of one block and of several", .enabled(if: Outside.has("lz4"), "lz4 is not installed")
    )
    func lz4() throws {
        for size in [0, 18 << 20] {
            let packed = try write(tree(size), .lz4, "packed")
            let result = try Subprocess("lz4", ["-q", "-d", "-f", packed, folder.file("out")]).run()
            #expect(result.status == 0, "\(result.errorText)")
            let plain = try write(tree(size), .none, "plain")
            let digest = try [folder.file("out"), plain].map { try Digest.of(InputFile.contents(of: $0), .sha256) }
            #expect(digest[0] == digest[1])
        }
    }

    @Test("early microcode stands first, its blobs in byte order of their names")
    func microcode() throws {
        let early = CPIOArchive.earlyMicrocode([
            .intel: [
                (Array("b".utf8), .bytes([2])), (Array("a".utf8), .bytes([1, 1])), (Array("B".utf8), .bytes([3])),
            ],
            .amd: [(Array("x.bin".utf8), .bytes([9]))],
        ])
        let bytes = try CPIOArchive.write(early, epoch: 0)
        let members = try CPIOArchive.members(of: ByteSource(bytes, name: "early"))
        #expect(
            members.map { String(decoding: $0.name, as: UTF8.self) } == [
                "kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/AuthenticAMD.bin",
                "kernel/x86/microcode/GenuineIntel.bin",
            ])
        #expect(members.last.map { Array(bytes[$0.data]) } == [3, 1, 1, 2])
        // Linux looks for the data at multiples of four.
        #expect(members.allSatisfy { $0.data.lowerBound.isMultiple(of: 4) })
    }

    @Test(
        "an uncompressed archive and a compressed one behind it are told apart and read",
        arguments: [("gzip", ["-n"]), ("xz", ["--check=crc32"]), ("zstd", ["-q"]), ("lz4", ["-q", "-l"])])
    func rows(_ program: String, _ words: [String]) throws {
        guard Outside.has(program) else { return }
        let early = try CPIOArchive.write(
            CPIOArchive.earlyMicrocode([.amd: [(Array("a".utf8), .bytes([1, 2, 3]))]]), epoch: 0)
        let plain = try write(tree(), .none, "plain")
        let packed = try Subprocess(program, words + ["-c", plain]).run().output
        let source = ByteSource(early + [0, 0, 0, 0] + packed, name: "initrd")
        let archives = try CPIOArchive.archives(of: source, decompressor: decompressor)
        #expect(archives.map(\.compression?.rawValue) == [nil, program])
        #expect(archives.map(\.range) == [0..<early.count, early.count + 4..<source.count])
        #expect(archives[0].members.count == 4)
        #expect(archives[1].members.count == 10)
        let file = try #require(archives[1].members.first { $0.name == Array("bin/z".utf8) })
        #expect(try archives[1].contents.read(at: file.data.lowerBound, count: 6, "f") == Array("hello\n".utf8))
    }

    @Test("damaged LZ4 gives errors, never a trap")
    func damage() throws {
        let good = try InputFile.contents(of: write(everyKind(), .lz4, "small"))
        func attempt(_ label: String, _ bytes: [UInt8]) throws {
            do {
                _ = try CPIOArchive.archives(of: ByteSource(bytes, name: "x"), decompressor: decompressor)
            } catch is FormatError {}
        }
        try HostileInput.everyByte(of: good, at: 0..<60, attempt)
        try HostileInput.everyLength(of: good, attempt)
        try HostileInput.random(good, seed: 31, rounds: 400, attempt)
        let error = #expect(throws: FormatError.self) {
            try LZ4LegacyFrame.decode(Array(good.dropLast(3)), source: "x", limit: 1 << 20)
        }
        #expect(error?.field == "LZ4 block")
    }
}
