import Bytes
import DiskFormats
import Documents
import Files
import TestSupport
import Testing

@testable import GuestImage

@Suite("comparing images")
struct ImageDifferenceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The difference of two EROFS images of these trees.
    private func difference(
        _ old: FileTree, _ new: FileTree, epochs: (Int64, Int64) = (7, 7)
    ) throws -> ImageDifference {
        for (name, tree, epoch) in [("old", old, epochs.0), ("new", new, epochs.1)] {
            var tree = tree
            for (path, _) in tree.sorted { tree[path]?.mtime = epoch }
            let file = try OutputFile(folder.file(name))
            let options = EROFSWriter.Options(
                uuid: Array(repeating: 1, count: 16), volumeName: "x", epoch: epoch)
            _ = try EROFSWriter.write(tree, options, to: file)
            try file.commit()
        }
        return try ImageComparison(folder.file("old"), folder.file("new")).difference()
    }

    private func tree(_ files: [FileTree.Path: FileTree.Entry]) -> FileTree {
        var tree = FileTree()
        for (path, entry) in files { tree[path] = entry }
        return tree
    }

    private func file(_ text: String, mode: UInt16 = 0o644) -> FileTree.Entry {
        FileTree.Entry(.file(.bytes(Array(text.utf8))), mode: mode)
    }

    /// `place: name old to new` of every aspect, then its details.
    private func said(_ difference: ImageDifference) -> [String] {
        difference.findings.flatMap { finding in
            finding.aspects.flatMap { aspect in
                ["\(finding.place.joined(separator: " ")): \(aspect.name) \(aspect.old ?? "") to \(aspect.new ?? "")"]
                    + aspect.details
            }
        }
    }

    @Test("equal files are equal, whatever they are called")
    func equal() throws {
        let same = try difference(tree(["a": file("x")]), tree(["a": file("x")]))
        #expect(same.isEqual)
        #expect(same.findings.isEmpty && same.equalArtifacts == ["file"])
    }

    @Test("mode, owner, link, device, attribute and text of a file are told apart")
    func properties() throws {
        var owned = file("one\ntwo\nthree\n", mode: 0o755)
        owned.uid = 3
        owned.xattrs = ["user.a": [1]]
        let old = tree([
            "a": file("one\nthree\n"), "b": FileTree.Entry(.symlink(Array("x".utf8)), mode: 0o777),
            "c": FileTree.Entry(.characterDevice(major: 1, minor: 3), mode: 0o666), "gone": file("12"),
        ])
        let new = tree([
            "a": owned, "b": FileTree.Entry(.symlink(Array("y".utf8)), mode: 0o777),
            "c": FileTree.Entry(.characterDevice(major: 1, minor: 5), mode: 0o666),
            "new": FileTree.Entry(.directory, mode: 0o700),
        ])
        #expect(
            try said(difference(old, new)) == [
                "/a: mode 0644 to 0755", "/a: owner 0:0 to 3:0", "/a: xattr user.a absent to 01",
                "/a: content 10 bytes to 14 bytes", "+2: two", "/b: target -> x to -> y", "/c: device 1:3 to 1:5",
                "/gone: entry file 0644 0:0 2 bytes to ", "/new: entry  to directory 0700 0:0",
            ])
    }

    @Test("another name of a file and a copy of it are told apart, and equal contents are not repeated")
    func hardLinks() throws {
        let linked = tree(["a": file("x"), "b": FileTree.Entry(.hardLink("a"), mode: 0o644)])
        let copied = tree(["a": file("x"), "b": file("x")])
        #expect(try said(difference(linked, copied)) == ["/b: other name of /a to "])
    }

    @Test("another time of all files is said once")
    func times() throws {
        let same = tree(["a": file("x"), "b": file("y")])
        let lines = try said(difference(same, same, epochs: (0, 86400)))
        #expect(
            lines == [
                ": epoch 1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z",
                ": all times 1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z",
            ])
    }

    @Test("modules of two kernels face each other")
    func kernels() throws {
        func modules(_ release: String, _ text: String) -> FileTree {
            let base = FileTree.Path("usr/lib/modules/\(release)")
            let directory = FileTree.Entry(.directory, mode: 0o755)
            return tree([
                "usr": directory, "usr/lib": directory, "usr/lib/modules": directory, base: directory,
                FileTree.Path("usr/lib/modules/\(release)/a.ko"): file(text),
            ])
        }
        let lines = try said(difference(modules("6.1", "same"), modules("6.2", "same")))
        #expect(
            lines == [
                "/usr/lib/modules/6.2: path /usr/lib/modules/6.1 to /usr/lib/modules/6.2",
                "/usr/lib/modules/6.2/a.ko: path /usr/lib/modules/6.1/a.ko to /usr/lib/modules/6.2/a.ko",
            ])
    }

    @Test("programs are compared by sections, bytes by the first that differs")
    func contents() throws {
        let one = ELFSample.program(interpreter: "/lib64/ld.so", needed: ["liba.so.1"])
        let other = ELFSample.program(interpreter: "/lib64/ld.so", needed: ["libb.so.1"])
        var binary = [UInt8](repeating: 0, count: 100_000)
        let old = tree([
            "program": FileTree.Entry(.file(.bytes(one)), mode: 0o755),
            "z": FileTree.Entry(.file(.bytes(binary)), mode: 0o644),
        ])
        binary[70_000] = 1
        let new = tree([
            "program": FileTree.Entry(.file(.bytes(other)), mode: 0o755),
            "z": FileTree.Entry(.file(.bytes(binary)), mode: 0o644),
        ])
        let lines = try said(difference(old, new))
        #expect(lines.contains("libraries liba.so.1 to libb.so.1"))
        #expect(lines.contains("first differing byte: 70000"))
    }

    @Test("where only bytes between files differ, the first one is named with what it belongs to")
    func bytes() throws {
        let same = tree(["a": FileTree.Entry(.file(.bytes([UInt8](repeating: 1, count: 4096))), mode: 0o644)])
        _ = try difference(same, same)
        var image = try InputFile.contents(of: folder.file("new"))
        image[10] = 9
        try folder.write("new", image)
        let lines = try said(ImageComparison(folder.file("old"), folder.file("new")).difference())
        #expect(lines.contains("first differing byte: 10"))
        #expect(lines.contains { $0.hasPrefix("no file has it") })
    }

    @Test("an image that cannot be read is compared as bytes, and why is said")
    func broken() throws {
        let same = tree(["a": file("x")])
        _ = try difference(same, same)
        var image = try InputFile.contents(of: folder.file("new"))
        image[1024 + 14] ^= 0xFF
        try folder.write("new", image)
        let lines = try said(ImageComparison(folder.file("old"), folder.file("new")).difference())
        #expect(lines.contains { $0.hasPrefix("not readable as EROFS image") })
    }

    @Test("any two different files differ, whatever a reader thinks of them", arguments: 0..<40)
    func hostile(seed: Int) throws {
        let same = tree(["a": file("x"), "b": FileTree.Entry(.hardLink("a"), mode: 0o644)])
        _ = try difference(same, same)
        var random = SeededGenerator(seed: UInt64(seed))
        var image = try InputFile.contents(of: folder.file("new"))
        for _ in 0..<8 {
            image[Int.random(in: 1024..<image.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        try folder.write("new", image)
        let isSame = try InputFile.contents(of: folder.file("old")) == image
        #expect(try ImageComparison(folder.file("old"), folder.file("new")).difference().isEqual == isSame)
    }

    @Test("command lines are compared word by word, JSON by member, texts by line")
    func documents() throws {
        #expect(WordComparison.lines(Array("a b=1 c".utf8), Array("a b=2 c d".utf8)) == ["-b=1", "+b=2", "+d"])
        #expect(
            WordComparison.lines(Array("a b".utf8), Array("a  b".utf8))
                == ["the same words with other blanks between them or a line end"])
        #expect(
            JSONComparison.lines(Array(#"{"a":{"b":[1,2]}}"#.utf8), Array(#"{"a":{"b":[1,3]},"c":null}"#.utf8))
                == ["a.b[1]: 2 to 3", "c: absent to null"])
        #expect(
            JSONComparison.lines(Array(#"{"a":1}"#.utf8), Array(#"{"a": 1}"#.utf8))
                == ["the same members, written otherwise"])
        #expect(TextComparison.lines("a\nb\n", "a\nc\n") == ["-2: b", "+2: c"])
    }
}
