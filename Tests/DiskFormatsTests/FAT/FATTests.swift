import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

@Suite("FAT")
struct FATTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }
    private let options = FATWriter.Options(volumeID: 0x1234_ABCD, epoch: 1_700_000_001)

    private var tree: FileTree {
        var tree = FileTree()
        for path in ["EFI", "EFI/BOOT", "loader", "a long name"] { tree[.init(path)] = .init(.directory, mode: 0) }
        let big = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        tree[.init("EFI/BOOT/BOOTX64.EFI")] = .init(.file(.bytes(big)), mode: 0)
        tree[.init("loader/empty")] = .init(.file(.bytes([])), mode: 0)
        tree[.init("loader/loader.conf")] = .init(.file(.bytes(Array("timeout 0\n".utf8))), mode: 0)
        for index in 0..<40 {
            tree[.init("a long name/file number \(index).text")] = .init(.file(.bytes([UInt8(index)])), mode: 0)
        }
        return tree
    }

    private func write() throws -> String {
        let path = folder.file("esp")
        let output = try OutputFile(path)
        let size = try FATWriter.write(tree, options, to: output)
        try output.commit()
        #expect(try InputFile(path).size == size)
        return path
    }

    @Test("reads back every directory and file")
    func roundTrip() throws {
        let reader = try FATReader(InputFile(write()))
        let back = try reader.tree()
        #expect(reader.volumeID == 0x1234_ABCD)
        #expect(back.sorted.map(\.path) == tree.sorted.map(\.path))
        for (path, entry) in tree.sorted {
            guard case .file(let content) = entry.kind, case .file(let found)? = back[path]?.kind else { continue }
            var a: [UInt8] = []
            var b: [UInt8] = []
            try content.forEachChunk { a += [UInt8](copying: $0) }
            try found.forEachChunk { b += [UInt8](copying: $0) }
            #expect(a == b, "\(path)")
        }
    }

    @Test("gives the same bytes again, pinned by digest for this revision")
    func golden() throws {
        let bytes = try InputFile.contents(of: write())
        #expect(FATWriter.formatRevision == "fat-1")
        #expect(Digest.of(bytes, .sha256).hex == "d02ec3781e255395fe95519a48c1360816e574bddec9bf2f0e1eb8ed382caa2b")
    }

    /// The same files in a file system of each width, made by mkfs.vfat and mtools, in the middle of a larger file.
    @Test(
        "reads FAT12, FAT16 and FAT32 of other writers, at any place in a file",
        .enabled(
            if: Outside.has("mkfs.vfat") && Outside.has("mcopy"), "mkfs.vfat or mcopy is not installed"),
        arguments: [(12, 4), (16, 20), (16, 200), (32, 80)])
    func widths(_ width: Int, _ mebibytes: Int) throws {
        let path = folder.file("fat\(width)")
        try OutputFile.write([UInt8](repeating: 0, count: mebibytes << 20), to: path)
        let big = (0..<300_001).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 3) }
        try OutputFile.write(big, to: folder.file("big"))
        for (tool, words) in [
            ("mkfs.vfat", ["-F", "\(width)", "-i", "1234abcd", path]), ("mmd", ["-i", path, "::EFI", "::EFI/BOOT"]),
            ("mcopy", ["-i", path, folder.file("big"), "::EFI/BOOT/a long name.efi"]),
            ("mcopy", ["-i", path, folder.file("big"), "::EFI/BOOT/BOOTX64.EFI"]),
        ] {
            let result = try Subprocess(tool, words).run()
            #expect(result.status == 0, "\(tool): \(result.errorText)")
        }
        let bytes = try InputFile.contents(of: path)
        try OutputFile.write([UInt8](repeating: 9, count: 512) + bytes + [9, 9], to: path)
        let reader = try FATReader(InputFile(path), in: 512..<512 + bytes.count)
        #expect(reader.width == width && reader.volumeID == 0x1234_ABCD)
        for name in ["BOOTX64.EFI", "a long name.efi"] {
            guard case .file(let content)? = try reader.tree()[.init("EFI/BOOT/\(name)")]?.kind else {
                throw TestFailure("\(name) is not there")
            }
            var back: [UInt8] = []
            try content.forEachChunk { back += [UInt8](copying: $0) }
            #expect(back == big, "\(name)")
        }
        var random = SeededGenerator(seed: 78)
        for _ in 0..<20 {
            var damaged = bytes
            for _ in 0..<6 {
                damaged[Int.random(in: 0..<40_000, using: &random)] = .random(in: 0...255, using: &random)
            }
            try OutputFile.write(damaged, to: path)
            _ = try? FATReader(InputFile(path)).tree()
        }
    }

    @Test("refuses what FAT cannot hold")
    func refusals() throws {
        for (name, kind) in [("a:b", FileTree.Kind.file(.bytes([]))), ("x", .symlink([1])), ("q?", .directory)] {
            var tree = FileTree()
            tree[.init(name)] = .init(kind, mode: 0)
            let output = try OutputFile(folder.file("bad"))
            #expect(throws: FATError.self) { try FATWriter.write(tree, options, to: output) }
        }
    }

    @Test("refuses names that readers would mix up, and entries without a parent")
    func ambiguousNames() throws {
        for names in [["Ab", "aB"], ["dot."], ["blank "], ["no/parent"]] {
            var tree = FileTree()
            for name in names { tree[.init(name)] = .init(.file(.bytes([])), mode: 0) }
            let output = try OutputFile(folder.file("bad"))
            #expect(throws: FATError.self, "\(names)") { try FATWriter.write(tree, options, to: output) }
        }
    }

    @Test(
        "a full file system states that nothing is free, and zeros in it take no space",
        .enabled(if: Outside.has("fsck.vfat"), "fsck.vfat is not installed"))
    func full() throws {
        var tree = FileTree()
        tree["EFI"] = .init(.directory, mode: 0)
        tree["EFI/big"] = .init(.file(.bytes([1] + [UInt8](repeating: 0, count: 40 << 20))), mode: 0)
        let path = folder.file("full")
        let output = try OutputFile(path)
        try FATWriter.write(tree, options, to: output)
        try output.commit()
        let result = try Subprocess("fsck.vfat", ["-n", path]).run()
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
        #expect(try InputFile(path).read(at: 512 + 488, count: 8) == [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
        let blocks = try Subprocess("stat", ["-c", "%b", path]).run().outputText
        #expect(try #require(Int(blocks.dropLast())) * 512 < 2 << 20, "\(blocks)")
        guard case .file(let back)? = try FATReader(InputFile(path)).tree()["EFI/big"]?.kind else {
            throw TestFailure("the file is gone")
        }
        #expect(back.count == (40 << 20) + 1)
        guard case .range = back else { throw TestFailure("contents in one piece expected") }
    }

    @Test("damaged file systems give errors, never a trap")
    func damage() throws {
        let path = try write()
        let good = try InputFile.contents(of: path)
        let seed: UInt64 = 77
        var random = SeededGenerator(seed: seed)
        for _ in 0..<12 {
            var bytes = good
            for _ in 0..<8 {
                let at =
                    Bool.random(using: &random)
                    ? Int.random(in: 0..<600, using: &random) : Int.random(in: 541_000..<548_000, using: &random)
                bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
            try OutputFile.write(bytes, to: path)
            _ = try? FATReader(InputFile(path)).tree()
        }
    }

    @Test("fsck.vfat finds nothing wrong", .enabled(if: Outside.has("fsck.vfat"), "fsck.vfat is not installed"))
    func fsck() throws {
        let result = try Subprocess("fsck.vfat", ["-n", "-v", write()]).run()
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
    }

    @Test("mtools reads the file that firmware starts", .enabled(if: Outside.has("mcopy"), "mcopy is not installed"))
    func mtools() throws {
        let path = try write()
        let result = try Subprocess("mcopy", ["-n", "-i", path, "::EFI/BOOT/BOOTX64.EFI", folder.file("out")]).run()
        #expect(result.status == 0, "\(result.errorText)")
        #expect(try InputFile(folder.file("out")).size == 700_001)
        let list = try Subprocess("mdir", ["-i", path, "::a long name"]).run()
        #expect(list.outputText.contains("file number 39.text"), "\(list.outputText)")
    }

    // 1 700 000 001 is 2023-11-14 22:13:21 UTC by date(1).
    @Test("mtools reads the time that was meant", .enabled(if: Outside.has("mdir"), "mdir is not installed"))
    func time() throws {
        let list = try Subprocess("mdir", ["-i", write(), "::loader"], environment: ["TZ": "UTC", "LC_ALL": "C"]).run()
        #expect(list.outputText.contains("2023-11-14  22:13"), "\(list.outputText)")
    }
}
