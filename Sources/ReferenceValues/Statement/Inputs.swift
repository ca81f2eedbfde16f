private import Bytes
public import Documents
public import Hashing

/// What an image was made from: every file that people wrote or pinned, and where they are kept.
public struct Inputs: Hashable, Sendable {
    /// The repository and commit that the files come from; nil where the build does not say.
    public let source: Source?
    /// Every input file, sorted by name: the definition and the lock once each.
    public let files: [File]
    /// SHA-256 over the canonical JSON of the list of files: one digest for definition, lock, overlays and profiles.
    public let treeDigest: Digest

    /// A place in a version-controlled repository.
    public struct Source: Hashable, Sendable {
        public var repository: String
        /// The commit's identifier, lower-case hex.
        public var commit: String

        public init(repository: String, commit: String) {
            self.repository = repository
            self.commit = commit
        }
    }

    /// One input file by its path in the repository.
    public struct File: Hashable, Sendable {
        /// What a file is for.
        public enum Role: String, Sendable, CaseIterable {
            case definition, lock, overlay, profile
            /// Part of the signed index chain that the lock was resolved from.
            case index
        }
        public var name: String
        public var role: Role
        public var sha256: Digest

        public init(name: String, role: Role, sha256: Digest) {
            self.name = name
            self.role = role
            self.sha256 = sha256
        }

        var document: Value {
            .object([
                ("name", .string(name)), ("role", .string(role.rawValue)), ("sha256", .string(sha256.hex)),
            ])
        }
    }

    /// Inputs; refused without exactly one definition and one lock, or if a name is doubled or leaves the repository.
    public init(source: Source?, files: [File]) throws(DocumentError) {
        func refused(_ problem: String) -> DocumentError {
            DocumentError(Location(source: "reference statement"), path: "inputs", problem)
        }
        for role in [File.Role.definition, .lock] {
            let count = files.count { $0.role == role }
            guard count == 1 else { throw refused("found \(count) files with the role \(role.rawValue), expected 1") }
        }
        guard files.allSatisfy({ FileName.isValid($0.name) && $0.sha256.algorithm == .sha256 }) else {
            throw refused("expected relative names and SHA-256 digests")
        }
        guard Set(files.map(\.name)).count == files.count else { throw refused("a name comes twice") }
        if let source {
            let isHex = source.commit.utf8.count >= 40 && [UInt8](hex: source.commit)?.hex == source.commit
            guard isHex, !source.repository.isEmpty else {
                throw refused("expected a repository and a commit in lower-case hex, at least 40 digits")
            }
        }
        self.source = source
        self.files = files.sorted { FileName.precedes($0.name, $1.name) }
        treeDigest = .of(try CanonicalJSON.encode(.array(of: self.files.map(\.document))), .sha256)
    }

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        var source: Source?
        let sourceNode = try decoder.node("source")
        if sourceNode.value != .null {
            var inner = try ObjectDecoder(sourceNode, path: decoder.pathOf("source"))
            source = Source(repository: try inner.string("repository"), commit: try inner.string("commit"))
            try inner.finish()
        }
        var files: [File] = []
        for (node, path) in try decoder.list("files") {
            var file = try ObjectDecoder(node, path: path)
            files.append(
                File(
                    name: try file.string("name"), role: try file.choice("role"),
                    sha256: try file.digest("sha256", .sha256)))
            try file.finish()
        }
        let digest = try decoder.digest("treeDigest", .sha256)
        try decoder.finish()
        do { try self.init(source: source, files: files) } catch {
            throw DocumentError(decoder.location, path: decoder.path, error.problem)
        }
        guard digest == treeDigest else {
            throw decoder.error("treeDigest", "found \(digest), expected \(treeDigest)")
        }
    }

    var document: Value {
        let source: Value =
            source.map { .object([("repository", .string($0.repository)), ("commit", .string($0.commit))]) } ?? .null
        return .object([
            ("source", source), ("files", .array(of: files.map(\.document))), ("treeDigest", .string(treeDigest.hex)),
        ])
    }
}
