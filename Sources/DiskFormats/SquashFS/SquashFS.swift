/// SquashFS 4.0, the compressed read-only file system (Linux, Documentation/filesystems/squashfs.rst;
/// fs/squashfs/squashfs_fs.h).
///
///     0    96  superblock
///     96       compressor options, blocks of files, blocks of fragments
///     …        tables of inodes, directories, fragments, exports, ids, extended attributes: metadata blocks
///
/// All integers are little-endian. A metadata block is a 16-bit header and at most 8192 bytes once decompressed; a
/// reference is a block's place in its table shifted left by 16, and an offset in the decompressed block.
public enum SquashFS {
    /// How blocks are compressed.
    public enum Compression: UInt16, Sendable, CaseIterable {
        /// A zlib stream (RFC 1950).
        case gzip = 1
        case lzma = 2
        case lzo = 3
        /// A whole .xz file.
        case xz = 4
        /// An LZ4 block, which needs no decompressor of the caller's.
        case lz4 = 5
        /// A Zstandard frame (RFC 8878).
        case zstd = 6

        public var name: String { "\(self)" }
    }

    /// Decompresses one block, which must give at most `limit` bytes; `source` names its place in errors.
    ///
    /// This module has no decompressor but LZ4's: a caller gives one that refuses what it does not know.
    public typealias Decompressor =
        @Sendable (_ compression: Compression, _ block: [UInt8], _ source: String, _ limit: Int) throws -> [UInt8]

    static let magic: UInt32 = 0x7371_7368
    static let superblockSize = 96
    /// Most bytes of a metadata block, decompressed.
    static let metadataSize = 8192
    /// "There is none", of fragments and extended attributes.
    static let none: UInt32 = 0xFFFF_FFFF

    /// Inode types; the extended forms have 7 more.
    enum InodeType: UInt16 {
        case directory = 1
        case file, symlink, blockDevice, characterDevice, fifo, socket
    }

    /// Prefixes of extended attributes, by type.
    static let attributePrefixes = ["user.", "trusted.", "security."]
}
