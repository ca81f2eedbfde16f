private import Dispatch
public import Documents
private import Files
public import Hashing
private import Synchronization

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
        let digests = try Self.digests(of: file, [.sha256, .sha384])
        sha256 = digests[0]
        sha384 = digests[1]
    }

    /// The digests of a file, each on a processor of its own.
    private static func digests(of file: InputFile, _ algorithms: [HashAlgorithm]) throws -> [Digest] {
        let results = Mutex([Result<Digest, any Error>?](repeating: nil, count: algorithms.count))
        DispatchQueue.concurrentPerform(iterations: algorithms.count) { index in
            let result = Result {
                var hash = Hash(algorithms[index])
                try file.forEachChunk { (chunk: RawSpan) in hash.update(chunk) }
                return hash.finish()
            }
            results.withLock { $0[index] = result }
        }
        return try results.withLock { $0 }.compactMap { try $0?.get() }
    }

    /// The artifact as `artifacts.json` lists it.
    public var document: Value {
        .object([
            ("name", .string(name)), ("size", .count(size)), ("sha256", .string(sha256.hex)),
            ("sha384", .string(sha384.hex)), ("made", .string(made)), ("from", .strings(sources)),
        ])
    }
}
