import DiskFormats
import Files
import TestSupport
import Testing

/// What erofs-utils and the kernel say of our images.
@Suite("EROFS beside its own tools")
struct EROFSPeerTests {
    private let folder: TemporaryFolder
    private let tree = compressibleTree()

    init() throws { folder = try TemporaryFolder() }

    private func image(_ compression: EROFSWriter.Compression) throws -> String {
        let path = folder.file(compression.rawValue)
        let output = try OutputFile(path)
        let options = EROFSWriter.Options(
            uuid: Array(0..<16), volumeName: "test", epoch: 1_700_000_000, compression: compression)
        _ = try EROFSWriter.write(tree, options, to: output)
        try output.commit()
        return path
    }

    @Test(
        "fsck.erofs agrees",
        .enabled(if: Outside.has("fsck.erofs"), "fsck.erofs is not installed"),
        arguments: EROFSWriter.Compression.allCases)
    func fsck(compression: EROFSWriter.Compression) throws {
        let image = try image(compression)
        // Before 1.8 its own decompressor wants the last extent of a file to end with the file, where Linux 5.10 wants
        // whole blocks; the kernel reads every file below.
        let result = try Subprocess("fsck.erofs", (compression == .none ? ["--extract"] : []) + [image]).run()
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
    }

    /// Whether fsck.erofs is of 1.8 or later, which extracts with `--extract=DIR` and restores what it can.
    static let extracts: Bool = {
        guard let result = try? Subprocess("fsck.erofs", ["-V"]).run() else { return false }
        let words = (result.outputText + result.errorText).split { $0 == " " || $0 == "\n" }
        let numbers = words.compactMap { word -> [Int]? in
            let parts = word.split(separator: ".").map { Int($0) }
            return parts.count >= 2 && !parts.contains(nil) ? parts.compactMap { $0 } : nil
        }
        return numbers.first.map { !$0.lexicographicallyPrecedes([1, 8]) } ?? false
    }()

    @Test(
        "fsck.erofs extracts what was written",
        .enabled(if: extracts, "fsck.erofs 1.8 or later is not installed"))
    func extract() throws {
        let place = folder.file("extracted")
        let result = try Subprocess("fsck.erofs", ["--extract=\(place)", image(.none)]).run()
        #expect(result.status == 0, "\(result.outputText)\(result.errorText)")
        for (path, entry) in tree.sorted {
            guard case .file(let content) = entry.kind else { continue }
            var bytes: [UInt8] = []
            try content.forEachChunk { $0.withUnsafeBytes { bytes += $0 } }
            let isSame = try InputFile.contents(of: place + path.description) == bytes
            #expect(isSame, "\(path)")
        }
    }

    @Test(
        "dump.erofs reads superblock and inodes", .enabled(if: Outside.has("dump.erofs"), "dump.erofs is not installed")
    )
    func dump() throws {
        let image = try image(.none)
        let superblock = try Subprocess("dump.erofs", ["-s", image]).run().outputText
        #expect(superblock.contains("00010203-0405-0607-0809-0a0b0c0d0e0f"), "\(superblock)")
        for (path, entry) in tree.sorted {
            guard case .file(let content) = entry.kind, path.components.first == Array("etc".utf8) else { continue }
            let text = try Subprocess("dump.erofs", ["--path=\(path)", image]).run().outputText
            #expect(text.contains("Size: \(content.count) "), "\(path): \(text)")
        }
    }

    /// Whether this machine lets us mount an image: root, a free loop device, EROFS in the kernel.
    static let canMount: Bool = {
        guard FileSystem.effectiveUser == 0, Outside.has("mount"), let folder = try? TemporaryFolder(),
            let output = try? OutputFile(folder.file("probe")),
            (try? EROFSWriter.write(FileTree(), .init(uuid: Array(0..<16), epoch: 0), to: output)) != nil,
            (try? output.commit()) != nil, (try? FileSystem.makeDirectory(folder.file("at"))) != nil
        else { return false }
        let words = ["-o", "loop,ro", "-t", "erofs", folder.file("probe"), folder.file("at")]
        guard (try? Subprocess("mount", words).run())?.status == 0 else { return false }
        return (try? Subprocess("umount", [folder.file("at")]).run())?.status == 0
    }()

    @Test(
        "the kernel mounts it and shows every entry",
        .enabled(if: canMount, "mounting EROFS needs root and a loop device"),
        arguments: EROFSWriter.Compression.allCases)
    func mount(compression: EROFSWriter.Compression) throws {
        let image = try image(compression)
        let place = folder.file("at")
        try FileSystem.makeDirectory(place)
        let mounted = try Subprocess("mount", ["-o", "loop,ro", "-t", "erofs", image, place]).run()
        #expect(mounted.status == 0, "\(mounted.errorText)")
        defer { _ = try? Subprocess("umount", [place]).run() }
        for (path, entry) in tree.sorted where path.components.first != Array("long".utf8) || path.components.count == 1
        {
            // stat separates with NUL-free text: type and mode, owners, time, size.
            let name = place + String(path.description.dropLast(path == .root ? 1 : 0))
            guard path.name.allSatisfy({ $0 < 0x80 && $0 > 0x20 }) else { continue }
            let fields = try Subprocess("stat", ["-c", "%a %u %g %Y %F", name]).run().outputText
            let mode = String(entry.mode, radix: 8)
            let kind =
                switch entry.kind {
                case .directory: "directory"
                case .file(let content): content.count == 0 ? "regular empty file" : "regular file"
                case .hardLink: "regular file"
                case .symlink: "symbolic link"
                case .characterDevice: "character special file"
                case .blockDevice: "block special file"
                case .fifo: "fifo"
                case .socket: "socket"
                }
            #expect(fields == "\(mode) \(entry.uid) \(entry.gid) \(entry.mtime) \(kind)\n", "\(path)")
            if case .file(let content) = entry.kind {
                var bytes: [UInt8] = []
                try content.forEachChunk { $0.withUnsafeBytes { bytes += $0 } }
                #expect(try InputFile.contents(of: name) == bytes, "\(path)")
            }
        }
        #expect(try FileSystem.list(place + "/long").count == 600)
    }
}
