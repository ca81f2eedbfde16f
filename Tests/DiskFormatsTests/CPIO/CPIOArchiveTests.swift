import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

/// A small tree with one entry of every kind.
func everyKind() -> FileTree {
    var tree = FileTree()
    tree["bin"] = .init(.directory, mode: 0o755)
    tree["bin/a"] = .init(.file(.bytes(Array("hello\n".utf8))), mode: 0o755, uid: 1, gid: 2, mtime: 77)
    tree["bin/z"] = .init(.hardLink("bin/a"), mode: 0)
    tree["dev"] = .init(.directory, mode: 0o1777)
    tree["dev/console"] = .init(.characterDevice(major: 5, minor: 1), mode: 0o600)
    tree["dev/vda"] = .init(.blockDevice(major: 254, minor: 0), mode: 0o660, gid: 6)
    tree["empty"] = .init(.file(.bytes([])), mode: 0o644)
    tree["init"] = .init(.symlink(Array("bin/a".utf8)), mode: 0o777)
    tree["pipe"] = .init(.fifo, mode: 0o600)
    return tree
}

@Suite("cpio newc writer")
struct CPIOWriterTests {
    @Test("writes a known archive byte for byte")
    func known() throws {
        var tree = FileTree()
        tree["d"] = .init(.directory, mode: 0o755)
        tree["d/f"] = .init(.file(.bytes(Array("hi\n".utf8))), mode: 0o4711, uid: 10, gid: 0xABCDEF)
        // Laid out by hand from the format's table.
        let expected =
            "07070100000001000041ed000000000000000000000001000003e8000000000000000000000000000000000000000000000002"
            + "00000000d\0"
            + "07070100000002000089c90000000a00abcdef00000001000003e8000000030000000000000000000000000000000000000004"
            + "00000000d/f\0\0\0hi\n\0"
            + "0707010000000000000000000000000000000000000001000000000000000000000000000000000000000000000000"
            + "0000000b00000000TRAILER!!!\0\0\0\0"
        #expect(String(decoding: try CPIOArchive.write(tree, epoch: 1000), as: UTF8.self) == expected)
    }

    @Test("an entry of every kind comes back; hard links share inode and count, data stand with the last name")
    func roundTrip() throws {
        let bytes = try CPIOArchive.write(everyKind(), epoch: 5)
        #expect(bytes.count.isMultiple(of: 4))
        let members = try CPIOArchive.members(of: ByteSource(bytes, name: "x"))
        let names = members.map { String(decoding: $0.name, as: UTF8.self) }
        #expect(names == ["bin", "bin/a", "bin/z", "dev", "dev/console", "dev/vda", "empty", "init", "pipe"])
        #expect(members.map(\.inode) == [1, 2, 2, 3, 4, 5, 6, 7, 8])
        #expect(members.map(\.linkCount) == [1, 2, 2, 1, 1, 1, 1, 1, 1])
        #expect(members.map(\.data.count) == [0, 0, 6, 0, 0, 0, 0, 5, 0])
        #expect(members[2].mode == 0o100755 && members[2].uid == 1 && members[2].gid == 2)
        #expect(members[4].mode == 0o020600 && members[4].deviceMajor == 5 && members[4].deviceMinor == 1)
        #expect(members.allSatisfy { $0.mtime == 5 })
        #expect(Array(bytes[members[7].data]) == Array("bin/a".utf8))
    }

    @Test("writing to a file gives the same bytes, with contents taken from a range of a file")
    func toFile() throws {
        let folder = try TemporaryFolder()
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let path = try folder.write("body", body)
        var direct = FileTree()
        var ranged = FileTree()
        direct["f"] = .init(.file(.bytes(Array(body[5..<250_002]))), mode: 0o644)
        ranged["f"] = .init(.file(.range(path: path, offset: 5, count: 249_997)), mode: 0o644)
        let output = try OutputFile(folder.file("out"))
        try CPIOArchive.write(ranged, epoch: 0, to: output)
        try output.commit()
        #expect(try InputFile.contents(of: folder.file("out")) == CPIOArchive.write(direct, epoch: 0))
    }

    @Test("what the format cannot hold is refused with the entry's name")
    func refused() throws {
        func error(_ path: FileTree.Path, _ entry: FileTree.Entry) -> String? {
            var tree = FileTree()
            tree[path] = entry
            let error = #expect(throws: CPIOWriteError.self) { try CPIOArchive.write(tree, epoch: 0) }
            #expect(error?.hint != nil)
            return error?.description
        }
        let file = FileTree.Entry(.file(.bytes([])), mode: 0o644)
        var capability = file
        capability.xattrs["security.capability"] = [1]
        #expect(error("f", capability)?.contains("extended attributes") == true)
        #expect(error("a/b", file)?.hasPrefix("/a/b: ") == true)
        #expect(error("l", .init(.hardLink("gone"), mode: 0))?.contains("/gone") == true)
        #expect(error("l", .init(.symlink([]), mode: 0o777))?.contains("target") == true)
        #expect(error("TRAILER!!!", file)?.contains("end mark") == true)
        #expect(error(.init(components: [[0x61, 0]]), file) != nil)
    }
}

@Suite("systemd-stub's generated archive")
struct StubArchiveTests {
    @Test("has directory, file and the constant trailer")
    func layout() {
        let bytes = CPIOArchive.stubArchive(directory: ".extra", name: "os-release", contents: Array("ID=x\n".utf8))
        let expected =
            "070701000000010000416d00000000000000000000000100000000000000000000000000000000000000000000000000000007"
            + "00000000.extra\0\0\0\0"
            + "07070100000002000081240000000000000000000000010000000000000005000000000000000000000000000000000000001"
            + "200000000.extra/os-release\0ID=x\n\0\0\0"
            + "0707010000000000000000000000000000000000000001000000000000000000000000000000000000000000000000"
            + "0000000B00000000TRAILER!!!\0\0\0\0"
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
}

@Suite("cpio newc reader")
struct CPIOReaderTests {
    @Test("reads archives in a row with zeros between them")
    func row() throws {
        let one = try CPIOArchive.write(everyKind(), epoch: 0)
        let two = CPIOArchive.stubArchive(directory: ".extra", name: "f", contents: [1, 2, 3])
        let members = try CPIOArchive.members(
            of: ByteSource(one + [UInt8](repeating: 0, count: 9000) + two + [0, 0], name: "x"))
        #expect(members.count == 11)
        #expect(try CPIOArchive.members(of: ByteSource([], name: "x")).isEmpty)
    }

    @Test(
        "a damaged field is named with its offset",
        arguments: [
            (0, UInt8(ascii: "1"), "x+0x0: cpio magic"), (6, UInt8(ascii: "g"), "x+0x6: ino"),
            (14, 0, "x+0xe: mode"), (60, 0xFF, "x+0x36: filesize"), (95, UInt8(ascii: "f"), "x+0x5e: namesize"),
            (101, UInt8(ascii: "1"), "x+0x5e: namesize"), (113, UInt8(ascii: "x"), "x+0x6e: cpio name"),
            (54, UInt8(ascii: "f"), "x+0x74: cpio data of bin"),
        ])
    func damaged(offset: Int, byte: UInt8, message: String) throws {
        var bytes = try CPIOArchive.write(everyKind(), epoch: 0)
        bytes[offset] = byte
        let error = #expect(throws: FormatError.self) { try CPIOArchive.members(of: ByteSource(bytes, name: "x")) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test("an archive cut anywhere is refused")
    func cut() throws {
        let bytes = try CPIOArchive.write(everyKind(), epoch: 0)
        for count in stride(from: 1, to: bytes.count - 4, by: 3) {
            #expect(throws: FormatError.self) {
                try CPIOArchive.members(of: ByteSource(Array(bytes.prefix(count)), name: "x"))
            }
        }
    }

    @Test("never traps on damaged bytes")
    func garbage() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let good = try CPIOArchive.write(everyKind(), epoch: 0)
        for _ in 0..<500 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? CPIOArchive.members(of: ByteSource(bytes, name: "seed \(seed)"))
        }
    }
}

@Suite("cpio against other programs")
struct CPIOPeerTests {
    private let folder: TemporaryFolder
    private let archive: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        archive = try CPIOArchive.write(everyKind(), epoch: 1_700_000_000)
        try folder.write("a.cpio", archive)
    }

    @Test("GNU cpio lists it", .enabled(if: Outside.has("cpio"), "cpio is not installed"))
    func gnu() throws {
        let result = try Subprocess("cpio", ["-t", "--quiet"]).run(input: archive)
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.outputText == "bin\nbin/a\nbin/z\ndev\ndev/console\ndev/vda\nempty\ninit\npipe\n")
    }

    @Test(
        "bsdtar lists it with types, modes, owners and links",
        .enabled(if: Outside.has("bsdtar"), "bsdtar is not installed"))
    func libarchive() throws {
        let result = try Subprocess("bsdtar", ["-tvf", folder.file("a.cpio")], environment: ["TZ": "UTC"]).run()
        #expect(result.status == 0 && result.errors.isEmpty)
        let lines = result.outputText.split(separator: "\n")
        #expect(lines.count == 9)
        #expect(lines[2].hasPrefix("-rwxr-xr-x  2 1      2"))
        #expect(lines[2].hasSuffix("bin/z link to bin/a") || lines[2].contains("bin/z"))
        #expect(lines[4].hasPrefix("crw-------") && lines[4].contains("5,1"))
        #expect(lines[7].hasSuffix("init -> bin/a"))
    }
}
