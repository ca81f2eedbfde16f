import Packages
import TestSupport
import Testing

@Suite("mirrors")
struct MirrorTests {
    @Test("are named by archive, or by the last part of their address")
    func parsing() throws {
        let plain = try Mirror(parsing: "http://mirror.example/debian/")
        #expect(plain == Mirror(archive: "debian", address: "http://mirror.example/debian"))
        let named = try Mirror(parsing: "debian-security=https://mirror.example/x?a=b")
        #expect(named == Mirror(archive: "debian-security", address: "https://mirror.example/x?a=b"))
        #expect(try Mirror(parsing: "file:///srv/debian").archive == "debian")
        for bad in [
            "", "mirror.example/debian", "ftp://mirror.example/debian", "http://", "=http://a/b", "http://a/b c", "-o",
        ] {
            #expect(throws: PackageError.self, "\(bad)") { _ = try Mirror(parsing: bad) }
        }
    }

    @Test("are found in the host's apt configuration, in both of its styles")
    func configuration() throws {
        let folder = try TemporaryFolder()
        func write(_ name: String, _ text: String) throws { try folder.write(name, Array(text.utf8)) }
        try write(
            "sources.list",
            "# deb http://no.example/debian x main\ndeb-src http://no.example/debian x main\n"
                + "deb [arch=amd64 signed-by=/a b] http://one.example/debian trixie main\n")
        try write(
            "sources.list.d/a.list", "deb http://one.example/debian/ trixie main\ndeb http://two.example/ubuntu x y\n")
        try write(
            "sources.list.d/b.sources",
            "Types: deb deb-src\nURIs: https://three.example/debian\n https://three.example/debian-security\nSuites: x\n\n"
                + "Types: deb\nEnabled: no\nURIs: http://no.example/debian\n\n"
                + "Types: deb-src\nURIs: http://no.example/debian\n\n"
                + "Types: deb\nURIs: mirror+file:\(folder.file("list"))\n")
        try write("list", "# x\nhttps://four.example/debian priority:1\n")
        try write("sources.list.d/c.sources", "broken\n")
        try write("sources.list.d/d.sources.save", "Types: deb\nURIs: http://no.example/debian\n")
        let found = try AptConfiguration.mirrors(folder: folder.path)
        #expect(
            found == [
                Mirror(archive: "debian", address: "http://one.example/debian"),
                Mirror(archive: "debian", address: "https://three.example/debian"),
                Mirror(archive: "debian-security", address: "https://three.example/debian-security"),
                Mirror(archive: "debian", address: "https://four.example/debian"),
            ])
        #expect(try AptConfiguration.mirrors(folder: folder.file("nothing")).isEmpty)
    }
}
