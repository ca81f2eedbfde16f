import Bytes
import Hashing
import TestSupport
import Testing

@testable import Packages

@Suite("Release files")
struct ReleaseFileTests {
    /// Seconds as `date -u -d … +%s` gives them.
    static let dates: [(String, Int64)] = [
        ("Thu, 01 Jan 1970 00:00:00 UTC", 0), ("Tue, 29 Feb 2000 23:59:59 UTC", 951_868_799),
        ("Sat, 21 Nov 2026 09:15:44 UTC", 1_795_252_544), ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ("Thu, 31 Dec 2099 12:34:56 +0000", 4_102_403_696),
    ]

    @Test("have dates that are read as date(1) reads them", arguments: dates)
    func date(text: String, seconds: Int64) {
        #expect(ReleaseDate.seconds(text) == seconds)
    }

    @Test("have dates that are written for people")
    func dateText() {
        #expect(ReleaseDate.text(0) == "1970-01-01 00:00:00 UTC")
        #expect(ReleaseDate.text(951_868_799) == "2000-02-29 23:59:59 UTC")
        #expect(ReleaseDate.text(4_107_542_400) == "2100-03-01 00:00:00 UTC")
    }

    @Test(
        "are refused with other dates",
        arguments: [
            "", "21 Nov 2026 09:15:44 UTC", "Sat, 21 Nov 2026 09:15:44 CET", "Sat, 0 Nov 2026 09:15:44 UTC",
            "Sat, 21 Nov 1969 09:15:44 UTC", "Sat, 21 nov 2026 09:15:44 UTC", "Sat, 21 Nov 2026 24:15:44 UTC",
            "Sat, 21 Nov 2026 09:15 UTC", "Sat, 99999999999999999999 Nov 2026 09:15:44 UTC",
        ])
    func badDate(text: String) {
        #expect(ReleaseDate.seconds(text) == nil)
    }

    @Test("vouch for files by path, and name none twice")
    func entries() throws {
        let digest = Digest.of([1], .sha256)
        let head = "Suite: s\nCodename: c\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nSHA256:\n"
        let text = head + " \(digest.hex)  12 main/a\n"
        let release = try ReleaseFile(Array(text.utf8), source: "Release")
        #expect(release["main/a"]?.sha256 == digest && release["main/a"]?.byteCount == 12)
        #expect(release["main/b"] == nil && release.names == ["s", "c"])
        for bad in [
            text + " \(digest.hex) 12 main/a\n", head + " abc 12 main/a\n", head + " \(digest.hex) x main/a\n",
            head + " \(digest.hex) -1 main/a\n", head + " \(digest.hex) 12\n", head,
            text.replacing("UTC", with: "x"), text + "\n" + text,
        ] { #expect(throws: FormatError.self, "\(bad)") { _ = try ReleaseFile(Array(bad.utf8), source: "Release") } }
    }

    @Test("lead to stanzas that are found by hash, at the start, inside and at the end of an index")
    func index() throws {
        let digests = (0..<3).map { Digest.of([UInt8($0)], .sha256) }
        // A continuation line with the same text is not the field.
        let decoy = "Package: x\nDescription: a\n SHA256: \(Digest.of([9], .sha256).hex)\n"
        let text = digests.enumerated().map { "Package: p\($0)\nSHA256: \($1.hex)\nSize: \($0)\n" } + [decoy]
        let bytes = Array(text.joined(separator: "\n").utf8)
        let table = try PackageIndex(packed: bytes, name: "Packages", source: "Packages")
        for (number, digest) in digests.enumerated() {
            let stanza = try #require(try table.stanza(digest))
            #expect(stanza["Package"] == "p\(number)" && stanza["Size"] == "\(number)")
        }
        #expect(try table.stanza(.of([9], .sha256)) == nil)
        #expect(try PackageIndex(packed: [], name: "Packages", source: "Packages").stanza(digests[0]) == nil)
    }
}
