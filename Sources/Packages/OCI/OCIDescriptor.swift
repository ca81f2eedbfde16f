internal import Bytes
internal import Documents
public import Hashing

/// What a blob of an OCI image is (image-spec, media-types.md; Docker image manifest V2, schema 2).
public enum OCIMediaType {
    public static let indexes = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
    public static let manifests = [
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]
    static let configurations = [
        "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json",
    ]
}

/// The reference of an index, manifest or layer list to a blob (image-spec, descriptor.md).
public struct OCIDescriptor: Sendable, Hashable {
    public var mediaType: String
    public var digest: Digest
    /// Size in bytes.
    public var size: Int
    public var platform: OCIPlatform?
    /// `org.opencontainers.image.ref.name`: the tag under which a layout lists it.
    public var name: String?

    public init(
        mediaType: String, digest: Digest, size: Int, platform: OCIPlatform? = nil, name: String? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.name = name
    }

    /// The digest as OCI writes it: `sha256:…`.
    public var digestText: String { digest.ociText }
    /// Whether it names an index of manifests.
    public var isIndex: Bool { OCIMediaType.indexes.contains(mediaType) }
}

/// What an image runs on (image-spec, image-index.md): `linux/amd64`, `linux/arm/v7`.
public struct OCIPlatform: Sendable, Hashable, CustomStringConvertible {
    public var os: String
    public var architecture: String
    public var variant: String?

    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// Reads `OS/ARCHITECTURE` or `OS/ARCHITECTURE/VARIANT`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    public var description: String { ([os, architecture] + (variant.map { [$0] } ?? [])).joined(separator: "/") }

    /// Whether an image for `other` is one for this; without a variant any will do.
    func accepts(_ other: OCIPlatform) -> Bool {
        os == other.os && architecture == other.architecture && (variant == nil || variant == other.variant)
    }
}

extension Digest {
    /// Reads `sha256:…` or `sha512:…` in lower-case hex (image-spec, descriptor.md, "Registered Algorithms").
    public init?(oci text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = HashAlgorithm(rawValue: String(parts[0])),
            [.sha256, .sha512].contains(algorithm), parts[1] == parts[1].lowercased(),
            let digest = Digest(algorithm, hex: parts[1])
        else { return nil }
        self = digest
    }

    /// The digest as OCI writes it.
    public var ociText: String { "\(algorithm.rawValue):\(hex)" }
}

extension OCIDescriptor {
    /// Largest blob that is believed to be one.
    static let largest = 1 << 40

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        mediaType = try decoder.string("mediaType")
        digest = try decoder.ociDigest("digest")
        size = try decoder.integer("size", in: 0...Self.largest)
        if var inner = try decoder.optionalObject("platform") {
            platform = OCIPlatform(
                os: try inner.string("os"), architecture: try inner.string("architecture"),
                variant: try inner.optionalString("variant"))
        }
        if var annotations = try decoder.optionalObject("annotations") {
            name = try annotations.optionalString("org.opencontainers.image.ref.name")
        }
    }
}

extension ObjectDecoder {
    mutating func ociDigest(_ key: String) throws(DocumentError) -> Digest {
        let text = try string(key)
        guard let digest = Digest(oci: text) else {
            throw error(key, "found '\(text)', expected sha256: or sha512: and lower-case hex digits")
        }
        return digest
    }
}
