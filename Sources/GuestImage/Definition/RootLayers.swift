internal import Documents
public import Hashing
public import Packages

extension ImageDefinition {
    /// One source of layers that a root is made of, in place of packages.
    public enum RootLayer: Sendable, Hashable {
        /// An OCI image's layers.
        case image(place: String, digest: Digest, platform: OCIPlatform)
        /// A tar archive as one layer; its place is a path relative to the definition, or an address.
        case archive(place: String, digest: Digest)

        /// What a lock pins for it.
        var request: SourceRequest {
            switch self {
            case .image(let place, let digest, let platform):
                .image(place: place, digest: digest, platform: platform)
            case .archive(let place, let digest): .file(place: place, digest: digest)
            }
        }
    }

    /// What layers may hold beside files, directories and links.
    public enum Devices: String, Sendable, CaseIterable {
        /// Devices and pipes are errors.
        case refuse
        case keep
    }

    /// Everything that is taken by hash from outside of package archives, each once, in the definition's order.
    public var sourceRequests: [SourceRequest] {
        let edits = [root.edits, initrd.edits] + (debug.map { [$0.root, $0.initrd] } ?? [])
        let files = edits.flatMap(\.files).compactMap { file -> SourceRequest? in
            guard case .download(let address, let digest) = file.source else { return nil }
            return .file(place: address, digest: digest)
        }
        var result: [SourceRequest] = []
        for request in root.layers.map(\.request) + files where !result.contains(request) { result.append(request) }
        return result
    }
}

extension ImageDefinition.RootLayer {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        if decoder.has("oci") {
            self = try Self.image(&decoder)
        } else {
            let key = decoder.has("url") ? "url" : "tar"
            let place = try decoder.string(key)
            guard key == "url" ? SourceRequest.isAddress(place) : !place.isEmpty else {
                throw decoder.error(key, "found '\(place)', expected an http, https or file address")
            }
            self = .archive(place: place, digest: try decoder.sha256("sha256"))
        }
        try decoder.finish()
    }

    private static func image(_ decoder: inout ObjectDecoder) throws(DocumentError) -> Self {
        let text = try decoder.string("oci")
        let reference: OCIReference
        do {
            reference = try OCIReference(parsing: text)
        } catch {
            throw decoder.error("oci", error.problem, hint: error.hint)
        }
        guard let digest = reference.digest else {
            throw decoder.error("oci", "found '\(text)', expected PATH@sha256:… or HOST/NAME@sha256:…")
        }
        let platform = try decoder.optionalString("platform") ?? "linux/amd64"
        guard let wanted = OCIPlatform(platform) else {
            throw decoder.error("platform", "found '\(platform)', expected OS/ARCHITECTURE such as linux/amd64")
        }
        return .image(place: reference.place, digest: digest, platform: wanted)
    }

    var document: Value {
        switch self {
        case .image(let place, let digest, let platform):
            .object([
                ("oci", .string(place + "@" + digest.ociText)), ("platform", .string(platform.description)),
            ])
        case .archive(let place, let digest):
            .object([
                (SourceRequest.isAddress(place) ? "url" : "tar", .string(place)), ("sha256", .string(digest.hex)),
            ])
        }
    }
}

extension ImageDefinition.Root {
    /// Members of a document; none where the root is made of packages.
    var layerMembers: [(String, Value)] {
        (layers.isEmpty ? [] : [("layers", .array(of: layers.map(\.document)))])
            + (devices == .refuse ? [] : [("devices", .string(devices.rawValue))])
    }
}

extension ObjectDecoder {
    /// The layers of a root; an empty list where there are none.
    mutating func rootLayers() throws(DocumentError) -> [ImageDefinition.RootLayer] {
        var result: [ImageDefinition.RootLayer] = []
        for (node, path) in try optionalList("layers") {
            result.append(try ImageDefinition.RootLayer(ObjectDecoder(node, path: path)))
        }
        if has("layers"), result.isEmpty { throw error("layers", "is empty; name at least one") }
        return result
    }

    /// A snapshot service's time stamp.
    mutating func snapshot() throws(DocumentError) -> String? {
        guard let text = try optionalString("snapshot") else { return nil }
        let digits = text.utf8.filter { (0x30...0x39).contains($0) }
        guard text.utf8.count == 16, digits.count == 14, text.hasSuffix("Z"), text.dropFirst(8).first == "T" else {
            throw error("snapshot", "found '\(text)', expected a time stamp such as 20261101T000000Z")
        }
        return text
    }

    /// A SHA-256 in lower-case hex.
    mutating func sha256(_ key: String) throws(DocumentError) -> Digest {
        guard let digest = Digest(.sha256, bytes: try hex(key, count: 32)) else {
            throw error(key, "expected 64 hex digits")
        }
        return digest
    }
}

extension JSONSchema {
    /// The form of a root's layers.
    static var rootLayers: JSONSchema {
        let digest = JSONSchema.hex(32)
        let image = JSONSchema.object(
            [
                (
                    "oci",
                    .text(
                        "PATH@sha256:… or HOST/NAME@sha256:…", pattern: "^.+@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$")
                ), ("platform", .text("OS/ARCHITECTURE", pattern: "^[^/]+/[^/]+(/[^/]+)?$")),
            ], optional: ["platform"])
        let archive = JSONSchema.object([
            ("tar", .text("A path relative to the definition.", pattern: "^.+$")), ("sha256", digest),
        ])
        let address = JSONSchema.object([("url", .address), ("sha256", digest)])
        return .list(.either([image, archive, address]), minimum: 1)
    }

    static var address: JSONSchema { .text("Where to fetch it.", pattern: "^(https?|file)://[!-~]+$") }
}
