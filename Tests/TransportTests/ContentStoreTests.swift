import Bytes
import Files
import Hashing
import TestSupport
import Testing
import Transport

@Suite("the cache")
struct ContentStoreTests {
    let folder: TemporaryFolder
    let store: ContentStore

    init() throws {
        folder = try TemporaryFolder()
        store = try ContentStore(folder.file("cache"))
    }

    @Test("gives back what was put in, by digest")
    func roundTrip() throws {
        let digest = try store.insert([1, 2, 3])
        #expect(digest.hex == "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")
        #expect(try store.bytes(digest, limit: 3) == [1, 2, 3])
        #expect(try store.bytes(Digest.of([9], .sha256), limit: 3) == nil)
        #expect(try store.bytes(digest, limit: 2) == nil)
    }

    @Test("drops an entry whose bytes were changed")
    func damaged() throws {
        let digest = try store.insert([1, 2, 3])
        try OutputFile.write([1, 2, 4], to: store.entryPath(digest))
        #expect(try store.bytes(digest, limit: 100) == nil)
        #expect(!FileSystem.exists(store.entryPath(digest)))
    }

    @Test("of another user is refused", .enabled(if: FileSystem.effectiveUser == 0, "needs root to give a folder away"))
    func foreign() throws {
        let path = folder.file("theirs")
        try FileSystem.makeDirectory(path)
        #expect(try Subprocess("chown", ["65534", path]).run().status == 0)
        let error = #expect(throws: ForeignStore.self) { _ = try ContentStore(path) }
        #expect(error?.owner == 65534)
        #expect(error?.outcome == .environment)
        #expect(error?.hint?.contains("--cache") == true)
        // Nor does a link of ours make it ours.
        let link = folder.file("link")
        #expect(try Subprocess("ln", ["-s", path, link]).run().status == 0)
        #expect(throws: ForeignStore.self) { _ = try ContentStore(link) }
    }

    @Test("runs one body at a time for a digest")
    func locked() async throws {
        let digest = Digest.of([7], .sha256)
        let counter = folder.file("counter")
        try OutputFile.write([0], to: counter)
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try store.withLock(digest) {
                        let value = try InputFile.contents(of: counter)[0]
                        try OutputFile.write([value + 1], to: counter)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try InputFile.contents(of: counter) == [8])
    }
}
