private import Bytes
public import Files

/// Reads an EROFS image, plain or with LZ4 in blocks of 4096 bytes, with every bound checked; what it does not know, it
/// refuses.
public struct EROFSReader: Sendable {
    /// What the superblock says.
    public struct Superblock: Sendable, Hashable {
        public var uuid: [UInt8]
        public var volumeName: [UInt8]
        /// Seconds since 1970.
        public var epoch: Int64
        public var blocks: UInt32
        public var inodes: UInt64
        public var rootNodeID: UInt16
        public var compatibleFeatures: UInt32
        public var incompatibleFeatures: UInt32
    }

    private static let maximumDepth = 128
    private let file: InputFile
    var imagePath: String { file.path }
    /// Where the image starts in the file, in bytes.
    let imageStart: Int
    /// In bytes.
    let imageSize: Int
    public let superblock: Superblock

    /// Reads the superblock and checks its checksum.
    ///
    /// - Parameter range: a partition's place in `file`, in bytes; nil for the whole file.
    public init(_ file: InputFile, in range: Range<Int>? = nil) throws {
        self.file = file
        let range = range ?? 0..<file.size
        (imageStart, imageSize) = (range.lowerBound, range.count)
        let start = EROFS.superblockOffset
        let block = try file.read(at: range.lowerBound, count: min(range.count, EROFS.blockSize))
        superblock = try block.withReader(source: file.path, base: range.lowerBound) { reader throws(FormatError) in
            try reader.skip(start, "superblock")
            let superblock = try Self.superblock(&reader)
            guard superblock.compatibleFeatures & 1 == 1 else { return superblock }
            var zeroed = block
            zeroed.replaceSubrange(start + 4..<start + 8, with: [0, 0, 0, 0])
            let expected = CRC32.castagnoli.register(zeroed[start...])
            var field = try reader.window(at: start + 4, count: 4, "checksum")
            let found: UInt32 = try field.read("checksum")
            guard found == expected else {
                throw FormatError(
                    source: file.path, offset: range.lowerBound + start + 4, field: "checksum",
                    found: hexadecimal(found),
                    expected: hexadecimal(expected), hint: "the superblock was changed; get the image again")
            }
            return superblock
        }
    }

    private static func superblock(_ reader: inout ByteReader) throws(FormatError) -> Superblock {
        try reader.expect("magic", EROFS.magic)
        try reader.skip(4, "checksum")
        let compatible: UInt32 = try reader.read("feature_compat")
        try reader.expect("blkszbits", UInt8(12))
        try reader.expect("sb_extslots", UInt8(0))
        let root: UInt16 = try reader.read("root_nid")
        let inodes: UInt64 = try reader.read("inos")
        let epoch: Int64 = try reader.read("epoch")
        try reader.skip(4, "fixed_nsec")
        let blocks: UInt32 = try reader.read("blocks")
        try reader.expect("meta_blkaddr", UInt32(0))
        try reader.skip(4, "xattr_blkaddr")
        let uuid = try reader.bytes(16, "uuid")
        let name = try reader.bytes(16, "volume_name")
        let incompatible: UInt32 = try reader.read("feature_incompat")
        return Superblock(
            uuid: uuid, volumeName: Array(name.prefix { $0 != 0 }), epoch: epoch, blocks: blocks, inodes: inodes,
            rootNodeID: root, compatibleFeatures: compatible, incompatibleFeatures: incompatible)
    }

    /// The whole tree; file contents are ranges of the image where they lie in one piece.
    public func tree() throws -> FileTree {
        guard superblock.incompatibleFeatures & ~EROFS.lz4AtBlockEnd == 0 else {
            throw FormatError(
                source: file.path, offset: imageStart + EROFS.superblockOffset + 80, field: "feature_incompat",
                found: hexadecimal(superblock.incompatibleFeatures), expected: "0, or 1 (LZ4)",
                hint: "big clusters, fragments, chunks and other compression are not read")
        }
        var tree = FileTree()
        var names: [UInt64: FileTree.Path] = [:]
        // A name takes 13 bytes or more, unless directories share blocks, which no writer does.
        var budget = imageSize / 13 + 1
        try add(
            UInt64(superblock.rootNodeID), at: .root, depth: 0, to: &tree, names: &names, budget: &budget)
        return tree
    }

    private func add(
        _ nodeID: UInt64, at path: FileTree.Path, depth: Int, to tree: inout FileTree,
        names: inout [UInt64: FileTree.Path], budget: inout Int
    ) throws {
        guard budget > 0, depth < Self.maximumDepth else {
            throw error(
                nodeID, "directory", found: "more names than the image has room for, or too many levels",
                expected: "at most \(Self.maximumDepth) levels")
        }
        budget -= 1
        let inode = try inode(nodeID)
        if let first = names[nodeID] {
            guard inode.entry.kind != .directory else {
                throw error(nodeID, "directory", found: "a second name, \(path) beside \(first)", expected: "one")
            }
            if case .file = inode.entry.kind {
                var entry = inode.entry
                entry.kind = .hardLink(first)
                tree[path] = entry
                return
            }
        }
        names[nodeID] = path
        tree[path] = inode.entry
        guard inode.entry.kind == .directory else { return }
        for (name, child) in try entries(of: inode) {
            try add(
                child, at: path.appending(name), depth: depth + 1, to: &tree,
                names: &names, budget: &budget)
        }
    }

    private func error(_ nodeID: UInt64, _ field: String, found: String, expected: String) -> FormatError {
        FormatError(
            source: file.path,
            offset: imageStart + Int(clamping: min(nodeID, UInt64(imageSize / EROFS.inodeUnit))) * EROFS.inodeUnit,
            field: field, found: found, expected: expected)
    }
}

extension EROFSReader {
    struct Inode {
        var entry: FileTree.Entry
        var data: FileTree.Content
        var offset: Int
    }

    /// Reads one inode with its attributes; its data is found but not read.
    func inode(_ nodeID: UInt64) throws -> Inode {
        guard nodeID < UInt64(imageSize / EROFS.inodeUnit) else {
            throw error(nodeID, "nid", found: hexadecimal(nodeID), expected: "an inode inside the image")
        }
        let offset = Int(nodeID) * EROFS.inodeUnit
        let bytes = try file.read(at: imageStart + offset, count: min(EROFS.blockSize * 2, imageSize - offset))
        return try bytes.withReader(source: file.path, base: imageStart + offset) { reader throws in
            try inode(at: offset, &reader)
        }
    }

    private func inode(at offset: Int, _ reader: inout ByteReader) throws -> Inode {
        let format: UInt16 = try reader.read("i_format")
        guard let layout = EROFS.Layout(rawValue: format >> 1) else {
            throw reader.error(
                "i_format", found: hexadecimal(format), expected: "layout 0, 1 or 2 (plain, LZ4 with a full index)",
                at: 0)
        }
        let isExtended = format & 1 == 1
        let attributeCount: UInt16 = try reader.read("i_xattr_icount")
        let mode: UInt16 = try reader.read("i_mode")
        var entry = FileTree.Entry(.directory, mode: mode & 0o7777, mtime: superblock.epoch)
        let size: UInt64
        let field: UInt32
        if isExtended {
            try reader.skip(2, "reserved")
            size = try reader.read("i_size")
            field = try reader.read("i_u")
            try reader.skip(4, "i_ino")
            entry.uid = try reader.read("i_uid")
            entry.gid = try reader.read("i_gid")
            entry.mtime = try reader.read("i_mtime")
            try reader.skip(4 + 4 + 16, "i_nlink")
        } else {
            try reader.skip(2, "i_nlink")
            size = UInt64(try reader.read("i_size", as: UInt32.self))
            try reader.skip(4, "reserved")
            field = try reader.read("i_u")
            try reader.skip(4, "i_ino")
            entry.uid = UInt32(try reader.read("i_uid", as: UInt16.self))
            entry.gid = UInt32(try reader.read("i_gid", as: UInt16.self))
            try reader.skip(4, "reserved")
        }
        if attributeCount > 0 { entry.xattrs = try attributes(Int(attributeCount - 1) * 4, &reader) }
        let data = try content(layout, size: size, field: field, of: offset, &reader)
        entry.kind = try kind(mode, data: data, field: field, &reader)
        return Inode(entry: entry, data: data, offset: offset)
    }

    private func attributes(_ size: Int, _ reader: inout ByteReader) throws(FormatError) -> [String: [UInt8]] {
        try reader.skip(4, "h_name_filter")
        try reader.expect("h_shared_count", UInt8(0))
        try reader.skip(7, "h_reserved")
        var area = try reader.slice(size, "extended attributes")
        var result: [String: [UInt8]] = [:]
        while !area.isAtEnd {
            let nameLength: UInt8 = try area.read("e_name_len")
            let index: UInt8 = try area.read("e_name_index")
            let valueLength: UInt16 = try area.read("e_value_size")
            guard let known = EROFS.attributePrefixes.first(where: { $0.index == index }) else {
                throw area.error("e_name_index", found: "\(index)", expected: "1, 2, 3, 4 or 6")
            }
            let name = try area.bytes(Int(nameLength), "name")
            let value = try area.bytes(Int(valueLength), "value")
            try area.skip((4 - (Int(nameLength) + Int(valueLength)) % 4) % 4, "padding")
            result[known.prefix + String(decoding: name, as: UTF8.self)] = value
        }
        return result
    }

    private func content(
        _ layout: EROFS.Layout, size: UInt64, field: UInt32, of offset: Int, _ reader: inout ByteReader
    ) throws -> FileTree.Content {
        if layout == .compressed { return try compressed(size, field, at: offset + reader.position) }
        guard size <= UInt64(imageSize) else {
            throw reader.error("i_size", found: "\(size) bytes", expected: "at most the image's \(imageSize)")
        }
        let size = Int(size)
        let tail = layout == .inline ? size % EROFS.blockSize : 0
        let inline = try reader.bytes(tail, "inline data")
        let whole = size - tail
        let start = Int(field) * EROFS.blockSize
        if whole > 0 {
            guard start <= imageSize, whole <= imageSize - start else {
                throw reader.error(
                    "i_u", found: "block \(field) for \(whole) bytes", expected: "blocks inside the image")
            }
        }
        if whole == 0 { return .bytes(inline) }
        let blocks = FileTree.Content.range(path: file.path, offset: imageStart + start, count: whole)
        return tail == 0 ? blocks : .pieces([blocks, .bytes(inline)])
    }

    /// A compressed file whose inode and attributes end at `end`.
    private func compressed(_ size: UInt64, _ blocks: UInt32, at end: Int) throws -> FileTree.Content {
        let start = end.roundedUp(toMultipleOf: 8)
        // An index entry of 8 bytes stands for 4096 bytes of the file.
        guard size <= UInt64(imageSize / 8) * UInt64(EROFS.blockSize) else {
            throw FormatError(
                source: file.path, offset: imageStart + end, field: "i_size", found: "\(size) bytes",
                expected: "a file whose index is inside the image")
        }
        let count = EROFSExtent.indexSize(of: Int(size))
        let index = try file.read(at: imageStart + start, count: min(count, max(0, imageSize - start)))
        return try index.withReader(source: file.path, base: imageStart + start) { reader throws(FormatError) in
            .compressed(try compressedContent(size: Int(size), blocks: blocks, &reader))
        }
    }

    private func kind(
        _ mode: UInt16, data: FileTree.Content, field: UInt32, _ reader: inout ByteReader
    ) throws -> FileTree.Kind {
        let major = field >> 8 & 0xFFF
        let minor = field & 0xFF | field >> 12 & ~0xFF
        switch mode & 0o170000 {
        case 0o040000: return .directory
        case 0o100000: return .file(data)
        case 0o120000:
            guard (1..<EROFS.blockSize).contains(data.count) else {
                throw reader.error("i_size", found: "\(data.count) bytes", expected: "a link target below a block")
            }
            var target: [UInt8] = []
            try data.forEachChunk { target += [UInt8](copying: $0) }
            return .symlink(target)
        case 0o020000: return .characterDevice(major: major, minor: minor)
        case 0o060000: return .blockDevice(major: major, minor: minor)
        case 0o010000: return .fifo
        case 0o140000: return .socket
        default: throw reader.error("i_mode", found: hexadecimal(mode), expected: "a known file type", at: 4)
        }
    }

    /// Names and node ids of a directory, without `.` and `..`.
    func entries(of inode: Inode) throws -> [(name: [UInt8], nodeID: UInt64)] {
        var result: [(name: [UInt8], nodeID: UInt64)] = []
        var bytes: [UInt8] = []
        try inode.data.forEachChunk { bytes += [UInt8](copying: $0) }
        try bytes.withReader(source: "\(file.path) directory of inode at \(hexadecimal(inode.offset))") {
            reader throws(FormatError) in
            while !reader.isAtEnd {
                var block = try reader.slice(min(EROFS.blockSize, reader.remaining), "directory block")
                try Self.entries(in: &block, isLast: reader.isAtEnd, into: &result)
            }
        }
        return result
    }

    private static func entries(
        in block: inout ByteReader, isLast: Bool, into result: inout [(name: [UInt8], nodeID: UInt64)]
    ) throws(FormatError) {
        var heads: [(nodeID: UInt64, nameOffset: Int)] = []
        var first = 12
        while block.position < first {
            let nodeID: UInt64 = try block.read("nid")
            let nameOffset = Int(try block.read("nameoff", as: UInt16.self))
            try block.skip(2, "file_type")
            if heads.isEmpty { first = nameOffset }
            guard nameOffset >= (heads.last?.nameOffset ?? 12), first % 12 == 0, first <= block.count else {
                throw block.error("nameoff", found: "\(nameOffset)", expected: "a rising multiple of 12 in the block")
            }
            heads.append((nodeID, nameOffset))
        }
        for (index, head) in heads.enumerated() {
            let end = index + 1 < heads.count ? heads[index + 1].nameOffset : block.count
            var window = try block.window(at: head.nameOffset, count: end - head.nameOffset, "name")
            var name = try window.bytes(window.count, "name")
            if index + 1 == heads.count { name = Array(name.prefix { $0 != 0 }) }
            guard (1...255).contains(name.count), !name.contains(0), !name.contains(UInt8(ascii: "/")) else {
                throw block.error("name", found: "\(name.count) bytes", expected: "1 to 255 without NUL and slash")
            }
            if name != [UInt8(ascii: ".")], name != Array("..".utf8) { result.append((name, head.nodeID)) }
        }
    }
}
