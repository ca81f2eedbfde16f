private import Bytes

/// One member of a cpio archive: its header and where its data is.
public struct CPIOMember: Hashable, Sendable {
    public var inode: UInt32 = 0
    /// File type and permission bits as in `st_mode`.
    public var mode: UInt32 = 0
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0
    /// Number of members with this inode.
    public var linkCount: UInt32 = 1
    /// Seconds since 1970.
    public var mtime: UInt32 = 0
    /// Number of the device that a device node stands for.
    public var deviceMajor: UInt32 = 0
    public var deviceMinor: UInt32 = 0
    /// Path without a terminator.
    public var name: [UInt8] = []
    /// Where the data is in the archive.
    public var data: Range<Int> = 0..<0

    var type: UInt32 { mode & CPIOArchive.FileType.mask }
    /// Whether this member is a regular file.
    public var isFile: Bool { type == CPIOArchive.FileType.file }
    /// Whether this member is a directory.
    public var isDirectory: Bool { type == CPIOArchive.FileType.directory }
    /// Whether this member is a symbolic link; the target is its data.
    public var isSymlink: Bool { type == CPIOArchive.FileType.symlink }

    /// Whether this member is a character device.
    public var isCharacterDevice: Bool { type == CPIOArchive.FileType.characterDevice }
    /// Whether this member is a block device.
    public var isBlockDevice: Bool { type == CPIOArchive.FileType.blockDevice }

    /// The header, the name and its padding.
    func header(fileSize: UInt32, upperCase: Bool = false) -> [UInt8] {
        var writer = ByteWriter(capacity: CPIOArchive.headerByteCount + name.count + 4)
        writer.append(CPIOArchive.magic)
        let fields: [UInt32] = [
            inode, mode, uid, gid, linkCount, mtime, fileSize, 0, 0, deviceMajor, deviceMinor,
            UInt32(clamping: name.count + 1), 0,
        ]
        for field in fields {
            let digits = String(field, radix: 16, uppercase: upperCase)
            writer.append(repeating: UInt8(ascii: "0"), count: 8 - digits.utf8.count)
            writer.append(text: digits)
        }
        writer.append(name)
        writer.append(UInt8(0))
        writer.pad(toMultipleOf: 4)
        return writer.bytes
    }
}
