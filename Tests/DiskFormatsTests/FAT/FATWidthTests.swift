import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

/// File systems that a test writes: each kind, with clusters of one sector and of more, on sectors of both sizes.
private struct Sample: Sendable, CustomTestStringConvertible {
    var width: FATWidth
    /// Bytes of the one large file.
    var size: Int
    var sectorSize = 512
    var digest: String

    var testDescription: String { "FAT\(width.rawValue), \(size) bytes, sectors of \(sectorSize)" }

    static let all = [
        Sample(width: .fat12, size: 3000, digest: "d9986148d42d96c5b9a1e6f40122a9790f9ba334bdf1331d7028499b834d8320"),
        Sample(
            width: .fat12, size: 5_000_000, digest: "086d537f17ae85254bf20b37844d3392403a732393559b1e58e678fae4d9b1c2"),
        Sample(
            width: .fat16, size: 700_001, digest: "35253c421fe0b8a8071714825d828c89beb8be9feddb583244febd374d91b17a"),
        Sample(
            width: .fat16, size: 40 << 20, digest: "205a4638c1439f1549ffcac4a0fa49c50976ec8f206c3223d4b69ec700f22e7a"),
        Sample(
            width: .fat16, size: 700_001, sectorSize: 4096,
            digest: "da63d1ce6a87aa755930f5e0968820587341d1a99340a0d0a2e538bbc8ba0f5e"),
    ]
}

@Suite("FAT of each width")
struct FATWidthTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func tree(_ size: Int) -> FileTree {
        var tree = FileTree()
        for path in ["EFI", "EFI/BOOT", "loader"] { tree[.init(path)] = .init(.directory, mode: 0) }
        let piece = FileTree.Content.bytes((0..<100_003).map { UInt8(truncatingIfNeeded: ($0 &* 7) >> 3) })
        let pieces = [FileTree.Content](repeating: piece, count: size / piece.count)
        let rest = FileTree.Content.bytes([UInt8](repeating: 5, count: size % piece.count))
        tree["EFI/BOOT/BOOTX64.EFI"] = .init(.file(.pieces(pieces + [rest])), mode: 0)
        tree["loader/empty"] = .init(.file(.bytes([])), mode: 0)
        for index in 0..<20 {
            tree[.init("entry number \(index).conf")] = .init(.file(.bytes([UInt8(index)])), mode: 0)
        }
        return tree
    }

    private func write(_ sample: Sample, width: FATWidth?) throws -> String {
        let path = folder.file("esp")
        let output = try OutputFile(path)
        let options = FATWriter.Options(
            volumeID: 0x1234_ABCD, epoch: 1_700_000_001, width: width, sectorSize: sample.sectorSize)
        try FATWriter.write(tree(sample.size), options, to: output)
        try output.commit()
        return path
    }

    @Test("each kind reads back, and keeps the bytes of its format revision", arguments: Sample.all)
    private func roundTrip(_ sample: Sample) throws {
        let path = try write(sample, width: sample.width)
        let file = try InputFile(path)
        let reader = try FATReader(file)
        #expect(reader.width == sample.width.rawValue && reader.volumeID == 0x1234_ABCD)
        let back = try reader.tree()
        let tree = tree(sample.size)
        #expect(back.sorted.map(\.path) == tree.sorted.map(\.path))
        for (path, entry) in tree.sorted {
            guard case .file(let content) = entry.kind, case .file(let found)? = back[path]?.kind else { continue }
            #expect(try digest(of: found) == digest(of: content), "\(path)")
        }
        let written = try digest(of: .range(path: path, offset: 0, count: file.size))
        #expect(FATWriter.formatRevision == "fat-1")
        #expect(written == sample.digest)
    }

    private func digest(of content: FileTree.Content) throws -> String {
        var hash = Hash(.sha256)
        try content.forEachChunk { hash.update($0) }
        return hash.finish().hex
    }

    @Test("the smallest kind that holds the tree is chosen on demand", arguments: Sample.all)
    private func choice(_ sample: Sample) throws {
        let small = sample.size < 16 << 20
        #expect(try FATReader(InputFile(write(sample, width: nil))).width == (small ? 12 : 16))
    }

    @Test(
        "fsck.vfat and mtools read them",
        .enabled(if: Outside.has("fsck.vfat") && Outside.has("mcopy"), "fsck.vfat or mcopy is not installed"),
        arguments: Sample.all)
    private func peers(_ sample: Sample) throws {
        let path = try write(sample, width: sample.width)
        let check = try Subprocess("fsck.vfat", ["-n", "-v", path]).run()
        #expect(check.status == 0, "\(check.outputText)\(check.errorText)")
        let copy = try Subprocess("mcopy", ["-n", "-i", path, "::EFI/BOOT/BOOTX64.EFI", folder.file("out")]).run()
        #expect(copy.status == 0, "\(copy.errorText)")
        let copied = FileTree.Content.range(path: folder.file("out"), offset: 0, count: sample.size)
        guard case .file(let content)? = tree(sample.size)["EFI/BOOT/BOOTX64.EFI"]?.kind else { return }
        #expect(try InputFile(folder.file("out")).size == sample.size)
        #expect(try digest(of: copied) == digest(of: content))
        let list = try Subprocess("mdir", ["-b", "-i", path, "::"]).run().outputText
        #expect(list.contains("entry number 19.conf"), "\(list)")
    }

    @Test("a tree that is too large for FAT12 is refused with what to do")
    func tooLarge() throws {
        var tree = FileTree()
        tree["big"] = .init(.file(.range(path: "/dev/null", offset: 0, count: 200 << 20)), mode: 0)
        let output = try OutputFile(folder.file("bad"))
        let error = #expect(throws: FATError.self) {
            try FATWriter.write(tree, .init(volumeID: 0, epoch: 0, width: .fat12), to: output)
        }
        #expect(error?.hint == "FAT32 holds more")
    }

    @Test("hostile boot sectors, tables and directories are read or refused, never trapped on")
    func hostile() throws {
        let path = try write(Sample.all[0], width: .fat12)
        let good = try InputFile.contents(of: path)
        func read(_ label: String, _ bytes: [UInt8]) throws {
            try OutputFile.write(bytes, to: path)
            do {
                _ = try FATReader(InputFile(path)).tree()
            } catch is FormatError {
            } catch is FileError {}
        }
        try HostileInput.everyByte(of: good, at: 11..<40, read)
        try HostileInput.everyByte(of: good, at: 512..<518, read)
        try HostileInput.random(good, at: 0..<3000, seed: 4711, rounds: 24, read)
        try HostileInput.everyLength(of: Array(good.prefix(200)), read)
    }
}
