private import Archives
internal import Bytes
internal import Documents
private import Files
public import Hashing
public import Transport

/// A place that has an image's blobs by digest. What it gives is checked against digest and size by who asks.
public protocol OCIBlobSource: Sendable {
    /// What it is, for messages.
    var title: String { get }
    /// The bytes of a blob; nil if the place does not have it.
    ///
    /// - Parameter isManifest: registries keep manifests and indexes apart from other blobs.
    func blob(_ digest: Digest, limit: Int, isManifest: Bool) throws -> [UInt8]?
    /// The images that the place lists by itself; empty where it does not list any.
    func listed() throws -> [OCIDescriptor]
}

/// An OCI image layout in a directory (image-spec, image-layout.md): `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`.
public struct OCILayoutDirectory: OCIBlobSource {
    public let path: String
    public var title: String { path }

    /// Requires the marker file with version 1.
    public init(_ path: String) throws {
        self.path = path
        let marker = path + "/oci-layout"
        try OCILayout.checkMarker(InputFile.contents(of: marker, limit: 4096), source: marker)
    }

    public func blob(_ digest: Digest, limit: Int, isManifest: Bool) throws -> [UInt8]? {
        let file = "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
        guard FileSystem.exists(file) else { return nil }
        return try InputFile.contents(of: file, limit: limit)
    }

    public func listed() throws -> [OCIDescriptor] {
        let index = path + "/index.json"
        return try OCILayout.images(InputFile.contents(of: index, limit: 8 << 20), source: index)
    }
}

/// An OCI image layout in one tar archive, as `skopeo copy … oci-archive:` and `podman save --format oci-archive` make it.
public struct OCILayoutArchive: OCIBlobSource {
    public let path: String
    public var title: String { path }
    private static let limits = ExpansionLimits(byteCount: 1 << 40, ratio: 1000, entryCount: 100_000)

    public init(_ path: String) throws {
        self.path = path
        guard let marker = try member("oci-layout", limit: 4096) else {
            throw FormatError(
                source: path, field: "oci-layout", found: "no such member", expected: "an OCI image layout",
                hint: "an archive of 'docker save' before Docker 25 is none; 'skopeo copy' makes one of it")
        }
        try OCILayout.checkMarker(marker, source: path + ": oci-layout")
    }

    public func blob(_ digest: Digest, limit: Int, isManifest: Bool) throws -> [UInt8]? {
        try member("blobs/\(digest.algorithm.rawValue)/\(digest.hex)", limit: limit)
    }

    public func listed() throws -> [OCIDescriptor] {
        guard let index = try member("index.json", limit: 8 << 20) else {
            throw FormatError(
                source: path, field: "index.json", found: "no such member", expected: "the layout's index")
        }
        return try OCILayout.images(index, source: path + ": index.json")
    }

    private func member(_ name: String, limit: Int) throws -> [UInt8]? {
        let file = try MappedFile(path)
        var found: [UInt8]?
        try file.withBytes { (bytes: RawSpan) throws in
            try TarArchive.forEachEntry(in: bytes, source: path, limits: Self.limits) { entry, reader in
                guard found == nil, case .file(let size) = entry.kind else { return }
                var stored = entry.path[...]
                if stored.starts(with: "./".utf8) { stored = stored.dropFirst(2) }
                guard stored.elementsEqual(name.utf8) else { return }
                guard size <= limit else {
                    throw FormatError(
                        source: path, field: name, found: "\(size) bytes", expected: "at most \(limit)")
                }
                found = try reader.contents()
            }
        }
        return found
    }
}

enum OCILayout {
    static func checkMarker(_ bytes: [UInt8], source: String) throws {
        var decoder = try ObjectDecoder(JSONReader.parse(bytes, source: source, mode: .foreign))
        let version = try decoder.string("imageLayoutVersion")
        guard version.hasPrefix("1.") else {
            throw decoder.error("imageLayoutVersion", "found '\(version)', expected 1.0.0")
        }
    }

    static func images(_ bytes: [UInt8], source: String) throws -> [OCIDescriptor] {
        guard case .index(let images) = try OCIDocument(bytes, mediaType: nil, source: source) else {
            throw FormatError(source: source, field: "manifests", found: "a manifest", expected: "an index")
        }
        return images
    }
}

/// Pinned files by digest: pool folders, which may be layouts, and the cache.
public struct OCIStoredBlobs: Sendable {
    public var pools: [String]
    public var cache: ContentStore?

    public init(pools: [String] = [], cache: ContentStore? = nil) {
        self.pools = pools
        self.cache = cache
    }

    /// The bytes if a place at hand has them, hashed as they are.
    func blob(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        for pool in pools {
            for name in ["blobs/\(digest.algorithm.rawValue)/\(digest.hex)", digest.hex] {
                guard let bytes = try? InputFile.contents(of: pool + "/" + name, limit: limit),
                    Digest.of(bytes, digest.algorithm) == digest
                else { continue }
                return bytes
            }
        }
        return try cache?.bytes(digest, limit: limit)
    }
}
