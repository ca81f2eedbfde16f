internal import Bytes

extension SquashFS {
    /// The superblock.
    ///
    ///     0  4 magic "hsqs"        4  4 inodes           8  4 time           12 4 block size
    ///     16 4 fragments           20 2 compression      22 2 log2 of it     24 2 flags
    ///     26 2 ids                 28 2 major, 4         30 2 minor, 0       32 8 root inode
    ///     40 8 bytes used          48 8 id table         56 8 xattr table    64 8 inode table
    ///     72 8 directory table     80 8 fragment table   88 8 export table
    public struct Superblock: Sendable, Hashable {
        public var inodes: UInt32
        /// Seconds since 1970.
        public var time: UInt32
        /// Bytes of a file's blocks, decompressed.
        public var blockSize: Int
        public var fragments: UInt32
        public var compression: Compression
        public var flags: UInt16
        public var ids: UInt16
        /// Size of the file system in bytes; files are padded behind it.
        public var byteCount: Int
        var root: UInt64
        /// Offsets in the file; nil where there is no such table.
        var idTable, inodeTable, directoryTable: Int
        var attributeTable, fragmentTable, exportTable: Int?
    }
}

extension SquashFS.Superblock {
    /// Reads the first 96 bytes of a file of `size` bytes.
    init(parsing reader: inout ByteReader, size: Int) throws(FormatError) {
        try reader.expect("magic", SquashFS.magic)
        inodes = try reader.read("inodes")
        time = try reader.read("mkfs_time")
        let block: UInt32 = try reader.read("block_size")
        blockSize = Int(block)
        fragments = try reader.read("fragments")
        let number: UInt16 = try reader.read("compression")
        guard let known = SquashFS.Compression(rawValue: number) else {
            throw reader.error("compression", found: "\(number)", expected: "1 to 6", at: 20)
        }
        compression = known
        let log: UInt16 = try reader.read("block_log")
        guard (12...20).contains(log), blockSize == 1 << Int(log) else {
            throw reader.error(
                "block_size", found: "\(blockSize), logarithm \(log)", expected: "a power of two from 4 KiB to 1 MiB",
                at: 12)
        }
        flags = try reader.read("flags")
        guard flags & 0xF000 == 0 else {
            throw reader.error("flags", found: hexadecimal(flags), expected: "known flags, up to 0xfff", at: 24)
        }
        ids = try reader.read("no_ids")
        guard ids > 0, inodes > 0 else {
            throw reader.error("no_ids", found: "\(ids) ids, \(inodes) inodes", expected: "some of each", at: 26)
        }
        try reader.expect("s_major", UInt16(4))
        try reader.expect("s_minor", UInt16(0))
        root = try reader.read("root_inode")
        let used: UInt64 = try reader.read("bytes_used")
        guard used >= SquashFS.superblockSize, used <= UInt64(size) else {
            throw reader.error(
                "bytes_used", found: "\(used)", expected: "at most the file's \(size)", at: 40,
                hint: "the file may be cut short")
        }
        byteCount = Int(used)
        idTable = 0
        inodeTable = 0
        directoryTable = 0
        idTable = try place("id_table_start", &reader)
        attributeTable = try optionalPlace("xattr_id_table_start", &reader)
        inodeTable = try place("inode_table_start", &reader)
        directoryTable = try place("directory_table_start", &reader)
        fragmentTable = try optionalPlace("fragment_table_start", &reader)
        exportTable = try optionalPlace("lookup_table_start", &reader)
        guard inodeTable < directoryTable else {
            throw reader.error(
                "directory_table_start", found: "\(directoryTable)",
                expected: "a place behind the inodes' \(inodeTable)",
                at: 72)
        }
    }

    private func place(_ field: String, _ reader: inout ByteReader) throws(FormatError) -> Int {
        guard let place = try optionalPlace(field, &reader) else {
            throw reader.error(field, found: "none", expected: "a place in the file", at: reader.position - 8)
        }
        return place
    }

    private func optionalPlace(_ field: String, _ reader: inout ByteReader) throws(FormatError) -> Int? {
        let value: UInt64 = try reader.read(field)
        guard value != .max else { return nil }
        guard value >= SquashFS.superblockSize, value < UInt64(byteCount) else {
            throw reader.error(
                field, found: hexadecimal(value), expected: "a place in \(byteCount) bytes", at: reader.position - 8)
        }
        return Int(value)
    }
}
