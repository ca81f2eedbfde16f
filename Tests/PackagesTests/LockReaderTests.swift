import Bytes
import Documents
import Hashing
import Testing

@testable import Packages

@Suite("every member of a lock")
struct LockReaderTests {
    private static let lock: ImageLock = {
        let release = KeptFile(stem: "demo", suffix: ".InRelease", bytes: [1])
        let index = LockedIndex(
            component: "main", path: "main/binary-amd64/Packages.xz", byteCount: 5, sha256: .of([2], .sha256))
        let suite = LockedSuite(
            name: "demo", archive: "debian", inRelease: release, date: 7, signedBy: [TestArchive.fingerprint],
            indexes: [index])
        let packages = ["a", "b"].map { name in
            LockedPackage(
                name: name, version: "1", architecture: "amd64", source: name, sourceVersion: "1",
                path: "pool/\(name).deb", byteCount: 9, sha256: .of(Array(name.utf8), .sha256), archive: "debian",
                suite: "demo", component: "main", isExtra: name == "b")
        }
        return ImageLock(
            request: TestArchive.request, keyring: KeptFile(stem: "keyring", suffix: ".pgp", bytes: [3]),
            suites: [suite], packages: packages)
    }()

    private static func read(_ value: Value) throws -> ImageLock {
        try ImageLock(parsing: Array(ReadableJSON.encode(value).utf8), source: "lock.json")
    }

    /// Every document that differs from `value` in one member by `change`, with the key of that member.
    private static func variants(
        _ value: Value, _ change: ([Value.Member], Int) -> [Value.Member]
    ) -> [(key: String, value: Value)] {
        switch value {
        case .object(let members):
            var result = members.indices.map { (key: members[$0].key, value: Value.object(change(members, $0))) }
            for (index, member) in members.enumerated() {
                for inner in variants(member.node.value, change) {
                    var copy = members
                    copy[index].node.value = inner.value
                    result.append((inner.key, .object(copy)))
                }
            }
            return result
        case .array(let nodes):
            return nodes.indices.flatMap { index in
                variants(nodes[index].value, change).map { inner in
                    var copy = nodes
                    copy[index].value = inner.value
                    return (inner.key, .array(copy))
                }
            }
        default: return []
        }
    }

    private func refusesEach(
        _ change: ([Value.Member], Int) -> [Value.Member], at location: SourceLocation = #_sourceLocation
    ) {
        let variants = Self.variants(Self.lock.document, change)
        #expect(variants.count == 5 + 6 + 3 + 3 + 6 + 3 + 4 + 2 * 12, "one for each member", sourceLocation: location)
        for (key, value) in variants {
            let error = #expect(throws: DocumentError.self, "\(key)", sourceLocation: location) {
                _ = try Self.read(value)
            }
            #expect(error?.description.contains(key) == true, "\(key)", sourceLocation: location)
            #expect(error?.location.source == "lock.json", sourceLocation: location)
        }
    }

    @Test("must be there")
    func dropped() {
        refusesEach { members, index in members.enumerated().filter { $0.offset != index }.map(\.element) }
    }

    @Test("must have its name")
    func renamed() {
        refusesEach { members, index in
            var copy = members
            copy[index].key += "X"
            return copy
        }
    }

    @Test("must be known")
    func added() {
        refusesEach { members, index in members + [Value.Member(members[index].key + "X", Node(.null))] }
    }

    @Test("must have its type")
    func mistyped() {
        for wrong in [Value.null, .array([Node(.array([]))]), .object([("x", .null)])] {
            refusesEach { members, index in
                var copy = members
                copy[index].node.value = wrong
                return copy
            }
        }
    }
}
