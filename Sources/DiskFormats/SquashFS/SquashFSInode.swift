internal import Bytes

/// One inode as stored; what it points to is not read.
///
/// All begin with 0 2 type · 2 2 permissions · 4 2 uid index · 6 2 gid index · 8 4 time · 12 4 number. Then:
///
///     1 directory         16 4 block · 20 4 links · 24 2 size + 3 · 26 2 offset · 28 4 parent
///     8   extended        16 4 links · 20 4 size + 3 · 24 4 block · 28 4 parent · 32 2 indexes · 34 2 offset · 36 4 xattr
///     2 file              16 4 start · 20 4 fragment · 24 4 offset · 28 4 size · size words
///     9   extended        16 8 start · 24 8 size · 32 8 sparse · 40 4 links · 44 4 fragment · 48 4 offset · 52 4 xattr
///     3 link (10)         16 4 links · 20 4 size · target · (4 xattr)
///     4, 5 device (11…)   16 4 links · 20 4 device · (24 4 xattr)
///     6, 7 fifo … (13…)   16 4 links · (20 4 xattr)
struct SquashFSInode {
    enum Form {
        /// Place of the listing in the directory table, and its size.
        case directory(block: Int, offset: Int, size: Int)
        case file(start: Int, size: Int, words: [UInt32], fragment: UInt32, offset: Int)
        case symlink([UInt8])
        case device(UInt32)
        case other
    }

    var type: SquashFS.InodeType
    var permissions: UInt16
    var uid, gid: UInt16
    var time: UInt32
    var number: UInt32
    var form: Form
    /// Index of its extended attributes, or `SquashFS.none`.
    var attributes = SquashFS.none
}

extension SquashFSInode {
    /// Reads the inode at `cursor`; `budget` is the number of size words that may still be read.
    init(_ metadata: inout SquashFSMetadata, at place: SquashFSMetadata.Cursor, budget: inout Int) throws {
        var cursor = place
        let field = "inode"
        var isExtended = false
        self = try metadata.record(16, at: &cursor, field) { reader throws(FormatError) in
            let number: UInt16 = try reader.read("type")
            isExtended = number > 7
            guard let type = SquashFS.InodeType(rawValue: isExtended ? number - 7 : number) else {
                throw reader.error("type", found: "\(number)", expected: "1 to 14", at: 0)
            }
            let permissions: UInt16 = try reader.read("mode")
            let uid: UInt16 = try reader.read("uid")
            let gid: UInt16 = try reader.read("guid")
            let time: UInt32 = try reader.read("mtime")
            return SquashFSInode(
                type: type, permissions: permissions, uid: uid, gid: gid, time: time,
                number: try reader.read("inode_number"), form: .other)
        }
        switch type {
        case .directory: try readDirectory(&metadata, &cursor, isExtended)
        case .file: try readFile(&metadata, &cursor, isExtended, &budget)
        case .symlink:
            let size = try metadata.record(8, at: &cursor, field) { reader throws(FormatError) in
                try reader.skip(4, "nlink")
                return Int(try reader.read("symlink_size", as: UInt32.self))
            }
            guard (1...4096).contains(size) else {
                throw metadata.volume.error(
                    at: place.block, "symlink_size", found: "\(size)", expected: "1 to 4096")
            }
            form = .symlink(try metadata.read(size, at: &cursor, "symlink"))
            if isExtended { attributes = try Self.word(&metadata, &cursor, "xattr") }
        case .blockDevice, .characterDevice:
            _ = try Self.word(&metadata, &cursor, "nlink")
            form = .device(try Self.word(&metadata, &cursor, "rdev"))
            if isExtended { attributes = try Self.word(&metadata, &cursor, "xattr") }
        case .fifo, .socket:
            _ = try Self.word(&metadata, &cursor, "nlink")
            if isExtended { attributes = try Self.word(&metadata, &cursor, "xattr") }
        }
    }

    private static func word(
        _ metadata: inout SquashFSMetadata, _ cursor: inout SquashFSMetadata.Cursor, _ field: String
    ) throws -> UInt32 {
        try metadata.record(4, at: &cursor, field) { reader throws(FormatError) in try reader.read(field) }
    }

    private mutating func readDirectory(
        _ metadata: inout SquashFSMetadata, _ cursor: inout SquashFSMetadata.Cursor, _ isExtended: Bool
    ) throws {
        let found = try metadata.record(isExtended ? 24 : 16, at: &cursor, "directory inode") {
            reader throws(FormatError) in
            let block: UInt32
            let size: Int
            if isExtended {
                try reader.skip(4, "nlink")
                size = Int(try reader.read("file_size", as: UInt32.self))
                block = try reader.read("start_block")
                try reader.skip(6, "parent_inode")
            } else {
                block = try reader.read("start_block")
                try reader.skip(4, "nlink")
                size = Int(try reader.read("file_size", as: UInt16.self))
            }
            let offset: UInt16 = try reader.read("offset")
            guard size >= 3 else { throw reader.error("file_size", found: "\(size)", expected: "3 or more") }
            let attributes = isExtended ? try reader.read("xattr", as: UInt32.self) : SquashFS.none
            // Three more than the listing has: `.` and `..` are counted and not stored.
            return (form: Form.directory(block: Int(block), offset: Int(offset), size: size - 3), attributes)
        }
        form = found.form
        attributes = found.1
    }

    private mutating func readFile(
        _ metadata: inout SquashFSMetadata, _ cursor: inout SquashFSMetadata.Cursor, _ isExtended: Bool,
        _ budget: inout Int
    ) throws {
        typealias Head = (start: UInt64, size: UInt64, fragment: UInt32, offset: UInt32, attributes: UInt32)
        let head: Head = try metadata.record(isExtended ? 40 : 16, at: &cursor, "file inode") {
            reader throws(FormatError) in
            if isExtended {
                let start: UInt64 = try reader.read("start_block")
                let size: UInt64 = try reader.read("file_size")
                try reader.skip(12, "nlink")
                let fragment: UInt32 = try reader.read("fragment")
                return (start, size, fragment, try reader.read("offset"), try reader.read("xattr"))
            }
            let start: UInt32 = try reader.read("start_block")
            let fragment: UInt32 = try reader.read("fragment")
            let offset: UInt32 = try reader.read("offset")
            return (
                UInt64(start), UInt64(try reader.read("file_size", as: UInt32.self)), fragment, offset, SquashFS.none
            )
        }
        attributes = head.attributes
        let volume = metadata.volume
        let blockSize = volume.superblock.blockSize
        guard let size = Int(exactly: head.size), head.start <= UInt64(volume.superblock.byteCount),
            Int(head.offset) < blockSize
        else {
            throw volume.error(
                at: cursor.block, "file inode", found: "\(head.size) bytes at \(hexadecimal(head.start))",
                expected: "a file of the image")
        }
        let whole = size / blockSize
        let count = head.fragment == SquashFS.none && size % blockSize > 0 ? whole + 1 : whole
        guard count <= budget else {
            throw volume.error(
                at: cursor.block, "file_size", found: "\(size) bytes in \(count) blocks",
                expected: "fewer blocks than that, all files together")
        }
        budget -= count
        var words: [UInt32] = []
        while words.count < count {
            let piece = min(2048, count - words.count)
            words += try metadata.record(piece * 4, at: &cursor, "block_list") { reader throws(FormatError) in
                var words: [UInt32] = []
                for _ in 0..<piece { words.append(try reader.read("block_list")) }
                return words
            }
        }
        form = .file(
            start: Int(head.start), size: size, words: words, fragment: head.fragment, offset: Int(head.offset))
    }
}
