import Bytes
import Documents
import Hashing
import TestSupport
import Testing

@testable import Packages

@Suite("locks")
struct ImageLockTests {
    private static func package(_ name: String, _ version: String = "1.0", _ content: UInt8 = 1) -> LockedPackage {
        LockedPackage(
            name: name, version: version, architecture: "amd64", source: "src", sourceVersion: "1",
            path: "pool/main/s/src/\(name)_\(version)_amd64.deb", byteCount: 10, sha256: .of([content], .sha256),
            archive: "debian", suite: "trixie", component: "main", isExtra: false)
    }

    private static let suite = LockedSuite(
        name: "trixie", archive: "debian", inRelease: KeptFile(stem: "trixie", suffix: ".InRelease", bytes: [1]),
        date: 1_700_000_000, signedBy: ["A"],
        indexes: [
            LockedIndex(
                component: "main", path: "main/binary-amd64/Packages.xz", byteCount: 3, sha256: .of([3], .sha256))
        ])

    private static let lock = ImageLock(
        request: ResolutionRequest(
            suites: [.init(name: "trixie")], keys: [String(repeating: "A", count: 40)], packages: ["a"],
            extras: ["b=1"],
            provided: ["c"]),
        keyring: KeptFile(stem: "keyring", suffix: ".pgp", bytes: [2]), suites: [suite],
        packages: [package("a"), package("b")])

    private func parse(_ text: String) throws -> ImageLock {
        try ImageLock(parsing: Array(text.utf8), source: "image.lock.json")
    }

    @Test("are read back as they were written, and written alike twice")
    func roundTrip() throws {
        let text = Self.lock.fileText
        #expect(try parse(text) == Self.lock)
        #expect(try parse(text).fileText == text)
        #expect(text.hasSuffix("}\n"))
        #expect(Self.lock.newestDate == 1_700_000_000)
    }

    @Test("are refused with any key missing, unknown or twice, by key path")
    func strict() throws {
        let text = Self.lock.fileText
        for key in [
            "version", "request", "keyring", "suites", "packages", "sha256", "size", "path", "name", "extra", "source",
            "sourceVersion", "component", "architecture", "suite", "archive", "date", "signedBy", "indexes",
            "inRelease", "components", "keys", "extras", "provided",
        ] {
            let quoted = "\"\(key)\":"
            try #require(text.contains(quoted), "\(key)")
            let renamed = #expect(throws: DocumentError.self, "\(key)") {
                _ = try parse(text.replacing(quoted, with: "\"\(key)X\":", maxReplacements: 1))
            }
            #expect(renamed?.description.contains(key) == true)
            #expect(throws: DocumentError.self, "\(key) twice") {
                _ = try parse(text.replacing(quoted, with: "\"\(key)\": 1, \(quoted)", maxReplacements: 1))
            }
        }
        for (right, wrong) in [
            ("\"version\": 1\n", "\"version\": 2\n"), ("\"size\": 10", "\"size\": 0"),
            ("\"extra\": false", "\"extra\": 0"),
            ("\"path\": \"pool/main", "\"path\": \"../pool"), ("\"path\": \"pool/main", "\"path\": \"/pool"),
            ("\"path\": \"lock/trixie", "\"path\": \"lock//trixie"),
            ("\"suite\": \"trixie\"", "\"suite\": \"sid\""), ("\"component\": \"main\"", "\"component\": \"contrib\""),
        ] {
            try #require(text.contains(right), "\(right)")
            #expect(throws: DocumentError.self, "\(wrong)") {
                _ = try parse(text.replacing(right, with: wrong, maxReplacements: 1))
            }
        }
        #expect(throws: DocumentError.self) { _ = try parse(String(text.dropLast(3))) }
    }

    @Test("are refused with packages out of order or twice")
    func order() {
        var lock = Self.lock
        lock.packages.reverse()
        #expect(throws: DocumentError.self) { _ = try parse(lock.fileText) }
        lock.packages = [Self.package("a"), Self.package("a")]
        #expect(throws: DocumentError.self) { _ = try parse(lock.fileText) }
    }

    @Test("answer one request, and never an archive that goes back")
    func guards() throws {
        try Self.lock.require(request: Self.lock.request)
        var other = Self.lock.request
        other.packages.append("z")
        #expect(throws: PackageError.self) { try Self.lock.require(request: other) }
        var older = Self.lock
        older.suites[0].date -= 1
        try Self.lock.require(notOlderThan: Self.lock)
        try Self.lock.require(notOlderThan: older)
        let error = #expect(throws: PackageError.self) { try older.require(notOlderThan: Self.lock) }
        #expect(error?.outcome == .no && error?.description.contains("2023-11-14") == true)
        #expect(throws: PackageError.self) { _ = try Self.lock.require("nobody") }
    }

    @Test("are compared package by package")
    func difference() {
        var new = Self.lock
        new.packages = [Self.package("a", "1.1"), Self.package("b", "1.0", 9), Self.package("d")]
        var old = Self.lock
        old.packages.append(Self.package("c"))
        #expect(
            LockDifference(old: old, new: new).lines == [
                "~ a 1.0 -> 1.1", "! b 1.0: other bytes under the same version", "- c 1.0", "+ d 1.0",
            ])
        #expect(LockDifference(old: old, new: old).changes.isEmpty)
        #expect(LockDifference(old: nil, new: Self.lock).lines == ["+ a 1.0", "+ b 1.0"])
    }

    @Test(
        "are not asked for with words that mean more to apt than a name",
        arguments: [
            "-o", "a-", "?essential", "a/sid", "a*", "a b", "", "A", "a=", "a=1 2", "a=1;2", "~n", "./a.deb", "a=1/2",
        ])
    func words(word: String) {
        var request = Self.lock.request
        request.packages = [word]
        #expect(throws: PackageError.self) { try request.validate() }
        request = Self.lock.request
        request.extras = [word]
        #expect(throws: PackageError.self) { try request.validate() }
    }

    @Test("are asked for with names, pins, suites and whole fingerprints only")
    func requests() throws {
        var request = Self.lock.request
        request.packages = ["g++", "libc6=2.41-12+deb13u5", "busybox-static=1:1.37.0-6+b9", "a=1~rc1"]
        try request.validate()
        for spoil: (inout ResolutionRequest) -> Void in [
            { $0.keys = [] }, { $0.keys = ["350947F8"] }, { $0.keys = [String(repeating: "a", count: 40)] },
            { $0.suites = [] }, { $0.suites[0].components = [] }, { $0.suites.append($0.suites[0]) },
            { $0.suites[0].name = "a\nTrusted: yes" }, { $0.suites[0].components = ["main contrib"] },
            { $0.architecture = "\"; X" }, { $0.provided = ["a\nb"] },
        ] {
            var bad = Self.lock.request
            spoil(&bad)
            #expect(throws: PackageError.self) { try bad.validate() }
        }
    }
}
