import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

/// A tree with every kind of entry and the sizes at which layouts change.
func variedTree() -> FileTree {
    var tree = FileTree()
    let epoch: Int64 = 1_700_000_000
    tree[.root] = .init(.directory, mode: 0o755, mtime: epoch)
    tree[.init("etc")] = .init(.directory, mode: 0o750, uid: 1, gid: 2, mtime: epoch)
    for size in [0, 1, 31, 32, 4000, 4031, 4032, 4064, 4065, 4095, 4096, 4097, 8192, 100_000] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
        tree[.init("etc/file-\(size)")] = .init(.file(.bytes(bytes)), mode: 0o644, mtime: epoch)
    }
    tree[.init("etc/big-uid")] = .init(.file(.bytes([1])), mode: 0o600, uid: 70_000, gid: 5, mtime: epoch)
    tree[.init("etc/old")] = .init(.file(.bytes([2])), mode: 0o4755, mtime: -315_619_200)
    tree[.init("etc/hard")] = .init(.hardLink(.init("etc/file-4097")), mode: 0o644, mtime: epoch)
    tree[.init("etc/link")] = .init(.symlink(Array(repeating: 0x61, count: 300)), mode: 0o777, mtime: epoch)
    tree[.init("etc/null")] = .init(.characterDevice(major: 1, minor: 3), mode: 0o666, mtime: epoch)
    tree[.init("etc/disk")] = .init(.blockDevice(major: 259, minor: 70_000), mode: 0o660, mtime: epoch)
    tree[.init("etc/pipe")] = .init(.fifo, mode: 0o600, mtime: epoch)
    tree[.init("etc/tagged")] = .init(
        .file(.bytes([3, 4])), mode: 0o755, mtime: epoch,
        xattrs: ["security.capability": [1, 0, 0, 2], "user.note": Array("x".utf8), "trusted.overlay.opaque": [0x79]])
    tree[.init("long")] = .init(.directory, mode: 0o755, mtime: epoch)
    for index in 0..<600 {
        tree[.init("long/a-name-that-takes-some-room-\(index)")] = .init(.file(.bytes([])), mode: 0o644, mtime: epoch)
    }
    tree[FileTree.Path(components: [[0xC3, 0xA9, 0x0A, 0x20]])] = .init(.directory, mode: 0o755, mtime: epoch)
    return tree
}

private let options = EROFSWriter.Options(
    uuid: Array(0..<16), volumeName: "test", epoch: 1_700_000_000)

@Suite("EROFS")
struct EROFSTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func write(_ tree: FileTree, _ name: String = "image") throws -> (String, EROFSWriter.Result) {
        let path = folder.file(name)
        let output = try OutputFile(path)
        let result = try EROFSWriter.write(tree, options, to: output)
        try output.commit()
        return (path, result)
    }

    private func contents(_ content: FileTree.Content) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try content.forEachChunk { bytes += [UInt8](copying: $0) }
        return bytes
    }

    @Test("reads back every entry with its content")
    func roundTrip() throws {
        let tree = variedTree()
        let (path, result) = try write(tree)
        #expect(result.size.isMultiple(of: EROFS.blockSize))
        #expect(try InputFile(path).size == result.size)
        let reader = try EROFSReader(InputFile(path))
        #expect(reader.superblock.uuid == options.uuid)
        let back = try reader.tree()
        #expect(back.sorted.map(\.path) == tree.sorted.map(\.path))
        for (path, entry) in tree.sorted {
            let found = try #require(back[path])
            // The reader names the first path of an inode; the writer's tree may name any.
            if case .file(let a) = entry.kind, case .file(let b) = found.kind {
                #expect(try contents(a) == contents(b), "\(path)")
            } else if case .file = found.kind, case .hardLink = entry.kind {
                continue
            } else if case .hardLink = found.kind, case .file = entry.kind {
                continue
            } else {
                #expect(found.kind == entry.kind, "\(path)")
            }
            #expect(found.mode == entry.mode && found.uid == entry.uid && found.gid == entry.gid, "\(path)")
            #expect(found.mtime == entry.mtime && found.xattrs == entry.xattrs, "\(path)")
        }
    }

    @Test("says where in the image a file's bytes are")
    func ranges() throws {
        let tree = variedTree()
        let (path, result) = try write(tree)
        let file = try InputFile(path)
        var checked = 0
        for (path, ranges) in result.ranges {
            guard case .file(let content)? = tree[path]?.kind else { continue }
            var bytes: [UInt8] = []
            for range in ranges { bytes += try file.read(at: range.lowerBound, count: range.count) }
            #expect(try contents(content) == bytes, "\(path)")
            checked += 1
        }
        #expect(checked > 600)
    }

    @Test("gives the same bytes again, pinned by digest for this revision")
    func golden() throws {
        let (one, _) = try write(variedTree(), "one")
        let (two, _) = try write(variedTree(), "two")
        let bytes = try InputFile.contents(of: one)
        #expect(try bytes == InputFile.contents(of: two))
        #expect(EROFSWriter.Compression.none.formatRevision == "erofs-1")
        #expect(Digest.of(bytes, .sha256).hex == "25709aca869304bc3272233cec9103893f8e5aaa2da2d9c3c94075411c0baa9a")
    }

    @Test("refuses trees that have no such image")
    func refusals() throws {
        let bad: [(FileTree.Path, FileTree.Entry)] = [
            (.init("no/parent"), .init(.file(.bytes([])), mode: 0o644)),
            (.init("link"), .init(.symlink([]), mode: 0o777)),
            (.init("hard"), .init(.hardLink(.init("gone")), mode: 0o644)),
            (.init(String(repeating: "n", count: 256)), .init(.fifo, mode: 0o644)),
            (.init("x"), .init(.fifo, mode: 0o644, xattrs: ["other.x": []])),
        ]
        for (path, entry) in bad {
            var tree = FileTree()
            tree[path] = entry
            #expect(throws: EROFSError.self) { try write(tree) }
        }
    }

    @Test("a changed superblock is noticed by its checksum")
    func checksum() throws {
        let (path, _) = try write(variedTree())
        var bytes = try InputFile.contents(of: path)
        bytes[1024 + 48] ^= 1
        try OutputFile.write(bytes, to: path)
        let error = #expect(throws: FormatError.self) { try EROFSReader(InputFile(path)) }
        #expect(error?.field == "checksum")
    }

    @Test("damaged images give errors, never a trap or an endless walk")
    func damage() throws {
        let (path, _) = try write(variedTree())
        let good = try InputFile.contents(of: path)
        let seed: UInt64 = 2026
        var random = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                bytes[Int.random(in: 1152..<20_000, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // The checksum covers the first block: without it the damage behind is reached.
            bytes[1024 + 8] &= ~1
            try OutputFile.write(bytes, to: path)
            _ = try? EROFSReader(InputFile(path)).tree()
        }
    }

    @Test("links whose targets do not fit behind their inode are read", arguments: [4031, 4064, 4065, 4095])
    func longLinks(count: Int) throws {
        var tree = FileTree()
        let target = (0..<count).map { _ in UInt8(ascii: "t") }
        tree["link"] = .init(.symlink(target), mode: 0o777)
        let (path, _) = try write(tree)
        #expect(try EROFSReader(InputFile(path)).tree()["link"]?.kind == .symlink(target))
    }

    @Test(
        "a superblock field that is not known is named",
        arguments: [
            (0, "magic"), (12, "blkszbits"), (13, "sb_extslots"), (36 + 4, "meta_blkaddr"), (80, "feature_incompat"),
        ])
    func superblockFields(offset: Int, field: String) throws {
        let (path, _) = try write(FileTree())
        var bytes = try InputFile.contents(of: path)
        bytes[1024 + 8] &= ~1
        bytes[1024 + offset] ^= 0x20
        try OutputFile.write(bytes, to: path)
        let error = #expect(throws: FormatError.self) { try EROFSReader(InputFile(path)).tree() }
        #expect(error?.field == field && error?.offset == 1024 + offset)
    }

    /// The image of a tree of `/a` (directory) and `/f` (file of 5 bytes): inodes at 1152 (root), `a` and `f` behind.
    private func small() throws -> (bytes: [UInt8], a: Int, f: Int) {
        var tree = FileTree()
        tree[.root] = .init(.directory, mode: 0o755, mtime: options.epoch)
        tree["a"] = .init(.directory, mode: 0o755, mtime: options.epoch)
        tree["f"] = .init(.file(.bytes(Array("hello".utf8))), mode: 0o644, mtime: options.epoch)
        let (path, result) = try write(tree)
        let place = try #require(result.ranges.first { $0.path == "f" }?.ranges.first)
        var bytes = try InputFile.contents(of: path)
        bytes[1024 + 8] &= ~1
        let a = try bytes.withReader(source: path) { reader throws(FormatError) -> Int in
            try reader.seek(to: 1152 + 32 + 24, "third entry")
            return Int(try reader.read("nid", as: UInt64.self)) * 32
        }
        return (bytes, a, place.lowerBound - 32)
    }

    private func refused(_ bytes: [UInt8]) throws -> FormatError? {
        let path = try folder.write("broken", bytes)
        return #expect(throws: FormatError.self) { try EROFSReader(InputFile(path)).tree() }
    }

    @Test("inode fields out of range are named")
    func inodeFields() throws {
        let good = try small()
        let changes: [(offset: Int, value: UInt8, field: String)] = [
            (good.f, 0x06, "i_format"), (good.f + 5, 0x70, "i_mode"), (good.f + 11, 0x7F, "i_size"),
            (good.f + 2, 0xFF, "h_shared_count"),
            // Flat, but without a block.
            (good.f, 0x00, "i_u"),
        ]
        for change in changes {
            var bytes = good.bytes
            bytes[change.offset] = change.value
            #expect(try refused(bytes)?.field == change.field)
        }
    }

    @Test("a directory that is reached twice, or contains itself, is refused")
    func cycles() throws {
        let good = try small()
        var own = good.bytes
        // The entry of `f` in the root leads to the root.
        own[1152 + 32 + 36] = 36
        #expect(try refused(own)?.found.contains("a second name") == true)
        var twice = good.bytes
        twice[1152 + 32 + 36] = UInt8(good.a / 32)
        #expect(try refused(twice)?.found == "a second name, /f beside /a")
    }

    @Test("directory entries out of their block are refused")
    func directoryEntries() throws {
        let good = try small()
        let changes: [(offset: Int, value: UInt8, field: String)] = [
            (1152 + 32 + 8, 13, "nameoff"), (1152 + 32 + 9, 0x20, "nameoff"), (1152 + 32 + 20, 0, "nameoff"),
            (1152 + 32 + 39, 0x7F, "nid"),
        ]
        for change in changes {
            var bytes = good.bytes
            bytes[change.offset] = change.value
            #expect(try refused(bytes)?.field == change.field, "\(change)")
        }
    }

    @Test("random bytes behind a superblock give an error and no trap")
    func garbage() throws {
        let head = try small().bytes.prefix(1152)
        let seed: UInt64 = 4711
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let path = try folder.write("garbage", Array(head) + random.bytes(3000))
            #expect(throws: (any Error).self, "seed \(seed)") { try EROFSReader(InputFile(path)).tree() }
        }
    }
}
