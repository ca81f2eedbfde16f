private import Bytes
public import Documents
public import Hashing

/// `bundle.json`: every other file of a bundle with its size and SHA-256, in canonical JSON.
///
/// The manifest is not signed. It says which files belong together; what they are worth the signed statement says.
public struct BundleManifest: Hashable, Sendable {
    public static let fileName = "bundle.json"
    public static let envelopeName = "reference.dsse.json"
    static let format = "tag:assay,2026:bundle/v1"
    /// Largest manifest, in bytes.
    static let maximumSize = 8 << 20
    /// Largest file of a bundle, in bytes.
    public static let maximumFileSize = 256 << 20
    /// Most files of a bundle.
    public static let maximumFiles = 20_000

    /// Name and version of the image.
    public let image, version: String
    /// Sorted by name.
    public let files: [File]

    public struct File: Hashable, Sendable {
        public var name: String
        /// Size in bytes.
        public var size: Int
        public var sha256: Digest

        public init(name: String, size: Int, sha256: Digest) {
            self.name = name
            self.size = size
            self.sha256 = sha256
        }
    }

    /// A manifest; refused for a name that is doubled, leaves the bundle or is both a file and a folder.
    public init(image: String, version: String, files: [File]) throws(DocumentError) {
        func refused(_ problem: String) -> DocumentError {
            DocumentError(Location(source: Self.fileName), path: "files", problem)
        }
        guard FileName.isWord(image), FileName.isWord(version) else {
            throw DocumentError(Location(source: Self.fileName), "'\(image)' and '\(version)' cannot name a bundle")
        }
        guard (1...Self.maximumFiles).contains(files.count) else {
            throw refused("found \(files.count) files, expected 1 to \(Self.maximumFiles)")
        }
        var folders: Set<String> = []
        for file in files {
            guard FileName.isValid(file.name), file.name != Self.fileName else {
                throw refused("'\(file.name)' cannot name a file of a bundle")
            }
            guard (0...Self.maximumFileSize).contains(file.size), file.sha256.algorithm == .sha256 else {
                throw refused("'\(file.name)': expected at most \(Self.maximumFileSize) bytes, and their SHA-256")
            }
            var parts = file.name.split(separator: "/").dropLast()
            while !parts.isEmpty {
                folders.insert(parts.joined(separator: "/"))
                parts = parts.dropLast()
            }
        }
        let names = Set(files.map(\.name))
        guard names.count == files.count else { throw refused("a name comes twice") }
        if let name = names.intersection(folders).min() { throw refused("'\(name)' is a file and a folder") }
        self.image = image
        self.version = version
        self.files = files.sorted { FileName.precedes($0.name, $1.name) }
    }

    /// Name of the bundle's folder.
    public var folderName: String { "\(image)-\(version).assay" }

    public func encoded() throws(DocumentError) -> [UInt8] {
        let list = files.map { file in
            Value.object([
                ("name", .string(file.name)), ("size", .count(file.size)), ("sha256", .string(file.sha256.hex)),
            ])
        }
        return try CanonicalJSON.encode(
            .object([
                ("format", .string(Self.format)), ("image", .string(image)), ("version", .string(version)),
                ("files", .array(of: list)),
            ]))
    }

    public init(parsing bytes: [UInt8]) throws(DocumentError) {
        guard bytes.count <= Self.maximumSize else {
            throw DocumentError(
                Location(source: Self.fileName), "found \(bytes.count) bytes, expected at most \(Self.maximumSize)")
        }
        var decoder = try ObjectDecoder(CanonicalJSON.parse(bytes, source: Self.fileName))
        try decoder.expect("format", Self.format)
        let image = try decoder.word("image")
        let version = try decoder.word("version")
        var files: [File] = []
        for (node, path) in try decoder.list("files") {
            var file = try ObjectDecoder(node, path: path)
            files.append(
                File(
                    name: try file.string("name"), size: try file.integer("size"),
                    sha256: try file.digest("sha256", .sha256)))
            try file.finish()
        }
        try decoder.finish()
        try self.init(image: image, version: version, files: files)
        guard try encoded() == bytes else {
            throw DocumentError(Location(source: Self.fileName), path: "files", "not sorted by name")
        }
    }
}
