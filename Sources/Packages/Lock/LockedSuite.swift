internal import Documents
public import Hashing
public import Transport

/// A suite as it stood when the lock was made: its signed `InRelease` and the indexes that it vouches for.
public struct LockedSuite: Sendable, Hashable {
    public var name: String
    public var archive: String
    /// The kept bytes of `InRelease`, in a file beside the lock.
    public var inRelease: KeptFile
    /// Field `Date` in seconds since 1970; a later lock may not go back behind it.
    public var date: Int64
    /// Fingerprints of the pinned keys with a good signature, sorted.
    public var signedBy: [String]
    public var indexes: [LockedIndex]

    /// The date as people read it: `2026-11-21 09:15:44 UTC`.
    public var dateText: String { ReleaseDate.text(date) }
}

/// One compressed `Packages` index: too large to be committed, so it is kept by its hash.
public struct LockedIndex: Sendable, Hashable {
    /// `main` and the like.
    public var component: String
    /// Its path below the suite: `main/binary-amd64/Packages.xz`.
    public var path: String
    public var byteCount: Int
    public var sha256: Digest

    /// The index as something to fetch: archives serve it under its hash, also after a newer one has come.
    public func file(of suite: LockedSuite) -> PinnedFile {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return PinnedFile(
            title: "package index of \(suite.name)/\(component)",
            path: "dists/\(suite.name)/\(folder)/by-hash/SHA256/\(sha256.hex)", otherNames: [sha256.hex],
            byteCount: byteCount, digest: sha256)
    }
}

/// A file kept beside the lock, by hash.
public struct KeptFile: Sendable, Hashable {
    /// Its path relative to the lock's folder.
    public var path: String
    public var byteCount: Int
    public var sha256: Digest
    static let largest = 16 << 20
}

extension KeptFile {
    /// A file for these bytes; a part of their hash in its name keeps old and new apart while a lock is replaced.
    init(stem: String, suffix: String, bytes: [UInt8]) {
        sha256 = .of(bytes, .sha256)
        path = "lock/\(stem).\(sha256.hex.prefix(12))\(suffix)"
        byteCount = bytes.count
    }

    var document: Value {
        .object([("path", .string(path)), ("size", .count(byteCount)), ("sha256", .string(sha256.hex))])
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        path = try decoder.relativePath("path")
        byteCount = try decoder.integer("size", in: 1...Self.largest)
        sha256 = try decoder.sha256("sha256")
        try decoder.finish()
    }
}

extension LockedSuite {
    var document: Value {
        .object([
            ("name", .string(name)), ("archive", .string(archive)), ("inRelease", inRelease.document),
            ("date", .integer(date)), ("signedBy", .strings(signedBy)),
            ("indexes", .array(of: indexes.map(\.document))),
        ])
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        name = try decoder.string("name")
        archive = try decoder.string("archive")
        inRelease = try KeptFile(decoder.object("inRelease"))
        date = Int64(try decoder.integer("date"))
        signedBy = try decoder.strings("signedBy")
        indexes = []
        for (node, path) in try decoder.list("indexes") {
            indexes.append(try LockedIndex(ObjectDecoder(node, path: path)))
        }
        try decoder.finish()
    }
}

extension LockedIndex {
    var document: Value {
        .object([
            ("component", .string(component)), ("path", .string(path)), ("size", .count(byteCount)),
            ("sha256", .string(sha256.hex)),
        ])
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        component = try decoder.string("component")
        path = try decoder.relativePath("path")
        byteCount = try decoder.integer("size", in: 1...(1 << 30))
        sha256 = try decoder.sha256("sha256")
        try decoder.finish()
    }
}
