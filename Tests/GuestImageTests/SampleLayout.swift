import Bytes
import Documents
import Files
import Hashing
import TestSupport

/// An OCI image layout made by rule in a folder.
struct SampleLayout {
    let path: String
    private(set) var manifest: [UInt8] = []
    /// Digest of the manifest.
    private(set) var digest = Digest.zero(.sha256)

    static let tar = "application/vnd.oci.image.layer.v1.tar"

    /// One layer: its archive and, where it is stored packed, the stored bytes.
    struct Layer {
        var archive: [UInt8]
        var stored: [UInt8]?
        var mediaType = SampleLayout.tar
        /// Claimed in place of the real ones.
        var diffID: Digest?
        var size: Int?
        var digest: Digest?

        init(_ archive: [UInt8], stored: [UInt8]? = nil, mediaType: String = SampleLayout.tar) {
            self.archive = archive
            self.stored = stored
            self.mediaType = mediaType
        }
    }

    /// Writes a layout with one image of these layers; `change` may alter manifest and configuration.
    init(
        _ folder: TemporaryFolder, _ layers: [Layer], platform: (String, String) = ("linux", "amd64"),
        manifestType: String = "application/vnd.oci.image.manifest.v1+json",
        configurationType: String = "application/vnd.oci.image.config.v1+json"
    ) throws {
        path = folder.file("layout")
        try folder.write("layout/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        let diffIDs = layers.map { ($0.diffID ?? .of($0.archive, .sha256)).hex }
        let configuration = try CanonicalJSON.encode(
            .object([
                ("os", .string(platform.0)), ("architecture", .string(platform.1)),
                (
                    "rootfs",
                    .object([
                        ("type", .string("layers")),
                        ("diff_ids", .array(of: diffIDs.map { .string("sha256:" + $0) })),
                    ])
                ),
                (
                    "config",
                    .object([
                        ("Entrypoint", .array(of: [.string("/app")])), ("Cmd", .null),
                        ("Env", .array(of: [.string("A=1")])),
                    ])
                ),
            ]))
        let listed = try layers.map { layer throws in
            let stored = layer.stored ?? layer.archive
            let digest = try write(stored)
            return Self.descriptor(layer.mediaType, layer.digest ?? digest, layer.size ?? stored.count)
        }
        manifest = try CanonicalJSON.encode(
            .object([
                ("schemaVersion", .count(2)), ("mediaType", .string(manifestType)),
                ("config", Self.descriptor(configurationType, try write(configuration), configuration.count)),
                ("layers", .array(of: listed)),
            ]))
        digest = try write(manifest)
        try writeIndex([Self.descriptor(manifestType, digest, manifest.count)])
    }

    static func descriptor(
        _ mediaType: String, _ digest: Digest, _ size: Int, platform: (String, String)? = nil
    ) -> Value {
        var members: [(String, Value)] = [
            ("mediaType", .string(mediaType)), ("digest", .string("sha256:" + digest.hex)), ("size", .count(size)),
        ]
        if let platform {
            members.append(
                ("platform", .object([("os", .string(platform.0)), ("architecture", .string(platform.1))])))
        }
        return .object(members)
    }

    /// Adds a blob.
    @discardableResult
    func write(_ blob: [UInt8]) throws -> Digest {
        let digest = Digest.of(blob, .sha256)
        try FileSystem.makeDirectory(path + "/blobs/sha256")
        try OutputFile.write(blob, to: "\(path)/blobs/sha256/\(digest.hex)")
        return digest
    }

    /// Replaces `index.json`.
    func writeIndex(_ manifests: [Value]) throws {
        let index = try CanonicalJSON.encode(
            .object([("schemaVersion", .count(2)), ("manifests", .array(of: manifests))]))
        try OutputFile.write(index, to: path + "/index.json")
    }
}

extension TarBytes {
    mutating func directory(_ name: String, mode: Int = 0o755) {
        add(Array((name + "/").utf8), type: "5", mode: mode)
    }

    mutating func file(_ name: String, _ text: String, mode: Int = 0o644) {
        add(Array(name.utf8), contents: Array(text.utf8), mode: mode)
    }

    mutating func link(_ name: String, _ target: String, hard: Bool = false) {
        add(Array(name.utf8), type: hard ? "1" : "2", link: Array(target.utf8), mode: 0o777)
    }

    /// An archive by its members.
    static func archive(_ build: (inout TarBytes) -> Void) -> [UInt8] {
        var tar = TarBytes()
        build(&tar)
        return tar.closed
    }
}
