import Bytes
import DiskFormats
import Documents
import Files
import GuestImage
import Hashing
import Packages
import TestSupport
import Testing

@Suite("roots made of OCI layers")
struct OCITreeTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    static let platform = OCIPlatform(os: "linux", architecture: "amd64")

    /// The merged tree of some archives.
    func tree(_ archives: [UInt8]..., keepsDevices: Bool = false) throws -> FileTree {
        try tree(SampleLayout(folder, archives.map { .init($0) }), keepsDevices: keepsDevices)
    }

    func tree(_ layout: SampleLayout, keepsDevices: Bool = false) throws -> FileTree {
        let reader = OCIImageReader(source: try OCILayoutDirectory(layout.path))
        let image = try reader.image(layout.digest, platform: Self.platform)
        return try OCIRootTree(reader: reader, image: image, scratch: folder.path)
            .tree(epoch: 7, keepsDevices: keepsDevices)
    }

    static func paths(_ tree: FileTree) -> [String] { tree.sorted.map(\.path.description) }

    static func text(_ tree: FileTree, _ path: FileTree.Path) throws -> String? {
        guard case .file(let content)? = tree[path]?.kind else { return nil }
        var bytes: [UInt8] = []
        try content.forEachChunk { (chunk: RawSpan) in
            for index in 0..<chunk.byteCount {
                bytes.append(unsafe chunk.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("take the upper layer's files, keep what lies below, and hide what a whiteout names")
    func layers() throws {
        let lower = TarBytes.archive {
            $0.directory("etc", mode: 0o700)
            $0.file("etc/a", "lower a")
            $0.file("etc/b", "lower b")
            $0.directory("etc/d")
            $0.file("etc/d/x", "x")
        }
        let upper = TarBytes.archive {
            $0.directory("etc", mode: 0o755)
            $0.file("etc/a", "upper a")
            $0.file("etc/.wh.b", "")
            $0.file("etc/.wh.d", "")
            $0.file("new/deep/file", "n")
        }
        let tree = try tree(lower, upper)
        #expect(Self.paths(tree) == ["/", "/etc", "/etc/a", "/new", "/new/deep", "/new/deep/file"])
        #expect(try Self.text(tree, "etc/a") == "upper a")
        #expect(tree["etc"]?.mode == 0o755 && tree["new/deep"]?.mode == 0o755)
        #expect(tree.sorted.allSatisfy { $0.entry.mtime == 7 })
    }

    @Test("let whiteouts hide lower layers only, wherever they stand in their own")
    func whiteoutOrder() throws {
        let lower = TarBytes.archive {
            $0.file("d/old", "old")
            $0.file("f", "old")
        }
        let upper = TarBytes.archive {
            $0.file("d/new", "new")
            $0.file("d/.wh..wh..opq", "")
            $0.file("f", "new")
            $0.file(".wh.f", "")
        }
        let tree = try tree(lower, upper)
        #expect(Self.paths(tree) == ["/", "/d", "/d/new", "/f"])
        #expect(try Self.text(tree, "f") == "new")
    }

    @Test("keep names of one file together across layers, under the first name that is left")
    func hardLinks() throws {
        let lower = TarBytes.archive {
            $0.file("a", "data")
            $0.link("c", "a", hard: true)
        }
        let upper = TarBytes.archive {
            $0.link("b", "c", hard: true)
            $0.file(".wh.a", "")
        }
        let tree = try tree(lower, upper)
        #expect(Self.paths(tree) == ["/", "/b", "/c"])
        #expect(try Self.text(tree, "b") == "data")
        #expect(tree["c"]?.kind == .hardLink("b"))
    }

    @Test("replace a directory by a file or link with all that was in it, and the other way round")
    func replacements() throws {
        let lower = TarBytes.archive {
            $0.file("d/x", "x")
            $0.link("l", "d")
        }
        let upper = TarBytes.archive {
            $0.link("d", "elsewhere")
            $0.directory("l")
            $0.file("l/y", "y")
        }
        let tree = try tree(lower, upper)
        #expect(Self.paths(tree) == ["/", "/d", "/l", "/l/y"])
        #expect(tree["d"]?.kind == .symlink(Array("elsewhere".utf8)))
    }

    @Test("carry owners, mode bits, absolute link targets and extended attributes")
    func metadata() throws {
        let archive = TarBytes.archive {
            $0.addPax("SCHILY.xattr.user.note", [1, 0, 2])
            $0.add(Array("./f".utf8), contents: [1], mode: 0o4755, uid: 7, gid: 9)
            $0.link("./abs", "/etc/passwd")
        }
        let tree = try tree(archive)
        let file = try #require(tree["f"])
        #expect(file.mode == 0o4755 && file.uid == 7 && file.gid == 9 && file.xattrs == ["user.note": [1, 0, 2]])
        #expect(tree["abs"]?.kind == .symlink(Array("/etc/passwd".utf8)))
    }

    @Test("refuse devices and pipes unless they are asked for")
    func devices() throws {
        let archive = TarBytes.archive {
            $0.add(Array("dev/null".utf8), type: "3", mode: 0o666, device: (1, 3))
            $0.add(Array("p".utf8), type: "6")
        }
        let error = #expect(throws: FormatError.self) { _ = try tree(archive) }
        #expect(error?.field == "/dev/null" && error?.hint?.contains("devices: keep") == true)
        #expect(try tree(archive, keepsDevices: true)["dev/null"]?.kind == .characterDevice(major: 1, minor: 3))
    }

    @Test("unpack gzip and zstd layers", arguments: [("gzip", "+gzip"), ("zstd", "+zstd")])
    func compressed(program: String, suffix: String) throws {
        guard Outside.has(program) else { return }
        let archive = TarBytes.archive { $0.file("f", "packed") }
        let packed = try Subprocess(program, ["-c"]).run(input: archive).output
        let layout = try SampleLayout(
            folder, [.init(archive, stored: packed, mediaType: SampleLayout.tar + suffix)])
        #expect(try Self.text(tree(layout), "f") == "packed")
        let cut = try SampleLayout(
            folder, [.init(archive, stored: Array(packed.dropLast(9)), mediaType: SampleLayout.tar + suffix)])
        #expect(throws: (any Error).self) { _ = try tree(cut) }
    }

    @Test(
        "refuse hostile members, each with its name",
        arguments: [
            ("../up", "'..' in a path"), ("/abs", "an absolute path"), ("a/../b", "'..' in a path"),
            (".wh..", "a whiteout of the directory itself"), (".wh.", "a whiteout of the directory itself"),
            ("d/.wh..wh.plnk", "a reserved name"), (".", "something else in place of the root"),
        ])
    func hostile(name: String, found: String) throws {
        let error = #expect(throws: FormatError.self) { _ = try tree(TarBytes.archive { $0.file(name, "x") }) }
        #expect(error?.found == found)
        #expect(error?.source.hasPrefix("layer sha256:") == true)
    }

    @Test("refuse what runtimes do not agree on or what points nowhere")
    func ambiguous() throws {
        let link = TarBytes.archive { $0.link("lib", "usr/lib") }
        let through = TarBytes.archive { $0.file("lib/x", "x") }
        #expect(throws: FormatError.self) { _ = try tree(link, through) }
        let twice = TarBytes.archive {
            $0.file("f", "1")
            $0.file("./f", "2")
        }
        #expect(throws: FormatError.self) { _ = try tree(twice) }
        for target in ["nowhere", "../f", "d"] {
            let bad = TarBytes.archive {
                $0.directory("d")
                $0.link("h", target, hard: true)
            }
            #expect(throws: FormatError.self) { _ = try tree(bad) }
        }
        let overlay = TarBytes.archive { $0.add(Array("gone".utf8), type: "3", device: (0, 0)) }
        #expect(throws: FormatError.self) { _ = try tree(overlay, keepsDevices: true) }
    }
}
