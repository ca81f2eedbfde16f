import Archives
import Bytes
import DiskFormats
import Testing

@testable import GuestImage

/// A package of a few files.
func package(_ name: String, _ entries: [(String, FileTree.Entry)]) -> PackageFiles {
    PackageFiles(package: name, entries: entries.map { (path: FileTree.Path($0.0), entry: $0.1) })
}

func file(_ text: String, mode: UInt16 = 0o644, mtime: Int64 = 5) -> FileTree.Entry {
    FileTree.Entry(.file(.bytes(Array(text.utf8))), mode: mode, mtime: mtime)
}

func directory(mode: UInt16 = 0o755, uid: UInt32 = 0) -> FileTree.Entry {
    FileTree.Entry(.directory, mode: mode, uid: uid, mtime: 77)
}

func link(_ target: String) -> FileTree.Entry { FileTree.Entry(.symlink(Array(target.utf8)), mode: 0o777) }

@Suite("merging packages")
struct PackageMergeTests {
    @Test("order of packages does not matter, and every time is the epoch")
    func order() throws {
        let a = package("a", [("etc", directory(mode: 0o700)), ("etc/a", file("a"))])
        let b = package("b", [("etc", directory(mode: 0o750)), ("etc/b", file("b"))])
        let one = try PackageMerge.tree(of: [a, b], epoch: 9)
        let two = try PackageMerge.tree(of: [b, a], epoch: 9)
        #expect(one.sorted.elementsEqual(two.sorted) { $0.path == $1.path && $0.entry == $1.entry })
        #expect(one["etc"]?.mode == 0o700)
        #expect(one.sorted.allSatisfy { $0.entry.mtime == 9 })
    }

    @Test("what a package ships in /lib or /bin lands in /usr")
    func merged() throws {
        let tree = try PackageMerge.tree(
            of: [
                package("base", [("bin", link("usr/bin")), ("lib", link("usr/lib"))]),
                package("tool", [("bin", directory()), ("bin/tool", file("x")), ("lib64/ld.so", file("y"))]),
            ], epoch: 1)
        #expect(tree["usr/bin/tool"] != nil)
        #expect(tree["usr/lib64/ld.so"] != nil)
        #expect(tree["usr/lib64"]?.mode == 0o755)
        #expect(tree["bin"] == nil)
    }

    @Test("two packages may ship one file, but not two files of one name")
    func conflict() throws {
        let a = package("a", [("etc/x", file("same"))])
        #expect(
            try PackageMerge.tree(of: [a, package("b", [("etc/x", file("same", mtime: 6))])], epoch: 1)["etc/x"] != nil)
        let error = #expect(throws: ImageError.self) {
            try PackageMerge.tree(of: [a, package("b", [("etc/x", file("else"))])], epoch: 1)
        }
        #expect(error?.description == "/etc/x: is in package a and in package b, and differs")
    }

    @Test("a path through another package's link is refused")
    func throughLink() throws {
        let error = #expect(throws: ImageError.self) {
            try PackageMerge.tree(
                of: [package("a", [("var/run", link("/run"))]), package("b", [("var/run/pid", file("1"))])], epoch: 1)
        }
        #expect(error?.description == "package b: /var/run/pid lies below /var/run, which is not a directory")
    }

    @Test("device nodes are refused")
    func devices() throws {
        let node = FileTree.Entry(.characterDevice(major: 1, minor: 3), mode: 0o666)
        #expect(throws: ImageError.self) { try PackageMerge.tree(of: [package("a", [("dev/null", node)])], epoch: 1) }
    }
}

@Suite("edits of a tree")
struct TreeEditsTests {
    private func edits(exclude: [String] = [], include: [String] = []) throws -> TreeEdits {
        var edits = TreeEdits()
        edits.exclude = try exclude.map { try #require(PathPattern($0)) }
        edits.include = try include.map { try #require(PathPattern($0)) }
        return edits
    }

    @Test("what is left out goes, but for what is kept and the directories above it")
    func filter() throws {
        let tree = try PackageMerge.tree(
            of: [
                package(
                    "a",
                    [
                        ("usr/share/doc/a", directory(mode: 0o711)), ("usr/share/doc/a/copyright", file("c")),
                        ("usr/share/doc/a/changelog", file("l")), ("usr/share/man/a", file("m")),
                    ])
            ], epoch: 1)
        let left = try edits(exclude: ["/usr/share"], include: ["/usr/share/doc/*/copyright"]).filtered(tree)
        #expect(
            left.sorted.map(\.path.description)
                == ["/", "/usr", "/usr/share", "/usr/share/doc", "/usr/share/doc/a", "/usr/share/doc/a/copyright"])
        #expect(left["usr/share/doc/a"]?.mode == 0o711)
    }

    @Test("a hard link outlives the name that held the file")
    func hardLinks() throws {
        let hard = FileTree.Entry(.hardLink("opt/a"), mode: 0o644)
        let tree = try PackageMerge.tree(
            of: [package("a", [("opt/a", file("x")), ("opt/b", hard), ("opt/c", hard)])], epoch: 1)
        let left = try edits(exclude: ["/opt/a"]).filtered(tree)
        #expect(left["opt/b"]?.kind == .file(.bytes([UInt8(ascii: "x")])))
        #expect(left["opt/c"]?.kind == .hardLink("opt/b"))
    }

    @Test("copies follow links inside the packages, and a missing source is named")
    func copies() throws {
        let packages = try PackageMerge.tree(
            of: [package("a", [("usr/a/real", file("r")), ("usr/a/link", link("../a/real"))])], epoch: 1)
        var edits = TreeEdits()
        edits.files = [.init(path: "etc/x", source: .package("usr/a/link"), mode: 0o600, uid: 1, gid: 2)]
        var tree = FileTree()
        try edits.apply(to: &tree, packages: packages, overlays: OverlayFiles([:]), epoch: 4)
        #expect(tree["etc/x"]?.kind == .file(.bytes([UInt8(ascii: "r")])))
        #expect(tree["etc/x"]?.uid == 1)
        #expect(tree["etc"]?.mtime == 4)
        edits.files = [.init(path: "etc/x", source: .package("usr/none"), mode: 0o600, uid: 0, gid: 0)]
        #expect(throws: ImageError.self) {
            try edits.apply(to: &tree, packages: packages, overlays: OverlayFiles([:]), epoch: 4)
        }
    }

    @Test("a file does not silently take a directory's place")
    func kinds() throws {
        var tree = FileTree()
        tree["etc"] = directory()
        var edits = TreeEdits()
        edits.links = [.init(path: "etc", target: "usr/etc")]
        #expect(throws: ImageError.self) {
            try edits.apply(to: &tree, packages: FileTree(), overlays: OverlayFiles([:]), epoch: 4)
        }
    }
}

@Suite("command line")
struct CommandLineTests {
    @Test("states every verity parameter and has no newline")
    func words() throws {
        let text = CommandLine.text(
            words: ["quiet"], rootHash: .zero(.sha256), dataBlocks: 7, hashStart: 1, salt: [0xAB])
        #expect(
            text == "console=ttyS0,115200 panic=-1 quiet roothash=" + String(repeating: "0", count: 64)
                + " assay.verity.data_blocks=7 assay.verity.hash_start=1 assay.verity.salt=ab"
                + " assay.verity.options=panic_on_corruption")
    }
}
