public import Documents
private import Files
public import Hashing

/// One file that a build wrote, by size and hashes.
public struct Artifact: Sendable, Hashable {
    /// Its name in the output directory: `root.erofs`, `uki.efi`, …
    public var name: String
    /// Size in bytes.
    public var size: Int
    public var sha256: Digest
    public var sha384: Digest
    /// How it was made, in one sentence.
    public var made: String
    /// Names of the artifacts that it was made from.
    public var sources: [String]

    /// Hashes the file `name` in `directory`.
    init(_ name: String, in directory: String, made: String, from sources: [String] = []) throws {
        self.name = name
        self.made = made
        self.sources = sources
        let file = try InputFile("\(directory)/\(name)")
        size = file.size
        var short = Hash(.sha256)
        var long = Hash(.sha384)
        try file.forEachChunk { (chunk: RawSpan) in
            short.update(chunk)
            long.update(chunk)
        }
        sha256 = short.finish()
        sha384 = long.finish()
    }

    /// The artifact as `artifacts.json` lists it.
    public var document: Value {
        .object([
            ("name", .string(name)), ("size", .count(size)), ("sha256", .string(sha256.hex)),
            ("sha384", .string(sha384.hex)), ("made", .string(made)), ("from", .strings(sources)),
        ])
    }
}
