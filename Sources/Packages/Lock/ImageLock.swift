internal import Bytes
public import Documents
public import Hashing

/// `images/NAME/image.lock.json`: every package of an image by SHA-256, and where the hashes come from.
///
/// A build needs the lock and some place that serves the files, nothing else: no apt, no network, no keys. The way
/// from a package back to a key is kept so that it can be walked again later:
///
/// - The keys that the definition pins by fingerprint, and each suite's signed `InRelease`, are committed beside the
///   lock under `lock/`.
/// - `InRelease` vouches for a whole `Packages` index by its hash, so nothing less than the index proves that a
///   package is in it. An index of Debian's main is near 10 MB and would not be committed; the lock holds its hash,
///   the cache and the bundle its bytes, and archives serve it by that hash. Where no place has the index any more,
///   `verify` says `unverified` and why, instead of believing the lock.
public struct ImageLock: Sendable, Hashable {
    /// The format's version.
    public static let version = 1

    /// What was asked.
    public var request: ResolutionRequest
    /// The pinned keys, binary OpenPGP certificates one after another.
    public var keyring: KeptFile
    /// In the request's order.
    public var suites: [LockedSuite]
    /// Sorted by name, then architecture, then version.
    public var packages: [LockedPackage]
    /// What is taken by hash from elsewhere, in the request's order.
    public var sources: [LockedSource] = []

    /// The newest `Date` of all suites, in seconds since 1970.
    public var newestDate: Int64 { suites.map(\.date).max() ?? 0 }

    /// Every file beside the lock that it names: the keys, and each suite's `InRelease`.
    public var keptFiles: [KeptFile] { [keyring] + suites.map(\.inRelease) }

    /// The digest of everything that a build or a check of the lock takes from a cache.
    public var digests: Set<Digest> {
        Set(packages.map(\.sha256) + suites.flatMap(\.indexes).map(\.sha256))
            .union(sources.flatMap(\.blobs).map(\.digest))
    }

    /// The package of a name; nil if the lock has none.
    public func package(_ name: String) -> LockedPackage? { packages.first { $0.name == name } }

    /// The package of a name. Throws if the lock has none.
    public func require(_ name: String) throws(PackageError) -> LockedPackage {
        guard let package = package(name) else {
            throw PackageError(
                "image.lock.json", "has no package '\(name)'", hint: "run 'assay lock --update' for this image")
        }
        return package
    }

    /// Requires that the lock answers `request` and no other question; `source` names the lock in the error.
    public func require(
        request other: ResolutionRequest, source: String = "image.lock.json"
    ) throws(PackageError) {
        guard request == other else {
            throw PackageError(
                source, "was made for other packages, suites or keys than image.yaml asks for now",
                outcome: .no,
                hint: "run 'assay lock --update' for this image")
        }
    }

    /// Requires that no suite is older than in `previous`: an archive that goes back is being replayed.
    public func require(notOlderThan previous: ImageLock) throws(PackageError) {
        for suite in suites {
            guard let before = previous.suites.first(where: { $0.name == suite.name && $0.archive == suite.archive }),
                suite.date < before.date
            else { continue }
            throw PackageError(
                "suite \(suite.name)",
                "the archive's index is from \(ReleaseDate.text(suite.date)), older than the locked one from "
                    + ReleaseDate.text(before.date), outcome: .no,
                hint: "this mirror is behind or replays an old index; use another with --mirror")
        }
    }
}

extension ImageLock {
    /// The lock's file: readable JSON, keys sorted, the same bytes for the same lock.
    public var fileText: String { ReadableJSON.encode(document) }

    /// The lock as a value.
    public var document: Value {
        .object(
            [
                ("version", .count(Self.version)), ("request", request.document), ("keyring", keyring.document),
                ("suites", .array(of: suites.map(\.document))), ("packages", .array(of: packages.map(\.document))),
            ] + (sources.isEmpty ? [] : [("sources", .array(of: sources.map(\.document)))]))
    }

    /// Reads a lock strictly; `source` names the file in errors.
    public init(parsing bytes: [UInt8], source: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(JSONReader.parse(bytes, source: source))
        let version = try decoder.integer("version")
        guard version == Self.version else {
            throw decoder.error(
                "version", "found \(version), expected \(Self.version)", hint: "this lock needs another Assay")
        }
        request = try ResolutionRequest(decoder.object("request"))
        keyring = try KeptFile(decoder.object("keyring"))
        suites = []
        for (node, path) in try decoder.list("suites") {
            suites.append(try LockedSuite(ObjectDecoder(node, path: path)))
        }
        packages = []
        for (node, path) in try decoder.list("packages") {
            packages.append(try LockedPackage(ObjectDecoder(node, path: path)))
        }
        for (node, path) in try decoder.optionalList("sources") {
            sources.append(try LockedSource(ObjectDecoder(node, path: path)))
        }
        guard sources.map(\.request) == request.sources else {
            throw decoder.error("sources", "are not those of the request", hint: "run 'assay lock --update'")
        }
        try decoder.finish()
        try checkReferences(decoder)
    }

    private func checkReferences(_ decoder: ObjectDecoder) throws(DocumentError) {
        for (index, package) in packages.enumerated() {
            let known = suites.contains { suite in
                suite.name == package.suite && suite.archive == package.archive
                    && suite.indexes.contains { $0.component == package.component }
            }
            guard known else {
                throw decoder.error(
                    "packages", "[\(index)]: \(package.name) is from '\(package.suite)', which the lock does not have")
            }
            if index > 0, !(packages[index - 1] < package) {
                throw decoder.error(
                    "packages", "[\(index)]: \(package.name) is out of order or listed twice; sort by name")
            }
        }
    }
}

extension LockedPackage: Comparable {
    /// By name, architecture, version, each by bytes.
    public static func < (a: LockedPackage, b: LockedPackage) -> Bool {
        for (x, y) in [(a.name, b.name), (a.architecture, b.architecture), (a.version, b.version)] where x != y {
            return Array(x.utf8).lexicographicallyPrecedes(Array(y.utf8))
        }
        return false
    }
}
