/// EROFS, the read-only file system of the images (Linux, Documentation/filesystems/erofs.rst; fs/erofs/erofs_fs.h).
///
///     0     1024  zero
///     1024   128  superblock
///     1152        inodes at multiples of 32, each with its extended attributes and perhaps the tail of its data
///     …           blocks of directories and files, 4096 bytes each
///
/// All integers are little-endian. A node id is an inode's offset divided by 32.
public enum EROFS {
    /// Block size in bytes; Linux 5.10 wants the page size.
    public static let blockSize = 4096
    /// Where the superblock starts in an image, in bytes.
    public static let superblockOffset = 1024
    static let superblockSize = 128
    static let magic: UInt32 = 0xE0F5_E1E2
    static let inodeUnit = 32
    /// EROFS_FEATURE_INCOMPAT_LZ4_0PADDING: zeros stand in front of compressed bytes, not behind.
    static let lz4AtBlockEnd: UInt32 = 1
    /// Field value of an inode without data blocks.
    static let noBlock: UInt32 = 0xFFFF_FFFF

    /// Where an inode's data is.
    enum Layout: UInt16 {
        /// All in blocks.
        case flat = 0
        /// Extents of plain text, compressed or not; their index stands behind the inode.
        case compressed = 1
        /// Whole blocks, then the tail behind the inode.
        case inline = 2
    }

    /// Type byte of a directory entry.
    enum EntryType: UInt8 {
        case file = 1
        case directory, characterDevice, blockDevice, fifo, socket, symlink
    }

    /// Prefixes of attribute names that are stored as a number, longest first.
    static let attributePrefixes: [(index: UInt8, prefix: String)] = [
        (2, "system.posix_acl_access"), (3, "system.posix_acl_default"), (1, "user."), (4, "trusted."),
        (6, "security."),
    ]

    /// The encoding of a device number in an inode (`new_encode_dev`).
    static func device(major: UInt32, minor: UInt32) -> UInt32 {
        minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
    }
}
