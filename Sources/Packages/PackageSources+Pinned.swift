private import Bytes
private import Files
public import Hashing
internal import Transport

/// An OCI image's place, opened when something is first asked of it: what is at hand by digest needs no place.
struct OCIPlace: OCIBlobSource {
    var place: String
    var digest: Digest
    var folder: String
    var credentials: RegistryCredentials
    var title: String { place }

    private func open() throws -> any OCIBlobSource {
        try OCIReference(place: place, digest: digest).open(in: folder, credentials: credentials)
    }

    func blob(_ digest: Digest, limit: Int, isManifest: Bool) throws -> [UInt8]? {
        try open().blob(digest, limit: limit, isManifest: isManifest)
    }

    func listed() throws -> [OCIDescriptor] { try open().listed() }
}

extension PackageSources {
    /// Largest file that is taken by hash from an address or a path.
    private static let largest = 8 << 30

    /// The reader of an image and the image. What a registry gives is kept in the cache; a local layout is its own store.
    public func image(
        _ place: String, _ digest: Digest, _ platform: OCIPlatform
    ) throws -> (reader: OCIImageReader, image: OCIImage) {
        let source = OCIPlace(place: place, digest: digest, folder: folder, credentials: credentials)
        let reader = OCIImageReader(source: source, stored: OCIStoredBlobs(pools: pools, cache: cache))
        return (reader, try reader.image(digest, platform: platform))
    }

    /// The bytes of a file by hash: from pools, the cache, its path, its address.
    public func file(_ place: String, _ digest: Digest, byteCount: Int? = nil) throws -> [UInt8] {
        if let bytes = try OCIStoredBlobs(pools: pools, cache: cache).blob(digest, limit: byteCount ?? Self.largest) {
            return bytes
        }
        guard SourceRequest.isAddress(place) else {
            let path = place.hasPrefix("/") || folder.isEmpty ? place : folder + "/" + place
            return try checked(InputFile.contents(of: path, limit: Self.largest), path, digest)
        }
        guard let cache else { return try download(place, digest, byteCount) }
        return try cache.withLock(digest) {
            if let bytes = try cache.bytes(digest, limit: byteCount ?? Self.largest) { return bytes }
            let bytes = try download(place, digest, byteCount)
            try cache.insert(bytes, algorithm: digest.algorithm)
            return bytes
        }
    }

    private func download(_ address: String, _ digest: Digest, _ byteCount: Int?) throws -> [UInt8] {
        try checked(Download(address, byteCount: byteCount, limit: Self.largest).run(), address, digest)
    }

    private func checked(_ bytes: [UInt8], _ place: String, _ digest: Digest) throws -> [UInt8] {
        let found = Digest.of(bytes, digest.algorithm)
        guard found == digest else {
            throw PackageError(
                place, "has the digest \(found.ociText), expected \(digest.ociText)", outcome: .no,
                hint: "the file has changed since its digest was written down; check it, then write the new one")
        }
        return bytes
    }

    /// What a lock says of a source; everything is read, checked and, if there is a cache, kept.
    func locked(_ request: SourceRequest) throws -> LockedSource {
        switch request {
        case .file(let place, let digest):
            let bytes = try file(place, digest)
            return LockedSource(
                request: request, blobs: [.init(digest: digest, byteCount: bytes.count, mediaType: "")])
        case .image(let place, let digest, let platform):
            let (reader, image) = try image(place, digest, platform)
            for layer in image.layers { _ = try reader.bytes(of: layer.descriptor) }
            return LockedSource(
                request: request,
                blobs: image.blobs.map { .init(digest: $0.digest, byteCount: $0.size, mediaType: $0.mediaType) })
        }
    }

    /// Requires that a locked source is to be had and is what the lock says.
    func check(_ source: LockedSource) throws {
        guard try locked(source.request) == source else {
            throw PackageError(
                source.request.place, "has other blobs than the lock says", outcome: .no,
                hint: "the lock was edited by hand; run 'assay lock --update'")
        }
    }
}

extension PackageSources {
    /// These sources for a lock of `snapshot`: addresses with `{snapshot}` have the time stamp in its place, and are
    /// the only ones; without a time stamp such addresses are left out.
    public func at(snapshot: String?) -> PackageSources {
        var result = self
        guard let snapshot else {
            result.mirrors.removeAll { $0.isSnapshotService }
            return result
        }
        result.mirrors = mirrors.filter(\.isSnapshotService).map { mirror in
            Mirror(archive: mirror.archive, address: mirror.address.replacing(Mirror.snapshotMark, with: snapshot))
        }
        return result
    }
}

extension Mirror {
    static let snapshotMark = "{snapshot}"
    /// Whether the address has a place for a time stamp.
    var isSnapshotService: Bool { address.contains(Self.snapshotMark) }
}
