public import Archives
internal import Bytes
private import Files
public import Hashing
private import Transport

/// One image: a manifest chosen from what a reference names, its configuration, its layers. Every byte of it was
/// checked against the digest that led there.
public struct OCIImage: Sendable, Hashable {
    /// One layer, the lowest first.
    public struct Layer: Sendable, Hashable {
        public var descriptor: OCIDescriptor
        public var compression: Compression
        /// Digest of the uncompressed tar archive.
        public var diffID: Digest
    }

    /// Documents that were passed on the way, the first being the one that the reference names.
    public var path: [OCIDescriptor]
    /// The manifest, the last of `path`.
    public var manifest: OCIDescriptor
    /// The configuration's blob.
    public var configurationBlob: OCIDescriptor
    public var configuration: OCIConfiguration
    public var layers: [Layer]

    /// Every blob: indexes, manifest, configuration, layers.
    public var blobs: [OCIDescriptor] { path + [configurationBlob] + layers.map(\.descriptor) }
}

/// Reads images from a place, by digest.
public struct OCIImageReader: Sendable {
    public var source: any OCIBlobSource
    /// Places that are asked before the source, and the cache that keeps what the source gives.
    public var stored: OCIStoredBlobs

    private static let documentLimit = 8 << 20
    /// Indexes that lead to indexes.
    private static let mostIndexes = 4
    /// What the overlay file system stacks, and more than any registry takes.
    private static let mostLayers = 500

    public init(source: any OCIBlobSource, stored: OCIStoredBlobs = OCIStoredBlobs()) {
        self.source = source
        self.stored = stored
    }

    /// The image that a digest names: a manifest, or an index from which `platform` chooses one.
    public func image(_ digest: Digest, platform: OCIPlatform) throws -> OCIImage {
        try image(OCIDescriptor(mediaType: "", digest: digest, size: -1), platform: platform)
    }

    /// The only image of a place that lists its images. Throws if there are none or several.
    public func onlyImage(platform: OCIPlatform) throws -> OCIImage {
        let listed = try source.listed()
        guard listed.count == 1, let first = listed.first else {
            let names = listed.map { $0.name.map { "\($0) " } ?? "" + $0.digestText }
            throw PackageError(
                source.title,
                listed.isEmpty ? "lists no image" : "has several images: \(names.joined(separator: ", "))",
                hint: "name one by its digest: \(source.title)@sha256:…")
        }
        return try image(first, platform: platform)
    }

    private func image(_ start: OCIDescriptor, platform: OCIPlatform) throws -> OCIImage {
        var path: [OCIDescriptor] = []
        var next = start
        while true {
            guard path.count <= Self.mostIndexes else {
                throw PackageError(source.title, "has an index that leads through more than \(Self.mostIndexes) others")
            }
            let bytes = try bytes(of: next, limit: Self.documentLimit, isManifest: true)
            let name = "\(source.title): \(next.digestText)"
            let type = next.mediaType.isEmpty ? nil : next.mediaType
            let document = try OCIDocument(bytes, mediaType: type, source: name)
            var here = next
            here.size = bytes.count
            switch document {
            case .index(let manifests):
                if here.mediaType.isEmpty { here.mediaType = OCIMediaType.indexes[0] }
                path.append(here)
                next = try choose(manifests, platform, name)
            case .manifest(let configuration, let layers):
                if here.mediaType.isEmpty { here.mediaType = OCIMediaType.manifests[0] }
                return try image(path + [here], here, configuration, layers, platform, name)
            }
        }
    }

    /// The one manifest for a platform. An index that offers two is not guessed at.
    private func choose(
        _ manifests: [OCIDescriptor], _ platform: OCIPlatform, _ name: String
    ) throws(PackageError) -> OCIDescriptor {
        let known = OCIMediaType.manifests + OCIMediaType.indexes
        let images = manifests.filter { known.contains($0.mediaType) }
        let fitting = images.filter { $0.platform.map { platform.accepts($0) } ?? (images.count == 1) }
        if fitting.count == 1, let one = fitting.first { return one }
        let offered = manifests.compactMap(\.platform).map(\.description)
        throw PackageError(
            name,
            fitting.isEmpty
                ? "has no image for \(platform); it has \(offered.isEmpty ? "none that says its platform" : offered.joined(separator: ", "))"
                : "has \(fitting.count) images for \(platform)",
            hint: "name the platform with its variant, or the manifest's own digest")
    }

    private func image(
        _ path: [OCIDescriptor], _ manifest: OCIDescriptor, _ blob: OCIDescriptor, _ layers: [OCIDescriptor],
        _ platform: OCIPlatform, _ name: String
    ) throws -> OCIImage {
        guard OCIMediaType.configurations.contains(blob.mediaType) else {
            throw FormatError(
                source: name, field: "config.mediaType", found: "'\(blob.mediaType)'",
                expected: OCIMediaType.configurations.joined(separator: " or "),
                hint: "this is an artifact of another kind, not an image")
        }
        let bytes = try bytes(of: blob, limit: Self.documentLimit)
        let configuration = try OCIConfiguration(bytes, source: "\(source.title): config \(blob.digestText)")
        guard platform.accepts(configuration.platform) else {
            throw PackageError(
                name, "is for \(configuration.platform), not for \(platform)", hint: "name the platform that is wanted")
        }
        guard layers.count == configuration.diffIDs.count else {
            throw FormatError(
                source: name, field: "layers", found: "\(layers.count)",
                expected: "\(configuration.diffIDs.count), as many as the configuration has diff_ids")
        }
        guard (1...Self.mostLayers).contains(layers.count) else {
            throw FormatError(
                source: name, field: "layers", found: "\(layers.count)", expected: "1 to \(Self.mostLayers)")
        }
        let read = try zip(layers, configuration.diffIDs).map { layer, diffID throws(FormatError) in
            OCIImage.Layer(
                descriptor: layer, compression: try layer.layerCompression(source: "\(name): \(layer.digestText)"),
                diffID: diffID)
        }
        return OCIImage(
            path: path, manifest: manifest, configurationBlob: blob, configuration: configuration, layers: read)
    }

    /// The bytes of a blob, checked against digest and size; a size below zero is not known yet.
    public func bytes(
        of blob: OCIDescriptor, limit: Int = 8 << 30, isManifest: Bool = false
    ) throws -> [UInt8] {
        guard let cache = stored.cache else { return try fetch(blob, limit, isManifest) }
        return try cache.withLock(blob.digest) {
            let bytes = try fetch(blob, limit, isManifest)
            if !FileSystem.exists(cache.entryPath(blob.digest)) {
                try cache.insert(bytes, algorithm: blob.digest.algorithm)
            }
            return bytes
        }
    }

    private func fetch(_ blob: OCIDescriptor, _ limit: Int, _ isManifest: Bool) throws -> [UInt8] {
        let name = "\(source.title): \(blob.digestText)"
        guard blob.size <= limit else {
            throw FormatError(source: name, field: "size", found: "\(blob.size) bytes", expected: "at most \(limit)")
        }
        let most = blob.size < 0 ? limit : blob.size
        let found =
            try stored.blob(blob.digest, limit: most)
            ?? source.blob(blob.digest, limit: most, isManifest: isManifest)
        guard let bytes = found else {
            throw PackageError(
                source.title, "does not have \(blob.digestText)", outcome: .environment,
                hint: "the image is not complete here; copy all of it, for example with 'skopeo copy --all'")
        }
        guard blob.size < 0 || bytes.count == blob.size else {
            throw FormatError(
                source: name, field: "size", found: "\(bytes.count) bytes",
                expected: "\(blob.size) as its descriptor says")
        }
        let digest = Digest.of(bytes, blob.digest.algorithm)
        guard digest == blob.digest else {
            throw FormatError(
                source: name, field: "digest", found: digest.ociText, expected: blob.digestText,
                hint: "the blob was changed or damaged")
        }
        return bytes
    }
}
