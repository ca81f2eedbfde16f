import Archives
import Bytes
import DiskFormats
import Files
import TestSupport
import Testing

/// The tree of the fixtures, by the rules of `squashfs-tree.py`.
private func fixtureTree() -> FileTree {
    let time: Int64 = 1_700_000_000
    var tree = FileTree()
    func add(_ path: String, _ kind: FileTree.Kind, _ mode: UInt16, uid: UInt32 = 0, gid: UInt32 = 0) {
        tree[.init(path)] = .init(kind, mode: mode, uid: uid, gid: gid, mtime: time)
    }
    func file(_ bytes: [UInt8]) -> FileTree.Kind { .file(.bytes(bytes)) }
    tree[.root] = .init(.directory, mode: 0o755, mtime: 1_600_000_000)
    add("dir", .directory, 0o750, uid: 1000, gid: 100)
    tree["dir"]?.xattrs = ["trusted.t": [0, 1]]
    add("dir/empty", file([]), 0o644)
    add("dir/small", file(Array("hello\n".utf8)), 0o600)
    add("dir/zhard", .hardLink("dir/small"), 0o600)
    for path in ["dir/small", "dir/zhard"] { tree[.init(path)]?.xattrs = ["user.comment": Array("x".utf8)] }
    add("dir/blocks", file((0..<10_000).map { UInt8(truncatingIfNeeded: ($0 * 7) >> 3) }), 0o644)
    tree["dir/blocks"]?.xattrs = [
        "security.capability": [1, 0, 0, 2, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12)
    ]
    add("dir/hole", file([UInt8](repeating: 0, count: 3 * 4096) + Array("tail!".utf8)), 0o644, uid: 70_000, gid: 70_001)
    add("dir/link", .symlink(Array("small".utf8)), 0o777)
    add("fifo", .fifo, 0o600)
    add("socket", .socket, 0o600)
    add("null", .characterDevice(major: 1, minor: 3), 0o666)
    add("disk", .blockDevice(major: 259, minor: 70_000), 0o660)
    add("many", .directory, 0o755)
    for index in 0..<300 {
        let digits = String(index)
        let path = FileTree.Path("many/f" + String(repeating: "0", count: 3 - digits.utf8.count) + digits)
        add(path.description, file(Array("\(digits)\n".utf8)), index == 7 ? 0o4755 : 0o644)
        if index < 3 {
            tree[path]?.xattrs = [
                "user.long": [UInt8](repeating: UInt8(ascii: "v"), count: 100), "user.n": Array(digits.utf8),
            ]
        }
    }
    return tree
}

/// What a caller gives: the decoders of Archives.
let squashFSDecompressor: SquashFS.Decompressor = { compression, block, source, limit in
    let limits = ExpansionLimits(byteCount: limit, ratio: 2000)
    switch compression {
    case .gzip: return try ZlibStream.decode(block, source: source, limits: limits)
    case .xz: return try Compression.xz.decompress(block, source: source, limits: limits)
    case .zstd: return try Compression.zstd.decompress(block, source: source, limits: limits)
    default:
        throw FormatError(source: source, field: "compression", found: compression.name, expected: "gzip, xz or zstd")
    }
}

/// A copy with all contents in memory, to compare.
func loaded(_ tree: FileTree) throws -> FileTree {
    var result = tree
    for (path, entry) in tree.sorted {
        guard case .file(let content) = entry.kind else { continue }
        var bytes: [UInt8] = []
        try content.forEachChunk { bytes += [UInt8](copying: $0) }
        result[path]?.kind = .file(.bytes(bytes))
    }
    return result
}

@Suite("SquashFS")
struct SquashFSTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func fixture(_ name: String) -> String {
        FileSystem.parent(of: FileSystem.parent(of: #filePath)) + "/Fixtures/\(name).squashfs"
    }

    @Test(
        "reads images of mksquashfs: every inode type, hole, fragment, attribute and owner",
        arguments: ["gzip", "lz4", "xz", "zstd", "stored"])
    func known(_ name: String) throws {
        let reader = try SquashFSReader(InputFile(fixture(name)), decompressor: squashFSDecompressor)
        #expect(reader.superblock.blockSize == 4096 && reader.superblock.time == 1_700_000_000)
        let found = try loaded(reader.tree())
        let expected = fixtureTree()
        #expect(found.sorted.map(\.path) == expected.sorted.map(\.path))
        for (path, entry) in expected.sorted {
            let isSame = found[path] == entry
            #expect(isSame, "\(path)")
        }
    }

    @Test("a compression that the caller does not know is named")
    func unknownCompression() throws {
        let reader = try SquashFSReader(InputFile(fixture("lzo")), decompressor: squashFSDecompressor)
        let error = #expect(throws: FormatError.self) { try reader.tree() }
        #expect(error?.found == "lzo" && reader.superblock.compression == .lzo)
    }

    private func read(_ bytes: [UInt8]) throws {
        let path = folder.file("image")
        let output = try OutputFile(path)
        try output.append(bytes)
        try output.commit(durable: false)
        _ = try loaded(SquashFSReader(InputFile(path), decompressor: squashFSDecompressor).tree())
    }

    @Test(
        "every field of the superblock is checked",
        arguments: [
            (0, "magic"), (4, "inode of /"), (12, "block_size"), (20, "compression"), (22, "block_size"),
            (25, "flags"), (26, "uid"), (28, "s_major"), (30, "s_minor"), (32, "inode"), (46, "bytes_used"),
            (54, "id_table_start"), (62, "xattr_id_table_start"), (70, "inode_table_start"),
            (78, "directory_table_start"), (86, "fragment_table_start"), (94, "lookup_table_start"),
        ])
    func superblock(_ offset: Int, _ field: String) throws {
        var bytes = try InputFile.contents(of: fixture("stored"))
        switch offset {
        case 4: bytes.replaceSubrange(4..<8, with: [1, 0, 0, 0])
        case 26: bytes.replaceSubrange(26..<28, with: [1, 0])
        case 32: bytes.replaceSubrange(32..<40, with: [0, 0, 0, 0, 0, 0, 0xFF, 0])
        default: bytes[offset] ^= 0x40
        }
        let error = #expect(throws: FormatError.self) { try read(bytes) }
        #expect(error?.field.contains(field) == true, "\(offset): \(String(describing: error))")
    }

    @Test("hostile tables are read or refused, never trapped on", arguments: ["stored", "gzip", "lz4"])
    func hostile(_ name: String) throws {
        let good = try InputFile.contents(of: fixture(name))
        func attempt(_ label: String, _ bytes: [UInt8]) throws {
            do { try read(bytes) } catch is FormatError {} catch is FileError {}
        }
        // The tables stand at the end.
        let tables = name == "stored" ? good.count - 12_000..<good.count : 96..<good.count
        try HostileInput.random(good, at: 0..<96, seed: 21, rounds: 40, attempt)
        try HostileInput.random(good, at: tables, seed: 22, rounds: name == "stored" ? 200 : 60, attempt)
        for count in stride(from: 0, to: good.count, by: 997) { try attempt("\(count)", Array(good.prefix(count))) }
    }
}
