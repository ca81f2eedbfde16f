private import Bytes
public import Documents
private import Files
public import Hashing
internal import Packages
private import Verity

/// The dm-verity root hash of one layer as policies of confidential containers name it.
///
/// Data is the layer's uncompressed tar archive with the index of Kata's tardev snapshotter behind it (`TarFSIndex`);
/// the tree has SHA-256, blocks of 4096 bytes on both sides, hash type 1, a salt of 32 zero bytes, and no superblock
/// (kata-containers, genpolicy).
public struct LayerVerity: Sendable, Hashable {
    /// The rule's name.
    public static let format = TarFSIndex.format

    public var root: Digest
    /// Data blocks of 4096 bytes, the index included.
    public var dataBlocks: Int
    /// Size of the uncompressed archive in bytes.
    public var archiveSize: Int

    /// Hashes the archive at `path`; `scratch` is a path for the indexed copy, which is removed.
    public init(ofArchive path: String, scratch: String, source: String) throws {
        let output = try OutputFile(scratch)
        let archive = try MappedFile(path)
        try archive.withBytes { (bytes: RawSpan) throws in
            try output.append(bytes)
            try TarFSIndex.append(of: bytes, to: output, source: source)
        }
        archiveSize = archive.size
        dataBlocks = output.count / 4096
        try output.commit(durable: false)
        let parameters = try VerityParameters(salt: [UInt8](repeating: 0, count: 32), dataBlocks: dataBlocks)
        root = try VerityTree(parameters).rootHash(of: InputFile(scratch))
        try FileSystem.remove(scratch)
    }

    /// The facts as documents list them.
    public var document: Value {
        .object([
            ("format", .string(TarFSIndex.format)), ("rootHash", .string(root.hex)), ("dataBlocks", .count(dataBlocks)),
            ("blockSize", .count(4096)), ("algorithm", .string("sha256")),
            ("salt", .string(String(repeating: "0", count: 64))),
        ])
    }
}
