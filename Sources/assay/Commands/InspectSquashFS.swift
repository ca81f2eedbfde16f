import DiskFormats
import Documents
import Files
import Hashing

extension FileRecognizer {
    /// A SquashFS image.
    static let squashFS = FileRecognizer(
        kind: "SquashFS image",
        matches: { $0.begins(with: "hsqs") },
        describe: { file in
            let reader = try SquashFSReader(file.file, decompressor: BlockDecompression.squashFS)
            let superblock = reader.superblock
            let tree = Result { try TreeFacts.files(of: reader.tree()) }
            return [
                ("size", .count(file.file.size)),
                ("sha256", .string(try ByteSource(file.file).digest(.sha256).hex)),
                ("compression", .string(superblock.compression.name)), ("blockSize", .count(superblock.blockSize)),
                ("time", .integer(Int64(superblock.time))), ("inodes", .integer(Int64(superblock.inodes))),
                ("fragments", .integer(Int64(superblock.fragments))), ("ids", .count(Int(superblock.ids))),
                ("flags", .hex(UInt64(superblock.flags))), ("files", TreeFacts.valueOrError(tree)),
            ]
        })
}
