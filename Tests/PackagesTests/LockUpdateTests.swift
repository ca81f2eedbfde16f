import Bytes
import Files
import Hashing
import Packages
import Synchronization
import TestSupport
import Testing
import Transport

@Suite(
    "locking through apt",
    .enabled(if: Outside.has("apt-get"), "apt-get is not installed"),
    .enabled(if: Outside.has("curl"), "curl is not installed"),
    .enabled(if: Outside.has("gpgv") || Outside.has("sqv"), "neither gpgv nor sqv is installed"))
struct LockUpdateTests {
    private func update(_ archive: TestArchive, _ request: ResolutionRequest = TestArchive.request) throws
        -> LockDifference
    {
        try LockUpdate(sources: archive.sources, keyringPath: archive.keys).run(
            request, in: LockFolder(archive.image))
    }

    @Test("resolves, pins every package, and the chain of the result holds")
    func whole() throws {
        let archive = try TestArchive()
        let difference = try update(archive)
        #expect(difference.lines == ["+ demo 1:1.0-1", "+ demo-extra 2.0+x", "+ demo-lib 0.5"])
        let folder = LockFolder(archive.image)
        let lock = try folder.require()
        #expect(lock.packages.map(\.name) == ["demo", "demo-extra", "demo-lib"])
        #expect(lock.packages.map(\.isExtra) == [false, true, false])
        let demo = try lock.require("demo")
        #expect(demo.source == "demo-src" && demo.sourceVersion == "0.9")
        #expect(demo.path == "pool/main/d/demo/demo_1.0-1_all.deb")
        #expect(demo.sha256 == .of(TestArchive.package("demo", "1:1.0-1"), .sha256))
        #expect(lock.suites.first?.date == TestArchive.date)
        #expect(lock.suites.first?.signedBy == [TestArchive.fingerprint])
        let check = try LockCheck(lock, in: folder, request: TestArchive.request, sources: archive.sources)
        #expect(check.chain == .verified(notes: []) && check.isComplete)
        let files = try lock.indexFiles(sources: archive.sources)
        #expect(files.map(\.name) == ["demo-main-Packages.xz"] && files.first?.bytes == TestArchive.index)
        #expect(try folder.strayFiles(lock).isEmpty)
    }

    @Test("gives the same bytes again, and says that nothing changed")
    func again() throws {
        let archive = try TestArchive()
        _ = try update(archive)
        let first = try InputFile.contents(of: LockFolder(archive.image).lockPath)
        #expect(try update(archive).changes.isEmpty)
        #expect(try InputFile.contents(of: LockFolder(archive.image).lockPath) == first)
    }

    @Test("takes the place of a lock that was killed half way")
    func leftovers() throws {
        let archive = try TestArchive()
        _ = try update(archive)
        let folder = LockFolder(archive.image)
        let stray = archive.image + "/lock/demo.000000000000.InRelease"
        try OutputFile.write([1], to: stray)
        #expect(try folder.strayFiles(folder.require()) == ["lock/demo.000000000000.InRelease"])
        _ = try update(archive)
        #expect(!FileSystem.exists(stray))
    }

    @Test("waits for another update of the same folder, and leaves no file of the wait")
    func waits() throws {
        let archive = try TestArchive()
        let other = OtherUpdate(try FileLock(directory: archive.image))
        let update = LockUpdate(sources: archive.sources, keyringPath: archive.keys) { line in
            other.said(line)
            // Nothing is read or fetched before the other one has ended.
            if line.hasPrefix("waiting for another update") { other.end() }
        }
        _ = try update.run(TestArchive.request, in: LockFolder(archive.image))
        #expect(other.lines.first == "waiting for another update of the lock in \(archive.image)")
        #expect(other.lines.count { $0.hasPrefix("waiting") } == 1)
        #expect(try FileSystem.list(archive.image) == ["image.lock.json", "lock"])
    }

    /// An update that holds the folder until it ends.
    private final class OtherUpdate: Sendable {
        private let state: Mutex<(lock: FileLock?, lines: [String])>
        init(_ lock: sending FileLock) { state = Mutex((lock, [])) }
        var lines: [String] { state.withLock { $0.lines } }
        func said(_ line: String) { state.withLock { $0.lines.append(line) } }
        func end() { state.withLock { $0.lock = nil } }
    }

    /// An update that must fail, and leave every byte of the old lock.
    private func refuses(
        _ outcome: Outcome, _ text: String, _ change: (TestArchive) throws -> Void,
        _ request: ResolutionRequest = TestArchive.request, at location: SourceLocation = #_sourceLocation
    ) throws {
        let archive = try TestArchive()
        _ = try update(archive)
        let before = try contents(archive.image)
        try change(archive)
        do {
            _ = try update(archive, request)
            Issue.record("was accepted", sourceLocation: location)
        } catch let error as any ExplainedError {
            #expect(error.outcome == outcome, "\(error)", sourceLocation: location)
            #expect(error.description.contains(text), "\(error)", sourceLocation: location)
            #expect(error.hint != nil, sourceLocation: location)
        }
        #expect(try contents(archive.image) == before, sourceLocation: location)
    }

    private func contents(_ folder: String) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for name in try FileSystem.filesBelow(folder) { result[name] = try InputFile.contents(of: folder + "/" + name) }
        return result
    }

    @Test("refuses an index older than the locked one")
    func older() throws {
        try refuses(.no, "older than the locked one from 2024-02-01 10:00:00 UTC") {
            try $0.sign(TestArchive.olderInRelease)
        }
    }

    @Test("refuses what a key signed that is not pinned")
    func stranger() throws {
        try refuses(.no, "failed") { try $0.sign(TestArchive.strangersInRelease) }
    }

    @Test("refuses a changed InRelease and a changed index")
    func changed() throws {
        try refuses(.no, "failed") {
            try $0.sign(TestArchive.inRelease.replacing("Suite: demo", with: "Suite: Demo"))
        }
        try refuses(.environment, "failed") { archive in
            var index = TestArchive.index
            index[100] ^= 1
            for name in ["Packages.xz", "by-hash/SHA256/" + TestArchive.indexDigest] {
                try OutputFile.write(index, to: archive.path("mirror/dists/demo/main/binary-amd64/" + name))
            }
        }
    }

    @Test("refuses a missing archive, package, key and mirror")
    func missing() throws {
        try refuses(.environment, "failed") { try $0.dropIndex() }
        var request = TestArchive.request
        request.packages = ["no-such-package"]
        try refuses(.unusable, "no-such-package", { _ in }, request)
        request = TestArchive.request
        request.keys = ["0123456789ABCDEF0123456789ABCDEF01234567"]
        try refuses(.unusable, "has no key 0123456789ABCDEF", { _ in }, request)
        request = TestArchive.request
        request.suites[0].archive = "other"
        try refuses(.environment, "no mirror of the archive 'other' is known", { _ in }, request)
    }
}
