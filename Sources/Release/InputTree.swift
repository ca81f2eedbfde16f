import Bytes
import Documents
public import Files
public import Hashing

/// The files that a release follows from: definition, lock, overlay files and platform profiles.
///
/// Its digest is what a reference statement names as its source. It covers names and bytes, never owners, modes or
/// times, so that a clone, a tarball and a bundle give the same digest.
public struct InputTree: Sendable {
    /// One input: its name with the root it belongs to (`image/…`, `platforms/NAME/…`) and the file behind it.
    public struct Item: Sendable {
        public var name: String
        public var path: String
    }

    /// Sorted by name, in byte order.
    public private(set) var items: [Item] = []

    public init() {}

    /// Adds every file below `folder` under `root`. A link or a device there is refused: its target is not an input.
    public mutating func add(folder: String, as root: String) throws(FileError) {
        for name in try FileSystem.filesBelow(folder) {
            let path = folder + "/" + name
            guard FileSystem.kind(of: path) == .file else {
                throw FileError(
                    "read", path, reason: "not a regular file", hint: "inputs of a release are regular files only")
            }
            items.append(Item(name: root + "/" + name, path: path))
        }
        items.sort { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    /// SHA-256 over the canonical JSON list of `{name, sha256}` in name order.
    public func digest() throws -> Digest {
        var list: [Value] = []
        for item in items {
            let digest = Digest.of(try InputFile.contents(of: item.path), .sha256)
            list.append(.object([("name", .string(item.name)), ("sha256", .string(digest.hex))]))
        }
        return Digest.of(try CanonicalJSON.encode(.array(of: list)), .sha256)
    }
}
