import Bytes
import Files
import Hashing
import TestSupport
import Testing
import Transport

@testable import Packages

/// A lock of the test archive as an update would have made it, to be spoilt.
private struct LockedArchive {
    let archive: TestArchive
    var lock: ImageLock

    init(inRelease: String = TestArchive.inRelease, keyring: [UInt8] = TestArchive.key) throws {
        archive = try TestArchive(inRelease: inRelease)
        let release = KeptFile(stem: "demo", suffix: ".InRelease", bytes: Array(inRelease.utf8))
        let keys = KeptFile(stem: "keyring", suffix: ".pgp", bytes: keyring)
        let index = LockedIndex(
            component: "main", path: "main/binary-amd64/Packages.xz", byteCount: TestArchive.index.count,
            sha256: .of(TestArchive.index, .sha256))
        let suite = LockedSuite(
            name: "demo", archive: "debian", inRelease: release, date: TestArchive.date,
            signedBy: [TestArchive.fingerprint], indexes: [index])
        lock = ImageLock(request: TestArchive.request, keyring: keys, suites: [suite], packages: [])
        let table = try PackageIndex(packed: TestArchive.index, name: "Packages.xz", source: "index")
        for (name, version) in TestArchive.packages {
            let stanza = try #require(try table.stanza(.of(TestArchive.package(name, version), .sha256)))
            lock.packages.append(
                try LockedPackage(
                    stanza: stanza, index: index, of: suite, isExtra: name == "demo-extra", named: "index"))
        }
        try FileSystem.makeDirectory(archive.image + "/lock")
        try write(Array(inRelease.utf8), release)
        try write(keyring, keys)
    }

    func write(_ bytes: [UInt8], _ file: KeptFile) throws {
        try OutputFile.write(bytes, to: archive.image + "/" + file.path)
    }

    func check() throws -> LockCheck {
        try LockCheck(lock, in: LockFolder(archive.image), request: TestArchive.request, sources: archive.sources)
    }

    /// The check must say no, for a reason that names what is wrong.
    func refuses(_ text: String, at location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: PackageError.self, sourceLocation: location) { _ = try check() }
        #expect(error?.outcome == .no, sourceLocation: location)
        #expect(error?.description.contains(text) == true, "\(String(describing: error))", sourceLocation: location)
    }
}

@Suite(
    "the chain from packages to keys",
    .enabled(if: Outside.has("gpgv") || Outside.has("sqv"), "neither gpgv nor sqv is installed"),
    .enabled(if: Outside.has("curl"), "curl is not installed"))
struct ArchiveChainTests {
    @Test("holds for an untouched lock")
    func whole() throws {
        let locked = try LockedArchive()
        let check = try locked.check()
        #expect(check.chain == .verified(notes: []))
        #expect(check.isComplete && check.unavailableNames.isEmpty)
        #expect(try ImageLock(parsing: Array(locked.lock.fileText.utf8), source: "lock") == locked.lock)
    }

    @Test("does not hold for other keys than the definition pins")
    func keys() throws {
        var locked = try LockedArchive()
        locked.lock.request.keys = [TestArchive.strangerFingerprint]
        locked.refuses("rests on other keys than image.yaml pins")
        let swapped = try LockedArchive(keyring: TestArchive.stranger)
        swapped.refuses("holds other keys than the lock's request names")
        let more = try LockedArchive(keyring: TestArchive.key + TestArchive.stranger)
        more.refuses("holds other keys than the lock's request names")
    }

    @Test("breaks at any changed byte of the kept files")
    func kept() throws {
        let locked = try LockedArchive()
        for (file, bytes) in [
            (locked.lock.suites[0].inRelease, Array(TestArchive.inRelease.utf8)),
            (locked.lock.keyring, TestArchive.key),
        ] {
            for offset in stride(from: 0, to: bytes.count, by: 29) {
                var changed = bytes
                changed[offset] ^= 0x20
                try locked.write(changed, file)
                locked.refuses("found SHA-256")
            }
            for changed in [bytes + [0x0A], Array(bytes.dropLast())] {
                try locked.write(changed, file)
                locked.refuses("found SHA-256")
            }
            try locked.write(bytes, file)
        }
        #expect(try locked.check().isComplete)
    }

    @Test("needs a good signature by a pinned key, whatever hashes the lock has")
    func signature() throws {
        try LockedArchive(inRelease: TestArchive.strangersInRelease).refuses("no pinned key has signed it")
        let date = TestArchive.inRelease.replacing("01 Feb 2024 10", with: "01 Feb 2024 11")
        let changed = try LockedArchive(inRelease: date)
        let error = #expect(throws: PackageError.self) { _ = try changed.check() }
        #expect(error?.outcome == .no)
        try LockedArchive(inRelease: TestArchive.olderInRelease).refuses("is not the InRelease of demo")
        let swapped = TestArchive.body + TestArchive.olderSignature
        let other = #expect(throws: PackageError.self) { _ = try LockedArchive(inRelease: swapped).check() }
        #expect(other?.outcome == .no)
    }

    @Test("needs the index that the signed file vouches for")
    func index() throws {
        var locked = try LockedArchive()
        locked.lock.suites[0].indexes[0].sha256 = .of([1], .sha256)
        locked.refuses("does not vouch for main/binary-amd64/Packages.xz")
        locked = try LockedArchive()
        locked.lock.suites[0].indexes[0].byteCount += 1
        locked.refuses("does not vouch for main/binary-amd64/Packages.xz")
        locked = try LockedArchive()
        locked.lock.suites[0].indexes[0].path = "main/binary-arm64/Packages.xz"
        locked.refuses("does not vouch for main/binary-arm64/Packages.xz")
    }

    @Test("needs every fact of every package in the index")
    func package() throws {
        let changes: [(inout LockedPackage) -> Void] = [
            { $0.name = "demo-other" }, { $0.version = "1:1.0-2" }, { $0.architecture = "amd64" },
            { $0.source = "demo" }, { $0.sourceVersion = "1" }, { $0.path += "x" }, { $0.byteCount += 1 },
        ]
        for change in changes {
            var locked = try LockedArchive()
            change(&locked.lock.packages[0])
            locked.refuses("describes it otherwise")
        }
        var locked = try LockedArchive()
        locked.lock.packages[0].sha256 = .of([1], .sha256)
        locked.refuses("lists no file with its hash")
    }

    @Test("is unverified, not broken, when the index is gone")
    func indexGone() throws {
        let locked = try LockedArchive()
        try locked.archive.dropIndex()
        let check = try locked.check()
        guard case .unverified(let reasons) = check.chain else {
            Issue.record("found \(check.chain), expected unverified")
            return
        }
        #expect(reasons == ["package index of demo/main (SHA-256 \(TestArchive.indexDigest)) is not available"])
        #expect(!check.isComplete && check.unavailable.isEmpty)
        #expect(throws: FileUnavailable.self) { _ = try locked.lock.indexFiles(sources: locked.archive.sources) }
        // A damaged one is as good as none.
        var damaged = TestArchive.index
        damaged[50] ^= 1
        let hash = "by-hash/SHA256/" + TestArchive.indexDigest
        let place = locked.archive.path("mirror/dists/demo/main/binary-amd64/" + hash)
        try FileSystem.makeDirectory(FileSystem.parent(of: place))
        try OutputFile.write(damaged, to: place)
        #expect(try locked.check().chain == check.chain)
    }

    @Test("names the packages that are gone, damaged or cut short")
    func packagesGone() throws {
        let locked = try LockedArchive()
        let path = locked.archive.path("mirror/" + locked.lock.packages[0].path)
        let bytes = try InputFile.contents(of: path)
        var damaged = bytes
        damaged[bytes.count - 1] ^= 1
        for bad in [damaged, Array(bytes.dropLast()), bytes + [0]] {
            try OutputFile.write(bad, to: path)
            #expect(try locked.check().unavailableNames == ["demo"])
        }
        try FileSystem.remove(path)
        let check = try locked.check()
        #expect(check.chain == .verified(notes: []) && !check.isComplete)
        let missing = try #require(check.unavailable.first)
        for part in ["demo 1:1.0-1", locked.lock.packages[0].path, locked.lock.packages[0].sha256.hex] {
            #expect(missing.description.contains(part))
        }
        #expect(check.document["unavailable"] != nil)
        // Any other place that has the bytes will do, under any name.
        let pool = locked.archive.path("pool")
        try FileSystem.makeDirectory(pool)
        try OutputFile.write(bytes, to: pool + "/some.deb")
        var sources = locked.archive.sources
        sources.pools = [pool]
        #expect(try sources.fetch(locked.lock.packages[0]) == bytes)
        #expect(try sources.fetch(locked.lock.packages[0].file, archive: "debian") == bytes)
        #expect(try sources.hasLocally(locked.lock.packages[0]))
    }
}
