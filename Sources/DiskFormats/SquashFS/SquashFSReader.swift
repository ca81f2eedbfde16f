private import Bytes
public import Files

/// Reads a SquashFS 4.0 image with every bound checked; what it does not know, it refuses.
public struct SquashFSReader: Sendable {
    private let volume: SquashFSVolume
    public var superblock: SquashFS.Superblock { volume.superblock }

    /// Reads the superblock of `file`; blocks are decompressed by `decompressor`.
    public init(_ file: InputFile, decompressor: @escaping SquashFS.Decompressor) throws {
        volume = try SquashFSVolume(file, decompressor: decompressor)
    }

    /// The whole tree; the contents of files are decompressed as they are read.
    public func tree() throws -> FileTree {
        var walk = SquashFSWalk(volume)
        try walk.add(superblock.root, at: .root, depth: 0, expecting: nil)
        return walk.tree
    }
}

/// A tree while it is read.
private struct SquashFSWalk {
    private static let maximumDepth = 128
    private static let maximumAttributes = 64 << 20
    var tree = FileTree()
    private let volume: SquashFSVolume
    private var metadata: SquashFSMetadata
    /// The first name of each inode, by its place.
    private var names: [UInt64: FileTree.Path] = [:]
    private var attributes: [UInt32: [String: [UInt8]]] = [:]
    /// Names, blocks and bytes of attributes that may still come: what a small image can claim is bounded.
    private var nameBudget: Int
    private var blockBudget: Int
    private var attributeBudget = maximumAttributes

    init(_ volume: SquashFSVolume) {
        self.volume = volume
        metadata = SquashFSMetadata(volume)
        nameBudget = volume.superblock.byteCount / 2 + 65_536
        blockBudget = volume.superblock.byteCount / 64 + 1 << 20
    }

    /// Adds the inode at a place and all below it; a directory's entry says which type and number it expects.
    mutating func add(
        _ reference: UInt64, at path: FileTree.Path, depth: Int, expecting: (type: UInt16, number: UInt32)?
    ) throws {
        nameBudget -= 1
        guard nameBudget > 0, depth < Self.maximumDepth else {
            throw volume.error(
                "directory", found: "more names than the image has room for, or too many levels",
                expected: "at most \(Self.maximumDepth) levels")
        }
        guard let place = SquashFSMetadata.Cursor(reference, in: volume.superblock.inodeTable),
            place.block < volume.superblock.directoryTable
        else {
            throw volume.error(
                "inode", found: hexadecimal(reference), expected: "a place in the inode table")
        }
        let inode = try SquashFSInode(&metadata, at: place, budget: &blockBudget)
        try check(inode, at: place, reference, path, expecting)
        var entry = try entry(of: inode, at: place)
        if let first = names[reference] {
            guard inode.type != .directory else {
                throw volume.error(
                    at: place.block, "directory", found: "a second name, \(path) beside \(first)", expected: "one")
            }
            if case .file = entry.kind { entry.kind = .hardLink(first) }
        } else {
            names[reference] = path
        }
        tree[path] = entry
        guard case .directory(let block, let offset, let size) = inode.form else { return }
        let listing = SquashFSMetadata.Cursor(block: volume.superblock.directoryTable + block, offset: offset)
        for child in try entries(at: listing, size: size) {
            let inner = path.appending(child.name)
            try add(child.reference, at: inner, depth: depth + 1, expecting: (child.type, child.number))
        }
    }

    private mutating func check(
        _ inode: SquashFSInode, at place: SquashFSMetadata.Cursor, _ reference: UInt64, _ path: FileTree.Path,
        _ expecting: (type: UInt16, number: UInt32)?
    ) throws {
        if let expecting, expecting != (inode.type.rawValue, inode.number) {
            throw volume.error(
                at: place.block, "inode of \(path)", found: "number \(inode.number), type \(inode.type.rawValue)",
                expected: "number \(expecting.number), type \(expecting.type), as its directory says")
        }
        guard inode.number > 0, inode.number <= volume.superblock.inodes, expecting != nil || inode.type == .directory
        else {
            throw volume.error(
                at: place.block, "inode of \(path)", found: "number \(inode.number), type \(inode.type.rawValue)",
                expected: "a number up to \(volume.superblock.inodes), and a directory for the root")
        }
        guard let table = volume.superblock.exportTable else { return }
        let exported = try metadata.entry(Int(inode.number) - 1, size: 8, inTableAt: table, "export table") {
            reader throws(FormatError) in try reader.read("inode", as: UInt64.self)
        }
        guard exported == reference else {
            throw volume.error(
                at: table, "export table", found: hexadecimal(exported),
                expected: "\(hexadecimal(reference)), where inode \(inode.number) is")
        }
    }

    private mutating func entry(of inode: SquashFSInode, at place: SquashFSMetadata.Cursor) throws -> FileTree.Entry {
        let kind: FileTree.Kind
        switch (inode.type, inode.form) {
        case (.directory, _): kind = .directory
        case (_, .file(let start, let size, let words, let fragment, let offset)):
            kind = .file(try content(start, size, words, fragment, offset))
        case (_, .symlink(let target)): kind = .symlink(target)
        case (.blockDevice, .device(let number)):
            kind = .blockDevice(major: Self.major(number), minor: Self.minor(number))
        case (_, .device(let number)):
            kind = .characterDevice(major: Self.major(number), minor: Self.minor(number))
        case (.socket, _): kind = .socket
        default: kind = .fifo
        }
        guard inode.permissions & ~0o7777 == 0 else {
            throw volume.error(
                at: place.block, "mode", found: String(inode.permissions, radix: 8), expected: "permission bits")
        }
        return FileTree.Entry(
            kind, mode: inode.permissions, uid: try owner(inode.uid), gid: try owner(inode.gid),
            mtime: Int64(inode.time), xattrs: try attributes(inode.attributes))
    }

    private static func major(_ device: UInt32) -> UInt32 { device >> 8 & 0xFFF }
    private static func minor(_ device: UInt32) -> UInt32 { device & 0xFF | device >> 12 & ~0xFF }

    private mutating func content(
        _ start: Int, _ size: Int, _ words: [UInt32], _ fragment: UInt32, _ offset: Int
    ) throws -> FileTree.Content {
        if size == 0 { return .bytes([]) }
        var tail: SquashFSContent.Tail?
        if fragment != SquashFS.none {
            guard let table = volume.superblock.fragmentTable, fragment < volume.superblock.fragments else {
                throw volume.error(
                    "fragment", found: "\(fragment)", expected: "one of \(volume.superblock.fragments)")
            }
            tail = try metadata.entry(Int(fragment), size: 16, inTableAt: table, "fragment table") {
                reader throws(FormatError) in
                let block: UInt64 = try reader.read("start_block")
                let word: UInt32 = try reader.read("size")
                return SquashFSContent.Tail(block: Int(clamping: block), word: word, offset: offset)
            }
        }
        return .squashFS(
            SquashFSContent(volume: volume, start: start, words: words, tail: tail, count: size))
    }

    private mutating func owner(_ index: UInt16) throws -> UInt32 {
        guard index < volume.superblock.ids else {
            throw volume.error("uid", found: "index \(index)", expected: "one of \(volume.superblock.ids) ids")
        }
        return try metadata.entry(Int(index), size: 4, inTableAt: volume.superblock.idTable, "id table") {
            reader throws(FormatError) in try reader.read("id")
        }
    }
}

extension SquashFSWalk {
    private struct Child {
        var name: [UInt8]
        var reference: UInt64
        var type: UInt16
        var number: UInt32
    }

    /// A listing: headers of 12 bytes (entries - 1, inode block, inode number), each with up to 256 entries of 8 bytes
    /// (offset, number as a difference, type, length of the name - 1) and a name.
    private mutating func entries(at place: SquashFSMetadata.Cursor, size: Int) throws -> [Child] {
        var cursor = place
        var children: [Child] = []
        var left = size
        while left > 0 {
            let (count, block, base) = try metadata.record(12, at: &cursor, "directory header") {
                reader throws(FormatError) in
                let count: UInt32 = try reader.read("count")
                guard count < 256 else {
                    throw reader.error("count", found: "\(count)", expected: "less than 256", at: 0)
                }
                return (
                    Int(count) + 1, UInt64(try reader.read("start_block", as: UInt32.self)),
                    try reader.read("inode_number", as: UInt32.self)
                )
            }
            left -= 12
            for _ in 0..<count {
                let (child, used) = try entry(at: &cursor, block: block, base: base)
                left -= used
                guard left >= 0, children.last.map({ $0.name.lexicographicallyPrecedes(child.name) }) ?? true,
                    children.count < nameBudget
                else {
                    throw volume.error(
                        at: cursor.block, "directory", found: "entry \(String(decoding: child.name, as: UTF8.self))",
                        expected: "rising names, up to the listing's end")
                }
                children.append(child)
            }
        }
        return children
    }

    private mutating func entry(
        at cursor: inout SquashFSMetadata.Cursor, block: UInt64, base: UInt32
    ) throws -> (Child, Int) {
        let (offset, delta, type, length) = try metadata.record(8, at: &cursor, "directory entry") {
            reader throws(FormatError) in
            (
                UInt64(try reader.read("offset", as: UInt16.self)), try reader.read("inode", as: Int16.self),
                try reader.read("type", as: UInt16.self), Int(try reader.read("size", as: UInt16.self)) + 1
            )
        }
        guard length <= 256 else {
            throw volume.error(at: cursor.block, "size", found: "\(length)", expected: "a name of at most 256 bytes")
        }
        let name = try metadata.read(length, at: &cursor, "name")
        guard !name.contains(0), !name.contains(UInt8(ascii: "/")), name != [0x2E], name != [0x2E, 0x2E] else {
            throw volume.error(at: cursor.block, "name", found: name.hex, expected: "a name")
        }
        let number = base &+ UInt32(bitPattern: Int32(delta))
        return (Child(name: name, reference: block << 16 | offset, type: type, number: number), 8 + length)
    }

    /// The attributes of an index, read once.
    private mutating func attributes(_ index: UInt32) throws -> [String: [UInt8]] {
        guard index != SquashFS.none else { return [:] }
        if let known = attributes[index] { return known }
        guard let table = volume.superblock.attributeTable else {
            throw volume.error("xattr", found: "index \(index)", expected: "none, as there is no table")
        }
        // 0 8 where the attributes start · 8 4 their sets · 12 4 unused; then the places of the sets' blocks.
        let (start, sets) = try volume.bytes(at: table, count: 16, "xattr table").withReader(
            source: volume.file.path, base: table
        ) { reader throws(FormatError) in
            (try reader.read("xattr_table_start", as: UInt64.self), try reader.read("xattr_ids", as: UInt32.self))
        }
        guard index < sets, start < UInt64(volume.superblock.byteCount) else {
            throw volume.error(at: table, "xattr", found: "index \(index)", expected: "one of \(sets)")
        }
        let (reference, count) = try metadata.entry(Int(index), size: 16, inTableAt: table + 16, "xattr ids") {
            reader throws(FormatError) in
            (try reader.read("xattr", as: UInt64.self), Int(try reader.read("count", as: UInt32.self)))
        }
        guard let place = SquashFSMetadata.Cursor(reference, in: Int(start)) else {
            throw volume.error(at: table, "xattr", found: hexadecimal(reference), expected: "a place in the table")
        }
        var cursor = place
        var result: [String: [UInt8]] = [:]
        for _ in 0..<count {
            let (name, value) = try attribute(at: &cursor, start: Int(start))
            result[name] = value
        }
        attributes[index] = result
        return result
    }

    private mutating func attribute(
        at cursor: inout SquashFSMetadata.Cursor, start: Int
    ) throws -> (String, [UInt8]) {
        let (type, size) = try metadata.record(4, at: &cursor, "xattr") { reader throws(FormatError) in
            (Int(try reader.read("type", as: UInt16.self)), Int(try reader.read("size", as: UInt16.self)))
        }
        guard SquashFS.attributePrefixes.indices.contains(type & 0xFF), type & ~0x1FF == 0, size > 0, size <= 255 else {
            throw volume.error(
                at: cursor.block, "xattr", found: "type \(hexadecimal(type)), name of \(size) bytes",
                expected: "user, trusted or security, and a name")
        }
        let name = try metadata.read(size, at: &cursor, "xattr name")
        var place = cursor
        var count = try valueSize(at: &cursor)
        if type & 0x100 != 0 {
            // The value stands elsewhere; here is where.
            let reference = try metadata.record(8, at: &cursor, "xattr value") { reader throws(FormatError) in
                try reader.read("xattr value", as: UInt64.self)
            }
            guard count == 8, let other = SquashFSMetadata.Cursor(reference, in: start) else {
                throw volume.error(
                    at: cursor.block, "xattr value", found: hexadecimal(reference), expected: "a place in the table")
            }
            place = other
            count = try valueSize(at: &place)
        } else {
            place = cursor
        }
        attributeBudget -= size + count
        guard attributeBudget >= 0 else {
            throw volume.error(
                at: cursor.block, "xattr", found: "more than \(Self.maximumAttributes) bytes", expected: "fewer")
        }
        let value = try metadata.read(count, at: &place, "xattr value")
        if type & 0x100 == 0 { cursor = place }
        return (SquashFS.attributePrefixes[type & 0xFF] + String(decoding: name, as: UTF8.self), value)
    }

    private mutating func valueSize(at cursor: inout SquashFSMetadata.Cursor) throws -> Int {
        let size = try metadata.record(4, at: &cursor, "xattr value") { reader throws(FormatError) in
            Int(try reader.read("vsize", as: UInt32.self))
        }
        guard size <= 65_536 else {
            throw volume.error(at: cursor.block, "vsize", found: "\(size)", expected: "at most 65536")
        }
        return size
    }
}
