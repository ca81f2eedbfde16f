import TestSupport
import Testing

@testable import LaunchMeasurement

@Suite("Rules by which systemd's boot loader reads and orders entries")
struct LoaderRulesTests {
    // The list of UAPI.10, oldest first.
    private static let versions = [
        "122.1", "123~rc1-1", "123", "123-a", "123-a.1", "123-1", "123-1.1", "123^post1", "123.a-1", "123.1-1",
        "123a-1",
        "124-1",
    ]

    @Test("versions are in the order of the specification's list")
    func versionOrder() {
        for (i, a) in Self.versions.enumerated() {
            for (j, b) in Self.versions.enumerated() {
                #expect(VersionOrder.compare(a, b).signum() == (i - j).signum(), "\(a) and \(b)")
            }
        }
    }

    @Test(
        "versions that nothing tells apart, or one thing",
        arguments: [
            ("1_2", "1 2", 0), ("007", "7", 0), ("", "", 0), ("", "1", -1), ("~1", "", -1), ("b", "a", 1),
            ("a", "B", 1),
            ("99999999999999999999999999", "100000000000000000000000000", -1), ("é5", "5", 0), ("1.", "1", 1),
        ])
    func versionPairs(_ a: String, _ b: String, _ order: Int) {
        #expect(VersionOrder.compare(a, b).signum() == order)
        #expect(VersionOrder.compare(b, a).signum() == -order)
    }

    @Test(
        "patterns of entry names",
        arguments: [
            ("assay-*", "assay-1.conf", true), ("assay-*", "other.conf", false), ("*", "", true), ("", "", true),
            ("a?c", "abc", true), ("a?c", "ac", false), ("*.conf", "a.conf.conf", true), ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false), ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[]]", "]", true),
            ("[a-]", "-", true), ("[a\\]b]", "]", true), ("a\\*", "a*", true), ("a\\*", "ab", false),
            ("a\\", "a", false),
            ("[abc", "a", false), ("***x", "x", true), ("a", "ab", false), ("[a-c-e]", "d", false),
        ])
    func patterns(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(EntryPattern(pattern).matches(name) == matches)
    }

    @Test("lines lose blanks, comments and quotes, and end at CR too")
    func lines() {
        let text = "# c\n\n  timeout \t 3 \t\r default 'a b'\n#x y\nalone\nquote \"\nodd \"x'\neditor\tno\n\0after 1\n"
        let lines = LoaderLines(Array(text.utf8))
        #expect(lines.pairs.map(\.key) == ["timeout", "default", "quote", "odd", "editor"])
        #expect(lines.pairs.map(\.value) == ["3", "a b", "", "\"x'", "no"])
        let release = LoaderLines(Array("ID=debian\nEMPTY=\nNAME=\"A = B\"\n".utf8), separators: [0x3D])
        #expect(release["ID"] == "debian" && release["EMPTY"] == "" && release["NAME"] == "A = B")
    }

    @Test("the last default counts, other words with an at sign do not")
    func configuration() {
        #expect(LoaderConfiguration(Array("default A-*\ndefault @Saved\n".utf8)).defaultEntry == "@saved")
        #expect(LoaderConfiguration(Array("default One.conf\ndefault @other\n".utf8)).defaultEntry == "one.conf")
        #expect(LoaderConfiguration(Array("preferred x\n".utf8)).uncovered == ["preferred"])
    }

    private func parsed(_ text: String, _ name: String = "Test.conf") -> LoaderEntry? {
        LoaderEntry(type1: Array(text.utf8), name: name, loader: "\\EFI\\BOOT\\BOOTX64.EFI")
    }

    @Test("an entry of type 1 with all its keys")
    func typeOne() throws {
        let entry = try #require(
            parsed(
                """
                title x
                sort-key os
                version 1.2
                machine-id abc
                linux //a/vmlinuz
                initrd /a/i\\j
                initrd b
                options one
                options two  three
                architecture X64
                """))
        #expect(entry.kind == .linux && entry.program == "\\a\\vmlinuz" && entry.id == "test.conf")
        #expect(entry.sortKey == "os" && entry.version == "1.2" && entry.machineID == "abc")
        #expect(entry.initrds == ["\\a\\i\\j", "b"] && entry.options == "one two  three" && entry.tries == nil)
    }

    @Test("entries that are left out")
    func leftOut() {
        #expect(parsed("title only\n") == nil)
        #expect(parsed("linux /a\narchitecture aa64\n") == nil)
        #expect(parsed("efi /EFI/boot/bootx64.efi\n") == nil)
        #expect(parsed("efi /EFI/other.efi\n") != nil)
    }

    @Test(
        "counters in the file's name",
        arguments: [
            ("A+3.conf", "A.conf", 3, 0), ("a+3-1.conf", "a.conf", 3, 1), ("a+b+0-2.conf", "a+b.conf", 0, 2),
            ("a+.conf", "a+.conf", -1, 0), ("a+3-.conf", "a+3-.conf", -1, 0), ("a+x.conf", "a+x.conf", -1, 0),
            ("a+3-1-2.conf", "a+3-1-2.conf", -1, 0), ("a+99999999999.conf", "a+99999999999.conf", -1, 0),
            ("B.conf", "b.conf", -1, 0),
        ])
    func counters(_ name: String, _ id: String, _ left: Int, _ done: Int) throws {
        let entry = try #require(parsed("linux /a\n", name))
        #expect(entry.id == id)
        #expect(entry.tries == (left < 0 ? nil : .init(left: left, done: done)))
    }

    @Test("the order of the menu: tries, sort key, machine, version, name")
    func order() throws {
        let listed = [
            ("z.conf", "sort-key a\nversion 2\n"), ("b.conf", "sort-key a\nversion 1\n"),
            ("c.conf", "sort-key a\nmachine-id 1\nversion 9\n"), ("a+1.conf", "sort-key b\nversion 1\n"),
            ("2.conf", ""), ("1.conf", ""), ("y+0.conf", "sort-key a\nversion 99\n"),
        ]
        let entries = try listed.map { name, text in try #require(parsed("linux /a\n" + text, name)) }
        let sorted = entries.reversed().sorted(by: LoaderEntry.precedes)
        #expect(sorted.map(\.id) == ["z.conf", "b.conf", "c.conf", "a.conf", "2.conf", "1.conf", "y.conf"])
    }

    @Test("garbage gives entries or none, never a trap")
    func garbage() {
        let seed: UInt64 = 41
        var random = SeededGenerator(seed: seed)
        let words = [
            "linux", "efi", "initrd", " ", "\n", "\r", "\"", "'", "#", "=", "\0", "+3-1", "options", "[", "*", "é",
        ]
        for _ in 0..<400 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                bytes +=
                    Bool.random(using: &random)
                    ? Array(words.randomElement(using: &random)!.utf8)
                    : [UInt8.random(in: 0...255, using: &random)]
            }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = LoaderConfiguration(bytes)
            let entry = LoaderEntry(type1: bytes, name: text, loader: "")
            _ = EntryPattern(text).matches(entry?.id ?? text)
            #expect(VersionOrder.compare(text, text) == 0, "seed \(seed)")
        }
    }
}
