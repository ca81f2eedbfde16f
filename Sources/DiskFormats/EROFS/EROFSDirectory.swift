private import Bytes

/// The data of a directory: blocks of entries, each block its entries first and their names behind.
///
///     per entry  0 8 node id · 8 2 offset of the name in the block · 10 1 type · 11 1 zero
///
/// Entries, `.` and `..` among them, are sorted by bytes over the whole directory. Every block but the last is padded
/// to 4096 bytes; the directory's size ends with the last name.
struct EROFSDirectory {
    struct Entry {
        var name: [UInt8]
        /// Position of the target in the list of inodes.
        var inode: Int
        var type: EROFS.EntryType
    }

    private static let entrySize = 12
    private var blocks: [[Entry]] = []
    /// Size of the data in bytes.
    private(set) var size = 0

    /// Lays out `entries`, which need not be sorted.
    init(_ entries: [Entry]) {
        var used = 0
        for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            let needed = Self.entrySize + entry.name.count
            if blocks.isEmpty || used + needed > EROFS.blockSize {
                blocks.append([])
                used = 0
            }
            blocks[blocks.count - 1].append(entry)
            used += needed
        }
        size = max(0, blocks.count - 1) * EROFS.blockSize + used
    }

    /// The data, once every inode has its place.
    func data(nodeIDs: [UInt64]) -> [UInt8] {
        var out = ByteWriter(capacity: size)
        for block in blocks {
            out.pad(toMultipleOf: EROFS.blockSize)
            var nameOffset = block.count * Self.entrySize
            for entry in block {
                out.append(nodeIDs[entry.inode])
                out.append(UInt16(nameOffset))
                out.append(entry.type.rawValue)
                out.append(UInt8(0))
                nameOffset += entry.name.count
            }
            for entry in block { out.append(entry.name) }
        }
        return out.bytes
    }
}
