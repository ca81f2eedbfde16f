private import Bytes

/// One inode while an image is laid out: what will be written, and where.
struct EROFSInode {
    var path: FileTree.Path
    var entry: FileTree.Entry
    /// Names that lead to it; for a directory 2 and its subdirectories.
    var links: UInt32
    /// Size of its data in bytes.
    var size: Int
    var attributes: [UInt8]
    var isExtended: Bool
    var layout: EROFS.Layout
    /// Offset of the inode in the image.
    var offset = 0
    /// First data block; meaningless without whole blocks.
    var firstBlock = 0
    /// Blocks of a compressed file, once it is written.
    var compressedBlocks = 0

    init(
        path: FileTree.Path, entry: FileTree.Entry, links: Int, size: Int, epoch: Int64, compresses: Bool = false
    ) throws(EROFSError) {
        self.path = path
        self.entry = entry
        self.size = size
        guard let links = UInt32(exactly: links) else { throw EROFSError(path, "has too many links") }
        self.links = links
        attributes = try Self.attributes(of: entry, at: path)
        isExtended =
            entry.uid > 0xFFFF || entry.gid > 0xFFFF || links > 0xFFFF || size > 0xFFFF_FFFF || entry.mtime != epoch
        layout = .inline
        let tail = size % EROFS.blockSize
        if tail == 0 || headSize + tail > EROFS.blockSize { layout = .flat }
        if case .file = entry.kind, compresses, size > EROFS.blockSize { layout = .compressed }
    }

    /// Inode and attributes in bytes.
    var headSize: Int { (isExtended ? 64 : 32) + attributes.count }
    /// Bytes of data that stand behind the inode.
    var inlineSize: Int { layout == .inline ? size % EROFS.blockSize : 0 }
    /// Data blocks; of a compressed file once it is written.
    var blocks: Int {
        switch layout {
        case .inline: size / EROFS.blockSize
        case .flat: size.roundedUp(toMultipleOf: EROFS.blockSize) / EROFS.blockSize
        case .compressed: compressedBlocks
        }
    }
    /// Where the index of a compressed file stands, counted from the inode.
    var indexOffset: Int { headSize.roundedUp(toMultipleOf: 8) }
    /// Everything that stands at the inode's place, in bytes.
    var footprint: Int {
        layout == .compressed ? indexOffset + EROFSExtent.indexSize(of: size) : headSize + inlineSize
    }
    var nodeID: UInt64 { UInt64(offset / EROFS.inodeUnit) }

    /// File type bits and permissions.
    var mode: UInt16 {
        let type: UInt16 =
            switch entry.kind {
            case .directory: 0o040000
            case .file, .hardLink: 0o100000
            case .symlink: 0o120000
            case .characterDevice: 0o020000
            case .blockDevice: 0o060000
            case .fifo: 0o010000
            case .socket: 0o140000
            }
        return type | entry.mode & 0o7777
    }

    var entryType: EROFS.EntryType {
        switch entry.kind {
        case .directory: .directory
        case .file, .hardLink: .file
        case .symlink: .symlink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .socket: .socket
        }
    }

    /// The field that holds the first block, the number of compressed blocks, or the device number.
    private var blockField: UInt32 {
        switch entry.kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            EROFS.device(major: major, minor: minor)
        case .fifo, .socket: 0
        case .file where layout == .compressed: UInt32(truncatingIfNeeded: blocks)
        default: blocks > 0 ? UInt32(firstBlock) : EROFS.noBlock
        }
    }

    /// The inode and its attributes as stored.
    ///
    ///     compact (32)                        extended (64)
    ///     0x00 2 format: layout << 1          0x00 2 format: layout << 1 | 1
    ///     0x02 2 attribute count              0x02 2 attribute count
    ///     0x04 2 mode                         0x04 2 mode
    ///     0x06 2 links                        0x06 2 zero
    ///     0x08 4 size                         0x08 8 size
    ///     0x0c 4 zero                         0x10 4 first block or device
    ///     0x10 4 first block or device        0x14 4 inode number
    ///     0x14 4 inode number                 0x18 4 uid
    ///     0x18 2 uid                          0x1c 4 gid
    ///     0x1a 2 gid                          0x20 8 mtime
    ///     0x1c 4 zero                         0x28 4 nanoseconds
    ///                                         0x2c 4 links
    ///                                         0x30   zero
    func head(number: UInt32) -> [UInt8] {
        var out = ByteWriter(capacity: headSize)
        let attributeCount = attributes.isEmpty ? 0 : UInt16(1 + (attributes.count - 12) / 4)
        out.append(layout.rawValue << 1 | (isExtended ? 1 : 0))
        out.append(attributeCount)
        out.append(mode)
        if isExtended {
            out.append(UInt16(0))
            out.append(UInt64(size))
            out.append(blockField)
            out.append(number)
            out.append(entry.uid)
            out.append(entry.gid)
            out.append(entry.mtime)
            out.append(UInt32(0))
            out.append(links)
            out.append(repeating: 0, count: 16)
        } else {
            out.append(UInt16(links))
            out.append(UInt32(size))
            out.append(UInt32(0))
            out.append(blockField)
            out.append(number)
            out.append(UInt16(entry.uid))
            out.append(UInt16(entry.gid))
            out.append(UInt32(0))
        }
        out.append(attributes)
        return out.bytes
    }

    /// Attributes behind the inode: a header of 12 bytes, then entries in order of their full names, padded to 4.
    private static func attributes(of entry: FileTree.Entry, at path: FileTree.Path) throws(EROFSError) -> [UInt8] {
        guard !entry.xattrs.isEmpty else { return [] }
        var out = ByteWriter()
        out.append(repeating: 0, count: 12)
        for (name, value) in entry.xattrs.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            guard let known = EROFS.attributePrefixes.first(where: { name.hasPrefix($0.prefix) }) else {
                throw EROFSError(path, "extended attribute '\(name)' has no known prefix")
            }
            let rest = Array(name.utf8.dropFirst(known.prefix.utf8.count))
            guard let nameLength = UInt8(exactly: rest.count), let valueLength = UInt16(exactly: value.count) else {
                throw EROFSError(path, "extended attribute '\(name)' is too long")
            }
            out.append(nameLength)
            out.append(known.index)
            out.append(valueLength)
            out.append(rest)
            out.append(value)
            out.pad(toMultipleOf: 4)
        }
        guard out.count <= EROFS.blockSize - 64 else { throw EROFSError(path, "extended attributes exceed a block") }
        return out.bytes
    }
}
