internal import Archives
internal import Bytes
internal import Documents
public import Hashing

/// An index or a manifest, as its bytes say (image-spec, image-index.md and manifest.md). Unknown keys are passed over,
/// as the specification asks.
enum OCIDocument {
    case index([OCIDescriptor])
    case manifest(configuration: OCIDescriptor, layers: [OCIDescriptor])

    private static let limit = 8 << 20
    private static let mostEntries = 1000

    /// Reads the document that a descriptor or reference has led to; `mediaType` is what the descriptor says of it.
    init(_ bytes: [UInt8], mediaType: String?, source: String) throws {
        var decoder = try ObjectDecoder(
            JSONReader.parse(bytes, source: source, mode: .foreign, limit: Self.limit))
        guard try decoder.integer("schemaVersion") == 2 else {
            throw decoder.error("schemaVersion", "expected 2", hint: "Docker's schema 1 has no digests of layers")
        }
        let own = try decoder.optionalString("mediaType")
        if let own, let mediaType, own != mediaType {
            throw decoder.error("mediaType", "found '\(own)', but what leads here says '\(mediaType)'")
        }
        // OCI 1.0 left the field out; then one of the two lists tells.
        let isIndex = decoder.has("manifests")
        guard isIndex != decoder.has("layers") else {
            throw decoder.error("manifests", "expected either 'manifests' or 'layers'")
        }
        let expected = isIndex ? OCIMediaType.indexes : OCIMediaType.manifests
        if let type = own ?? mediaType, !expected.contains(type) {
            throw decoder.error("mediaType", "found '\(type)', expected \(expected.joined(separator: " or "))")
        }
        if isIndex {
            self = .index(try Self.descriptors(&decoder, "manifests"))
        } else {
            let configuration = try OCIDescriptor(decoder.object("config"))
            self = .manifest(configuration: configuration, layers: try Self.descriptors(&decoder, "layers"))
        }
    }

    private static func descriptors(
        _ decoder: inout ObjectDecoder, _ key: String
    ) throws(DocumentError) -> [OCIDescriptor] {
        let list = try decoder.list(key)
        guard list.count <= mostEntries else {
            throw decoder.error(key, "found \(list.count) entries, expected at most \(mostEntries)")
        }
        var result: [OCIDescriptor] = []
        for (node, path) in list { result.append(try OCIDescriptor(ObjectDecoder(node, path: path))) }
        return result
    }
}

/// What an image says of itself and of the process to start (image-spec, config.md).
public struct OCIConfiguration: Sendable, Hashable {
    public var platform: OCIPlatform
    /// Digest of each layer's uncompressed tar archive, the lowest first.
    public var diffIDs: [Digest]
    public var entrypoint: [String] = []
    public var command: [String] = []
    /// `NAME=VALUE` each.
    public var environment: [String] = []
    public var workingDirectory: String?
    /// `user`, `uid`, `user:group`, `uid:gid`; nil is root.
    public var user: String?
    /// Sorted by name.
    public var labels: [(name: String, value: String)] = []

    public static func == (a: Self, b: Self) -> Bool { a.facts == b.facts }
    public func hash(into hasher: inout Hasher) { hasher.combine(facts) }

    private var facts: [[String]] {
        [
            [platform.description, workingDirectory ?? "", user ?? ""], diffIDs.map(\.hex), entrypoint, command,
            environment, labels.map { "\($0.name)=\($0.value)" },
        ]
    }

    init(_ bytes: [UInt8], source: String) throws {
        var decoder = try ObjectDecoder(JSONReader.parse(bytes, source: source, mode: .foreign, limit: 8 << 20))
        platform = OCIPlatform(
            os: try decoder.string("os"), architecture: try decoder.string("architecture"),
            variant: try decoder.optionalString("variant"))
        var root = try decoder.object("rootfs")
        guard try root.string("type") == "layers" else { throw root.error("type", "expected 'layers'") }
        diffIDs = []
        for (node, path) in try root.list("diff_ids") {
            let text = try ObjectDecoder.string(node, path: path)
            guard let digest = Digest(oci: text) else {
                throw DocumentError(node.location, path: path, "found '\(text)', expected sha256: and 64 hex digits")
            }
            diffIDs.append(digest)
        }
        guard let node = decoder.optionalNode("config"), node.value != .null else { return }
        try readProcess(ObjectDecoder(node, path: "config"))
    }

    private mutating func readProcess(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        entrypoint = try decoder.nullableStrings("Entrypoint")
        command = try decoder.nullableStrings("Cmd")
        environment = try decoder.nullableStrings("Env")
        workingDirectory = try decoder.optionalString("WorkingDir").flatMap { $0.isEmpty ? nil : $0 }
        user = try decoder.optionalString("User").flatMap { $0.isEmpty ? nil : $0 }
        guard let node = decoder.optionalNode("Labels"), node.value != .null else { return }
        var inner = try ObjectDecoder(node, path: decoder.pathOf("Labels"))
        for (key, node) in inner.remainingMembers() {
            labels.append((key, try ObjectDecoder.string(node, path: inner.pathOf(key))))
        }
        labels.sort { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }
}

extension ObjectDecoder {
    /// A list of strings that may be missing or null.
    fileprivate mutating func nullableStrings(_ key: String) throws(DocumentError) -> [String] {
        guard let node = optionalNode(key), node.value != .null else { return [] }
        var result: [String] = []
        for (node, path) in try Self.list(node, path: pathOf(key)) {
            result.append(try Self.string(node, path: path))
        }
        return result
    }
}

extension OCIDescriptor {
    /// How a layer is packed. Throws for what is no layer of files.
    func layerCompression(source: String) throws(FormatError) -> Compression {
        let oci = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar"]
        let docker = [
            "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
        ]
        for (bases, marks) in [
            (oci, ["": .none, "+gzip": .gzip, "+zstd": .zstd]),
            (docker, ["": .none, ".gzip": .gzip, ".zstd": .zstd]),
        ] as [([String], [String: Compression])] {
            for base in bases where mediaType.hasPrefix(base) {
                if let compression = marks[String(mediaType.dropFirst(base.count))] { return compression }
            }
        }
        throw FormatError(
            source: source, field: "mediaType", found: "'\(mediaType)'",
            expected: "a layer: tar, tar+gzip or tar+zstd of OCI or Docker",
            hint: "encrypted layers and artifacts that are no images cannot become a root")
    }
}
