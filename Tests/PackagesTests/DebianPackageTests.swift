import Archives
import Bytes
import Files
import Hashing
import Packages
import TestSupport
import Testing

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

@Suite("Debian packages")
struct DebianPackageTests {
    private func entries(_ data: (inout TarBytes) -> Void) throws -> [PackageEntry] {
        try DebianPackage(DebBytes(data: data).bytes, source: "demo.deb").entries()
    }

    @Test("give control fields and every entry")
    func whole() throws {
        let bytes = DebBytes { tar in
            tar.add(text("./"), type: "5", mode: 0o755)
            tar.add(text("./etc/"), type: "5", mode: 0o755)
            tar.add(text("./etc/demo"), contents: text("hi"), mode: 0o640, uid: 3, gid: 4, mtime: 99)
            tar.add(text("./etc/link"), type: "2", link: text("/run/x"), mode: 0o777)
            tar.add(text("./etc/again"), type: "1", link: text("./etc/demo"))
        }.bytes
        let deb = try DebianPackage(bytes, source: "demo.deb")
        #expect(deb.name == "demo" && deb.version == "1.0-1" && deb.architecture == "all")
        #expect(deb.control["description"] == "demo\nmore")
        let entries = try deb.entries()
        #expect(entries.map(\.displayPath) == ["/etc", "/etc/demo", "/etc/link", "/etc/again"])
        #expect(entries[1].kind == .file(text("hi")))
        #expect(entries[1].mode == 0o640 && entries[1].uid == 3 && entries[1].gid == 4 && entries[1].mtime == 99)
        #expect(entries[2].kind == .symlink(text("/run/x")))
        #expect(entries[3].kind == .hardLink(text("etc/demo")))
    }

    @Test("give their maintainer scripts by digest, in one order, and refuse two of a kind")
    func scripts() throws {
        let files = [
            (name: "./postinst", text: "b\n"), (name: "./md5sums", text: "x"), (name: "preinst", text: "a\n"),
            (name: "./triggers", text: "t"),
        ]
        let deb = try DebianPackage(DebBytes(scripts: files) { _ in }.bytes, source: "demo.deb")
        #expect(deb.scripts.map(\.kind) == [.preinst, .postinst, .triggers])
        // printf 'a\n' | sha256sum
        #expect(deb.scripts[0].sha256.hex == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7")
        let twice = DebBytes(scripts: files + [(name: "./preinst", text: "c")]) { _ in }.bytes
        let error = #expect(throws: FormatError.self) { try DebianPackage(twice, source: "demo.deb") }
        #expect(error?.description.contains("preinst: found two, expected one") == true)
    }

    @Test("put what lies in merged directories below usr, before any other check")
    func merged() throws {
        let entries = try entries { tar in
            tar.add(text("./bin"), type: "2", link: text("usr/bin"))
            tar.add(text("./lib/"), type: "5", mode: 0o755)
            tar.add(text("./usr/lib/"), type: "5", mode: 0o755)
            tar.add(text("./lib/a"), contents: [1])
            tar.add(text("./usr/lib/b"), type: "1", link: text("./lib/a"))
            tar.add(text("./library"), contents: [2])
        }
        #expect(entries.map(\.displayPath) == ["/bin", "/usr/lib", "/usr/lib/a", "/usr/lib/b", "/library"])
        #expect(entries[3].kind == .hardLink(text("usr/lib/a")))
        // The same file once by each name is one path twice.
        #expect(throws: FormatError.self) {
            _ = try self.entries { tar in
                tar.add(text("./lib/a"), contents: [1])
                tar.add(text("./usr/lib/a"), contents: [1])
            }
        }
    }

    static let hostile: [(String, @Sendable (inout TarBytes) -> Void)] = [
        ("an absolute path", { $0.add(text("/etc/passwd")) }),
        ("dots that climb", { $0.add(text("./usr/../../etc/passwd")) }),
        ("dots inside", { $0.add(text("./usr/../etc/passwd")) }),
        ("a hard link out", { $0.add(text("./a"), type: "1", link: text("../../etc/passwd")) }),
        ("a hard link to an absolute path", { $0.add(text("./a"), type: "1", link: text("/etc/passwd")) }),
        ("a hard link to nothing", { $0.add(text("./a"), type: "1", link: text("./b")) }),
        (
            "a hard link to a directory",
            {
                $0.add(text("./d/"), type: "5")
                $0.add(text("./a"), type: "1", link: text("./d"))
            }
        ),
        ("a character device", { $0.add(text("./null"), type: "3", device: (1, 3)) }),
        ("a block device", { $0.add(text("./sda"), type: "4", device: (8, 0)) }),
        ("a pipe", { $0.add(text("./p"), type: "6") }),
        (
            "a path through a link",
            {
                $0.add(text("./l"), type: "2", link: text("/etc"))
                $0.add(text("./l/passwd"))
            }
        ),
        (
            "a path through a file",
            {
                $0.add(text("./f"))
                $0.add(text("./f/g"))
            }
        ),
        (
            "a file twice",
            {
                $0.add(text("./f"))
                $0.add(text("./f"))
            }
        ),
        (
            "a file for a directory",
            {
                $0.add(text("./f/"), type: "5")
                $0.add(text("./f"))
            }
        ),
        (
            "an extended attribute",
            { tar in
                tar.addPax("SCHILY.xattr.security.capability", [1, 2, 3])
                tar.add(text("./f"))
            }
        ),
        (
            "a name of 256 bytes",
            { tar in
                tar.addPax("path", [UInt8](repeating: 0x78, count: 256))
                tar.add(text("./f"))
            }
        ),
        ("an empty link", { $0.add(text("./l"), type: "2") }),
        ("the root as a file", { $0.add(text(".")) }),
    ]

    @Test("are refused with what no image may take", arguments: hostile.indices)
    func refused(index: Int) throws {
        let (name, data) = Self.hostile[index]
        let error = #expect(throws: FormatError.self, "\(name)") { _ = try entries(data) }
        #expect(error?.source.hasPrefix("demo.deb: data.tar") == true)
    }

    @Test("are refused when cut short anywhere but in closing zeros")
    func truncated() throws {
        let bytes = DebBytes { $0.add(text("./a"), contents: text("hello")) }.bytes
        for count in stride(from: 0, to: bytes.count, by: 37) {
            let error = #expect(throws: FormatError.self, "cut to \(count) bytes") {
                _ = try DebianPackage(Array(bytes.prefix(count)), source: "cut.deb").entries()
            }
            #expect(error?.source.hasPrefix("cut.deb") == true)
        }
    }

    @Test("are refused when members are wrong")
    func members() throws {
        let good = DebBytes { $0.add(text("./a")) }
        var renamed = good
        renamed.members[2].name = "data.tar.bz2"
        var swapped = good
        swapped.members.swapAt(1, 2)
        var older = good
        older.members[0].bytes = text("0.939000\n")
        var double = good
        double.members.append(good.members[2])
        var none = good
        none.members.removeLast()
        for bad in [renamed, swapped, older, double, none] {
            #expect(throws: FormatError.self) { _ = try DebianPackage(bad.bytes, source: "bad.deb") }
        }
        var signed = good
        signed.members.append(("_gpgorigin", [1, 2, 3]))
        #expect(try DebianPackage(signed.bytes, source: "signed.deb").entries().count == 1)
    }

    @Test("are refused when any byte of an ar header is wrong")
    func header() throws {
        let bytes = DebBytes { $0.add(text("./a")) }.bytes
        for offset in [0, 7, 8, 8 + 48, 8 + 58, 8 + 59] {
            var damaged = bytes
            damaged[offset] ^= 0x80
            #expect(throws: FormatError.self, "byte \(offset)") {
                _ = try DebianPackage(damaged, source: "bad.deb")
            }
        }
    }

    @Test("are refused without a usable control file")
    func control() throws {
        for bad in [
            "", "Package demo\n", "Package: demo\nPackage: demo\n", "Package: demo\n\nVersion: 1\n", " x\n",
            "Package: a\n",
        ] {
            #expect(throws: FormatError.self, "\(bad)") {
                _ = try DebianPackage(DebBytes(control: text(bad)) { _ in }.bytes, source: "bad.deb")
            }
        }
    }

    @Test("survive random damage")
    func garbage() throws {
        let seed: UInt64 = 0xDEB
        var random = SeededGenerator(seed: seed)
        let bytes = DebBytes { tar in
            tar.add(text("./usr/"), type: "5")
            tar.add(text("./usr/a"), contents: text("hello"))
        }.bytes
        for _ in 0..<300 {
            var damaged = bytes
            for _ in 0..<6 {
                damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? DebianPackage(damaged, source: "seed \(seed)").entries()
        }
    }
}

@Suite("Debian packages of the pool", .enabled(if: Outside.pool != nil, "ASSAY_POOL is not set"))
struct PoolPackageTests {
    /// Links, hard links, setuid, names beyond ASCII, other owners.
    static let names = [
        "base-files_", "busybox-static_", "ca-certificates_", "dmsetup_", "mount_", "gzip_", "tzdata_",
        "systemd-boot-efi_257",
    ]

    @Test(
        "are read as dpkg-deb and tar read them",
        .enabled(if: Outside.has("dpkg-deb") && Outside.has("tar"), "dpkg-deb or tar is not installed"),
        arguments: names)
    func peer(prefix: String) throws {
        let pool = try #require(Outside.pool)
        let file = try #require(try FileSystem.list(pool).first { $0.hasPrefix(prefix) })
        let path = pool + "/" + file
        let deb = try DebianPackage(InputFile.contents(of: path), source: file)
        let fields = try Subprocess("dpkg-deb", ["-f", path, "Package", "Version", "Architecture"]).run().outputText
        #expect(
            fields == "Package: \(deb.name)\nVersion: \(deb.version)\nArchitecture: \(deb.architecture)\n")
        let tar = try Subprocess("dpkg-deb", ["--fsys-tarfile", path]).run().output
        let listing = try Subprocess(
            "tar", ["-tv", "--numeric-owner", "--quoting-style=literal", "--full-time", "-f", "-"],
            environment: ["TZ": "UTC0", "LC_ALL": "C.UTF-8"]
        ).run(input: tar)
        try #require(listing.status == 0, "\(listing.errorText)")
        let theirs = listing.outputText.split(separator: "\n").compactMap { Self.facts(String($0)) }.sorted()
        let ours = try deb.entries().map { Self.facts($0) }.sorted()
        #expect(ours == theirs)
        #expect(ours.count > 1)
    }

    /// One line of tar without its time: mode, owner, size, path and target; paths as in an image.
    private static func facts(_ line: String) -> String? {
        var words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true).map { String($0) }
        guard words.count == 6 else { return line }
        var rest = words.removeLast()
        var link = ""
        for arrow in [" -> ", " link to "] {
            if let range = rest.firstRange(of: arrow), words[0].hasPrefix("l") || words[0].hasPrefix("h") {
                link = arrow + rest[range.upperBound...]
                rest = String(rest[..<range.lowerBound])
            }
        }
        let path = merged(rest)
        guard !path.isEmpty else { return nil }
        if link.hasPrefix(" link to ") { link = " link to " + merged(String(link.dropFirst(9))) }
        // The mode of a link says nothing, nor does the size of anything but a file.
        let mode = words[0].hasPrefix("h") ? "-" + words[0].dropFirst() : words[0]
        return "\(mode) \(words[1]) \(words[0].hasPrefix("-") ? words[2] : "0") \(path)\(link)"
    }

    private static func merged(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        let directories = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
        guard let first = parts.first, directories.contains(String(first)), parts.count > 1 || path.hasSuffix("/")
        else { return parts.joined(separator: "/") }
        return "usr/" + parts.joined(separator: "/")
    }

    private static func facts(_ entry: PackageEntry) -> String {
        let letters = Array("rwxrwxrwx")
        var mode = (0..<9).map { entry.mode & (0o400 >> UInt16($0)) != 0 ? String(letters[$0]) : "-" }
        for (bit, place, letter) in [(UInt16(0o4000), 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")]
        where entry.mode & bit != 0 { mode[place] = mode[place] == "x" ? letter : letter.uppercased() }
        var size = 0
        var link = ""
        let kind: String
        switch entry.kind {
        case .directory: kind = "d"
        case .file(let bytes):
            kind = "-"
            size = bytes.count
        case .symlink(let target):
            kind = "l"
            link = " -> " + String(decoding: target, as: UTF8.self)
        case .hardLink(let target):
            kind = "-"
            link = " link to " + String(decoding: target, as: UTF8.self)
        }
        let path = String(decoding: entry.path, as: UTF8.self)
        return "\(kind)\(mode.joined()) \(entry.uid)/\(entry.gid) \(size) \(path)\(link)"
    }

    @Test("all unpack, and give the same entries twice")
    func all() throws {
        let pool = try #require(Outside.pool)
        for file in try FileSystem.list(pool) where file.hasSuffix(".deb") && !file.hasPrefix("linux-image") {
            guard try InputFile(pool + "/" + file).size < 300_000 else { continue }
            let bytes = try InputFile.contents(of: pool + "/" + file)
            let first = try DebianPackage(bytes, source: file).entries()
            #expect(try DebianPackage(bytes, source: file).entries() == first, "\(file)")
        }
    }
}
