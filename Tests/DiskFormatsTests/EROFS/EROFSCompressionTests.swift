import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

/// The varied tree and files that compress well, badly, not at all, and in turns; with a hole, a size that is no multiple
/// of anything, and more than one segment.
func compressibleTree() -> FileTree {
    var tree = variedTree()
    var random = SeededGenerator(seed: 4)
    func add(_ name: String, _ bytes: [UInt8]) {
        tree[.init("data/" + name)] = .init(.file(.bytes(bytes)), mode: 0o644, mtime: 1_700_000_000)
    }
    tree["data"] = .init(.directory, mode: 0o755, mtime: 1_700_000_000)
    let words = ["launch ", "digest ", "root ", "hash ", "of ", "the ", "guest ", "image ", "page ", "register "]
    func text(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += Array((words.randomElement(using: &random) ?? "").utf8) }
        return Array(bytes.prefix(count))
    }
    add("text", text(300_001))
    add("random", random.bytes(70_000))
    add("hole", [UInt8](repeating: 0, count: (1 << 20) + 77))
    add("turns", (0..<12).flatMap { $0.isMultiple(of: 2) ? text(9_000 + $0 * 331) : random.bytes(5_000 + $0 * 177) })
    for size in [4097, 4098, 8191, 8192, 8193, 12_289] { add("text-\(size)", text(size)) }
    add("segments", text((1 << 20) - 1) + [1] + text(70_000) + random.bytes(5))
    add("start", random.bytes(4096) + text(20_000))
    return tree
}

private let options = EROFSWriter.Options(
    uuid: Array(0..<16), volumeName: "test", epoch: 1_700_000_000, compression: .lz4)

@Suite("EROFS with LZ4")
struct EROFSCompressionTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func write(_ tree: FileTree, _ options: EROFSWriter.Options = options) throws -> (String, Int) {
        let output = try OutputFile(folder.file("image"))
        let result = try EROFSWriter.write(tree, options, to: output)
        try output.commit()
        return (output.path, result.size)
    }

    private func contents(_ content: FileTree.Content) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try content.forEachChunk { bytes += [UInt8](copying: $0) }
        return bytes
    }

    @Test("reads back every file, and is smaller")
    func roundTrip() throws {
        let tree = compressibleTree()
        let (path, size) = try write(tree)
        let back = try EROFSReader(InputFile(path)).tree()
        #expect(back.sorted.map(\.path) == tree.sorted.map(\.path))
        var files = 0
        for (path, entry) in tree.sorted {
            guard case .file(let wanted) = entry.kind, case .file(let found)? = back[path]?.kind else { continue }
            #expect(found.count == wanted.count)
            #expect(try contents(found) == contents(wanted), "\(path)")
            files += 1
        }
        #expect(files > 620)
        var plain = options
        plain.compression = .none
        let (_, plainSize) = try write(tree, plain)
        #expect(size < plainSize / 2)
    }

    @Test("gives the same bytes again, pinned by digest for this revision")
    func golden() throws {
        let (path, _) = try write(compressibleTree())
        let first = try InputFile.contents(of: path)
        let (again, _) = try write(compressibleTree())
        #expect(try InputFile.contents(of: again) == first)
        #expect(EROFSWriter.Compression.lz4.formatRevision == "erofs-lz4-1")
        #expect(Digest.of(first, .sha256).hex == "fe5ed09f9016a3b50768d08ab4802822a5493e9d429de04f5b2b14a2891bcf33")
    }

    @Test("damaged images give errors, never a trap or an endless walk")
    func damage() throws {
        let (path, _) = try write(compressibleTree())
        let good = try InputFile.contents(of: path)
        var random = SeededGenerator(seed: 2027)
        for _ in 0..<8 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                bytes[Int.random(in: 1152..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes[1024 + 8] &= ~1
            try OutputFile.write(bytes, to: path)
            guard let tree = try? EROFSReader(InputFile(path)).tree() else { continue }
            for case .file(let content) in tree.sorted.map(\.entry.kind) { try? content.forEachChunk { _ in } }
        }
    }

    @Test("index fields out of range are named")
    func index() throws {
        var tree = FileTree()
        tree[.root] = .init(.directory, mode: 0o755, mtime: options.epoch)
        tree["f"] = .init(
            .file(.bytes(Array(repeating: 7, count: 20_000))), mode: 0o644, mtime: options.epoch)
        let (path, _) = try write(tree)
        var good = try InputFile.contents(of: path)
        good[1024 + 8] &= ~1
        // Inodes: the root with its names behind it, then the file.
        let root = 1152
        let file = (root + 32 + 12 * 3 + 4).roundedUpTo32
        let index = file + 32 + 16
        let changes: [(Int, UInt8, String)] = [
            (file + 32, 1, "map header"), (index, 9, "di_advise"), (index, 2, "di_advise"),
            (index + 2, 1, "di_clusterofs"),
            (index + 7, 0x7F, "di_u.blkaddr"), (file + 16, 9, "i_u"), (index + 8, 0, "di_clusterofs"),
            (file + 11, 0x7F, "i_size"),
        ]
        for (offset, value, field) in changes where field != "di_clusterofs" || offset != index + 8 {
            var bytes = good
            bytes[offset] = value
            try OutputFile.write(bytes, to: path)
            let error = #expect(throws: FormatError.self) { try EROFSReader(InputFile(path)).tree() }
            #expect(error?.field == field)
        }
    }
}

extension Int {
    fileprivate var roundedUpTo32: Int { (self + 31) / 32 * 32 }
}
