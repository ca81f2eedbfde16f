internal import Documents
public import Hashing

/// What a definition takes by hash from outside of package archives.
public enum SourceRequest: Sendable, Hashable {
    /// An OCI image; its place is a path relative to the definition's folder, or `HOST/NAME`.
    case image(place: String, digest: Digest, platform: OCIPlatform)
    /// A tar archive or any other file; its place is such a path, or an address.
    case file(place: String, digest: Digest)

    /// Where it is to be found; only a suggestion, as its digest decides.
    public var place: String {
        switch self {
        case .image(let place, digest: _, platform: _), .file(let place, digest: _): place
        }
    }

    public var digest: Digest {
        switch self {
        case .image(place: _, let digest, platform: _), .file(place: _, let digest): digest
        }
    }

    /// Whether a place is an address to fetch from.
    public static func isAddress(_ place: String) -> Bool {
        ["http://", "https://", "file://"].contains { place.hasPrefix($0) && place.utf8.count > $0.utf8.count }
            && place.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// Such a thing as a lock pins it: every blob that it consists of.
public struct LockedSource: Sendable, Hashable {
    /// One blob: a file itself; of an image the index, manifest, configuration and layers, in this order.
    public struct Blob: Sendable, Hashable {
        public var digest: Digest
        public var byteCount: Int
        /// Empty for a file.
        public var mediaType: String
    }

    public var request: SourceRequest
    public var blobs: [Blob]
}

extension SourceRequest {
    var members: [(String, Value)] {
        switch self {
        case .image(let place, let digest, let platform):
            [
                ("image", .string(place)), ("digest", .string(digest.ociText)),
                ("platform", .string(platform.description)),
            ]
        case .file(let place, let digest): [("file", .string(place)), ("digest", .string(digest.ociText))]
        }
    }

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        let digest = try decoder.ociDigest("digest")
        if let place = try decoder.optionalString("image") {
            let text = try decoder.string("platform")
            guard let platform = OCIPlatform(text) else {
                throw decoder.error("platform", "found '\(text)', expected OS/ARCHITECTURE")
            }
            self = .image(place: place, digest: digest, platform: platform)
        } else {
            self = .file(place: try decoder.string("file"), digest: digest)
        }
    }
}

extension LockedSource {
    var document: Value {
        let list = blobs.map { blob -> Value in
            .object(
                [("digest", .string(blob.digest.ociText)), ("size", .count(blob.byteCount))]
                    + (blob.mediaType.isEmpty ? [] : [("mediaType", .string(blob.mediaType))]))
        }
        return .object(request.members + [("blobs", .array(of: list))])
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        request = try SourceRequest(&decoder)
        blobs = []
        for (node, path) in try decoder.list("blobs") {
            var inner = try ObjectDecoder(node, path: path)
            blobs.append(
                Blob(
                    digest: try inner.ociDigest("digest"),
                    byteCount: try inner.integer("size", in: 0...OCIDescriptor.largest),
                    mediaType: try inner.optionalString("mediaType") ?? ""))
            try inner.finish()
        }
        guard blobs.contains(where: { $0.digest == request.digest }) else {
            throw decoder.error("blobs", "has no blob with the digest that is asked for")
        }
        try decoder.finish()
    }
}
