import Bytes
import Files
import Hashing
import TestSupport
import Testing
import Transport

@Suite("collecting what a cache no longer needs")
struct CollectionTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("keeps what is named and what was used since, and removes the rest")
    func rule() throws {
        let path = folder.file("cache")
        var kept = Digest.zero(.sha256)
        do {
            let store = try ContentStore(path)
            kept = try store.insert([1])
            try store.insert([2])
            try OutputFile.write([3], to: store.entryPath(kept) + ".partial")
        }
        let later = FileSystem.secondsNow + 10
        #expect(try ContentStore.collect(path, keeping: [], unusedSince: later - 1000).isEmpty)
        let would = try ContentStore.collect(path, keeping: [kept], unusedSince: later, trial: true)
        #expect(would.map(\.digest) == [.of([2], .sha256)] && would.map(\.byteCount) == [1])
        #expect(try ContentStore(path).entries().count == 2)
        #expect(try ContentStore.collect(path, keeping: [kept], unusedSince: later) == would)
        #expect(try ContentStore(path).entries().map(\.digest) == [kept])
        #expect(try ContentStore(path).bytes(kept, limit: 10) == [1])
    }

    @Test("waits while a process has the cache open")
    func lease() async throws {
        let path = folder.file("cache")
        var store: ContentStore? = try ContentStore(path)
        let digest = try store?.insert([1])
        let collection = Task.detached {
            try ContentStore.collect(path, keeping: [], unusedSince: FileSystem.secondsNow + 10).count
        }
        FileSystem.pause(milliseconds: 300)
        #expect(try store?.bytes(#require(digest), limit: 10) == [1])
        store = nil
        #expect(try await collection.value == 1)
        #expect(try ContentStore(path).entries().isEmpty)
    }
}
