private import Bytes
import Documents
public import Hashing

/// A file beside a profile that measurements read, pinned by its hash.
public struct PinnedBlob: Hashable, Sendable {
    /// What it is, e.g. `acpi/tables`; unique in a profile.
    public var name: String
    /// The file's path below the profile's folder.
    public var file: String
    public var sha256: Digest
    /// Size in bytes.
    public var size: Int
    /// Where it comes from, for people.
    public var origin: String

    static func list(_ entries: [(node: Node, path: String)]) throws(DocumentError) -> [PinnedBlob] {
        var result: [PinnedBlob] = []
        for (node, path) in entries {
            var decoder = try ObjectDecoder(node, path: path)
            let blob = PinnedBlob(
                name: try decoder.string("name"), file: try decoder.relativePath("file"),
                sha256: try decoder.digest("sha256", .sha256), size: try decoder.integer("size", in: 0...1 << 26),
                origin: try decoder.string("origin"))
            try decoder.finish()
            guard !result.contains(where: { $0.name == blob.name }) else {
                throw DocumentError(node.location, path: path, "the blob '\(blob.name)' is given twice")
            }
            result.append(blob)
        }
        return result
    }

    var document: Value {
        .object([
            ("name", .string(name)), ("file", .string(file)), ("sha256", .string(sha256.hex)),
            ("size", .count(size)), ("origin", .string(origin)),
        ])
    }
}

/// The run of a VMM that a profile's blobs were captured from: enough to capture them again.
public struct BlobCapture: Hashable, Sendable {
    /// Name and version of the package, and the SHA-256 of the program's file in it.
    public var package, version: String
    public var programSHA256: Digest
    /// All arguments after the program's name.
    public var arguments: [String]

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        package = try decoder.string("package")
        version = try decoder.string("version")
        programSHA256 = try decoder.digest("programSHA256", .sha256)
        arguments = try decoder.strings("arguments")
        try decoder.finish()
    }

    var document: Value {
        .object([
            ("package", .string(package)), ("version", .string(version)),
            ("programSHA256", .string(programSHA256.hex)),
            ("arguments", .array(of: arguments.map { .string($0) })),
        ])
    }
}
