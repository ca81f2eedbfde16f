import Bytes
import Files
import Hashing
import TestSupport
import Testing
import Transport

@Suite("sources of pinned files")
struct FileSourcesTests {
    static let contents = [UInt8]("the right bytes".utf8)
    static let wrong = [UInt8]("the wrong bytes".utf8)
    let folder: TemporaryFolder
    let file = PinnedFile(
        title: "demo 1:2.0+x", path: "pool/main/d/demo/demo_2.0+x_amd64.deb",
        otherNames: ["demo_1%3a2.0+x_amd64.deb"], byteCount: contents.count, digest: .of(contents, .sha256))

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "find a file in a pool under any name",
        arguments: ["demo_2.0+x_amd64.deb", "demo_1%3a2.0+x_amd64.deb", "pool/main/d/demo/demo_2.0+x_amd64.deb", "zzz"])
    func pool(name: String) throws {
        try folder.write("pool/" + name, Self.contents)
        try folder.write("pool/other", Self.wrong)
        #expect(try FileSources(pools: [folder.file("pool")]).fetch(file) == Self.contents)
    }

    @Test("never take a file for its name or size")
    func wrongHash() throws {
        try folder.write("pool/demo_2.0+x_amd64.deb", Self.wrong)
        let error = #expect(throws: FileUnavailable.self) {
            _ = try FileSources(pools: [folder.file("pool")]).fetch(file)
        }
        #expect(error?.tried.contains { $0.contains("another hash") } == true)
    }

    @Test("say that a file of the right name is cut short")
    func cutShort() throws {
        try folder.write("pool/demo_2.0+x_amd64.deb", Array(Self.contents.dropLast()))
        let error = #expect(throws: FileUnavailable.self) {
            _ = try FileSources(pools: [folder.file("pool")]).fetch(file)
        }
        #expect(error?.tried.contains { $0.contains("14 bytes instead of 15: cut short") } == true)
    }

    @Test("pass by a file of the right name and wrong bytes when another has the hash")
    func decoy() throws {
        try folder.write("pool/demo_2.0+x_amd64.deb", Self.wrong)
        try folder.write("pool/renamed", Self.contents)
        #expect(try FileSources(pools: [folder.file("pool")]).fetch(file) == Self.contents)
    }

    @Test("name package, path, size, hash and the ways out when nobody has it")
    func unavailable() throws {
        let cache = try ContentStore(folder.file("cache"))
        let error = #expect(throws: FileUnavailable.self) {
            _ = try FileSources(pools: [folder.file("missing")], cache: cache).fetch(file)
        }
        let text = try #require(error).description
        for part in [
            "demo 1:2.0+x", file.path, "15 bytes", file.digest.hex, "missing: no such directory",
            "no mirror is configured",
        ] { #expect(text.contains(part)) }
        for part in ["--pool", "--mirror", "snapshots", "assay lock --update"] {
            #expect(error?.hint?.contains(part) == true)
        }
        #expect(error?.outcome == .environment)
    }

    @Test("use a mirror and then the cache", .enabled(if: Outside.has("curl"), "curl is not installed"))
    func mirror() throws {
        // The path's '+' stands encoded in the address and plain on disk.
        try folder.write("mirror/" + file.path, Self.contents)
        let cache = try ContentStore(folder.file("cache"))
        let sources = FileSources(cache: cache, mirrors: ["file://" + folder.file("mirror") + "/"])
        #expect(try sources.fetch(file) == Self.contents)
        try FileSystem.remove(folder.file("mirror"))
        #expect(try sources.fetch(file) == Self.contents)
        // A damaged cache entry is no entry.
        try OutputFile.write(Self.wrong, to: cache.entryPath(file.digest))
        #expect(throws: FileUnavailable.self) { _ = try sources.fetch(file) }
    }

    @Test("refuse a mirror's wrong bytes and try the next", .enabled(if: Outside.has("curl"), "curl is not installed"))
    func lyingMirror() throws {
        try folder.write("bad/" + file.path, Self.wrong)
        try folder.write("long/" + file.path, Self.contents + [0])
        try folder.write("short/" + file.path, [1])
        let bad = ["none", "bad", "long", "short"].map { "file://" + folder.file($0) }
        let error = #expect(throws: FileUnavailable.self) { _ = try FileSources(mirrors: bad).fetch(file) }
        let tried = try #require(error).tried
        #expect(tried.contains { $0.contains("found SHA-256") })
        #expect(tried.contains { $0.contains("found more than 15 bytes") })
        #expect(tried.contains { $0.contains("found 1 bytes, expected 15") })
        try folder.write("good/" + file.path, Self.contents)
        #expect(
            try FileSources(mirrors: bad + ["file://" + folder.file("good")]).fetch(file) == Self.contents)
    }
}
