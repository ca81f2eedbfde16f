import Bytes
import Documents
import Files
import Hashing
public import LaunchMeasurement
public import ReferenceValues

/// The artifacts of a finished build, as its `artifacts.json` lists them.
public struct BuiltArtifacts: Sendable {
    public static let listName = "artifacts.json"

    /// The build's folder.
    public var folder: String
    /// Name, digests and size of each, `artifacts.json` itself included.
    public var subjects: [ReferenceStatement.Subject]
    public var formatRevisions: [String: Int]
    public var name, version, variant: String
    /// Root hash of the verified root, hex.
    public var rootHash: String
    /// The bytes of `artifacts.json`.
    var list: [UInt8]

    /// Reads the list and hashes every artifact: what is measured and published is what was built.
    public init(_ folder: String) throws {
        let path = folder + "/" + Self.listName
        guard FileSystem.exists(path) else {
            throw FileError(
                "read", path, reason: "there is no build", isInput: true,
                hint: "run 'assay build' for this image first, or name its folder with --build")
        }
        list = try InputFile.contents(of: path, limit: 16 << 20)
        self.folder = folder
        subjects = []
        formatRevisions = [:]
        (name, version, variant, rootHash) = ("", "", "", "")
        let root = try CanonicalJSON.parse(list, source: path)
        try read(root)
        subjects.append(
            .init(name: Self.listName, sha256: .of(list, .sha256), sha384: .of(list, .sha384)))
    }

    /// The members that publishing needs; what else the list says is for people.
    private mutating func read(_ root: Node) throws {
        var list = try ObjectDecoder(root)
        _ = try list.string("commandLine")
        var verity = try list.object("verity")
        rootHash = try verity.string("rootHash")
        _ = verity.remainingMembers()
        var image = try list.object("image")
        name = try image.string("name")
        version = try image.string("version")
        variant = try image.string("variant")
        for key in ["definition", "lock", "kernelRelease"] { _ = try image.string(key) }
        try image.finish()
        var revisions = try list.object("formatRevisions")
        for (key, node) in revisions.remainingMembers() {
            let path = revisions.pathOf(key)
            let text = try ObjectDecoder.string(node, path: path)
            guard text.hasPrefix(key + "-"), let number = Int(text.dropFirst(key.count + 1)), number > 0 else {
                throw DocumentError(node.location, path: path, "found '\(text)', expected \(key)-N")
            }
            formatRevisions[key] = number
        }
        for (node, path) in try list.list("artifacts") {
            var artifact = try ObjectDecoder(node, path: path)
            let name = try artifact.string("name")
            let size = try artifact.integer("size")
            let subject = try subject(name, size: size, in: &artifact)
            for key in ["made", "from"] { _ = try artifact.node(key) }
            try artifact.finish()
            subjects.append(subject)
        }
        try list.finish()
    }

    /// Hashes an artifact's file and holds it against the list.
    private func subject(
        _ name: String, size: Int, in decoder: inout ObjectDecoder
    ) throws -> ReferenceStatement.Subject {
        let listed = (try decoder.hex("sha256", count: 32), try decoder.hex("sha384", count: 48))
        guard !name.contains("/") else { throw decoder.error("name", "'\(name)' is not a file's name") }
        let file = try InputFile("\(folder)/\(name)")
        var short = Hash(.sha256)
        var long = Hash(.sha384)
        try file.forEachChunk { (chunk: RawSpan) in
            short.update(chunk)
            long.update(chunk)
        }
        let found = (short.finish(), long.finish())
        guard file.size == size, found.0.bytes == listed.0, found.1.bytes == listed.1 else {
            throw FormatError(
                source: file.path, field: name, found: "\(file.size) bytes, SHA-256 \(found.0.hex)",
                expected: "\(size) bytes, SHA-256 \(listed.0.hex)",
                hint: "the file was changed after the build; run 'assay build' again")
        }
        return .init(name: name, sha256: found.0, sha384: found.1)
    }

    /// The artifacts' places for measuring.
    public var boot: BootArtifacts {
        BootArtifacts(paths: Dictionary(uniqueKeysWithValues: subjects.map { ($0.name, folder + "/" + $0.name) }))
    }
}
