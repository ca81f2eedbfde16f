internal import Bytes
public import Files

/// The index that Kata's tardev snapshotter appends to a layer's archive, so that a guest mounts the archive itself
/// (file system "tarfs") under dm-verity; policies name the root hash over archive and index.
///
/// Layout, all numbers little-endian (kata-containers, src/tardev-snapshotter/{tarindex,tarfs-defs}): after the archive
/// follow, in breadth-first order with names sorted by bytes, the inodes (32 bytes), the directories' entries (32 bytes
/// each), the names; the last 512 bytes of the file are the superblock, at the end of the last 4096-byte block but at
/// least one block after the names, whose length that placement counts twice.
public struct TarFSIndex: Sendable {
    /// The name under which statements list the rule.
    public static let format = "kata-tarfs-2"
    private static let alignment = 4096

    /// Appends the index to the file, whose bytes until now are the archive; `archive` reads the same bytes.
    ///
    /// Members that the snapshotter leaves out of its index (long targets of symbolic links, links to no file, other
    /// types) are left out here too: the root hash has to be the same.
    public static func append(of archive: RawSpan, to file: OutputFile, source: String) throws {
        var tree = IndexTree()
        try TarHeaders.forEach(in: archive, source: source) { header in
            try tree.add(header, source: source)
        }
        let numbered = tree.numbered()
        var writer = ByteWriter()
        let inodeStart = archive.byteCount
        var offset = inodeStart + 32 * numbered.inodeCount
        var directories: [Int: (offset: Int, size: Int)] = [:]
        for node in numbered.visits where tree.isDirectory(node) {
            let size = 32 * tree.nodes[node].children.count
            directories[node] = (offset, size)
            offset += size
        }
        for node in numbered.inodes { tree.nodes[node].write(to: &writer, directory: directories[node]) }
        let names = offset
        for node in numbered.visits where tree.isDirectory(node) {
            for (name, child) in tree.sortedChildren(node) {
                writer.append(UInt64(numbered.number[child] ?? 0))
                writer.append(UInt64(offset))
                writer.append(UInt64(name.count))
                writer.append(tree.nodes[child].entryType)
                writer.append(repeating: 0, count: 7)
                offset += name.count
            }
        }
        for node in numbered.visits where tree.isDirectory(node) {
            for (name, _) in tree.sortedChildren(node) { writer.append(name) }
        }
        let end = (offset + (offset - names)).roundedUp(toMultipleOf: alignment)
        try file.append(writer.bytes)
        try file.appendZeros(end + alignment - 512 - inodeStart - writer.count)
        var superblock = ByteWriter()
        superblock.append(UInt64(inodeStart))
        superblock.append(UInt64(numbered.inodeCount))
        superblock.append(repeating: 0, count: 512 - superblock.count)
        try file.append(superblock.bytes)
    }
}

/// The tree that an index is made of. Names that stand for one file lead to one node.
private struct IndexTree {
    struct Node {
        var mode = 0
        var isOpaque = false
        /// Whether a hard link leads to it.
        var isShared = false
        var owner = 0
        var group = 0
        var mtime = 0
        var size = 0
        var offset = 0
        var children: [[UInt8]: Int] = [:]

        var type: Int { mode & 0o170000 }
        /// d_type of readdir(3).
        var entryType: UInt8 { UInt8(type >> 12) }

        func write(to writer: inout ByteWriter, directory: (offset: Int, size: Int)?) {
            writer.append(UInt16(truncatingIfNeeded: mode))
            writer.append(UInt8(isOpaque ? 1 : 0))
            writer.append(UInt8(truncatingIfNeeded: mtime >> 32 & 0xF))
            writer.append(UInt32(truncatingIfNeeded: owner))
            writer.append(UInt32(truncatingIfNeeded: group))
            writer.append(UInt32(truncatingIfNeeded: mtime))
            writer.append(UInt64(truncatingIfNeeded: directory?.size ?? size))
            writer.append(UInt64(truncatingIfNeeded: directory?.offset ?? offset))
        }
    }

    var nodes = [Node(mode: 0o040555)]
    var root = 0
    private static let whiteout = Array(".wh.".utf8)
    private static let opaque = Array(".wh..wh..opq".utf8)

    func isDirectory(_ node: Int) -> Bool { nodes[node].type == 0o040000 }

    func sortedChildren(_ node: Int) -> [(name: [UInt8], node: Int)] {
        nodes[node].children.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }

    mutating func add(_ header: TarHeader, source: String) throws(FormatError) {
        do {
            try add(header)
        } catch {
            throw FormatError(
                source: source, offset: header.headerOffset, field: "path",
                found: "'\(String(decoding: header.path, as: UTF8.self))', which leads through a file",
                expected: "directories on the way")
        }
    }

    /// A path leads through a file.
    private struct ThroughFile: Error {}

    private mutating func add(_ header: TarHeader) throws(ThroughFile) {
        if header.type == UInt8(ascii: "1") { return try link(header.path, to: header.target) }
        guard var node = Self.node(header), var path = Self.cleaned(header.path) else { return }
        if let name = path.last, name.starts(with: Self.whiteout) {
            path.removeLast()
            if name == Self.opaque {
                nodes[try find(path)].isOpaque = true
                return
            }
            let hidden = try find(path + [Array(name.dropFirst(Self.whiteout.count))])
            nodes[hidden].children = [:]
            nodes[hidden].mode = nodes[hidden].mode & ~0o170000 | 0o020000
            nodes[hidden].size = 0
            nodes[hidden].offset = 0
            return
        }
        let place = try find(path)
        node.isShared = nodes[place].isShared
        nodes[place] = node
    }

    private mutating func link(_ path: [UInt8], to target: [UInt8]) throws(ThroughFile) {
        guard let names = Self.cleaned(target) else { return }
        let existing = try find(names)
        guard nodes[existing].type == 0o100000, let place = Self.cleaned(path) else { return }
        guard let name = place.last else {
            root = existing
            return
        }
        let folder = try find(place.dropLast())
        try requireFolder(folder)
        nodes[existing].isShared = true
        nodes[folder].children[name] = existing
    }

    /// What a header describes; nil for types that the index leaves out.
    private static func node(_ header: TarHeader) -> Node? {
        var node = Node(mode: header.mode & 0o777, owner: header.uid, group: header.gid, mtime: header.mtime)
        switch header.type {
        case UInt8(ascii: "0"), 0:
            node.mode |= 0o100000
            node.size = header.size
            node.offset = header.contentOffset
        case UInt8(ascii: "2"):
            guard header.target == header.headerTarget, !header.target.isEmpty else { return nil }
            node.mode |= 0o120000
            node.size = header.target.count
            node.offset = header.headerOffset + 157
        case UInt8(ascii: "3"), UInt8(ascii: "4"):
            node.mode |= header.type == UInt8(ascii: "3") ? 0o020000 : 0o060000
            node.offset = header.device.minor | header.device.major << 32
        case UInt8(ascii: "5"): node.mode |= 0o040000
        case UInt8(ascii: "6"): node.mode |= 0o010000
        default: return nil
        }
        return node
    }

    private static func cleaned(_ path: [UInt8]) -> [[UInt8]]? {
        var names: [[UInt8]] = []
        for name in path.split(separator: UInt8(ascii: "/")) where !name.elementsEqual([0x2E]) {
            guard name.elementsEqual([0x2E, 0x2E]) else {
                names.append(Array(name))
                continue
            }
            if names.popLast() == nil { return nil }
        }
        return names
    }

    /// Refuses names below a file, or below what has several names: the tree would not end.
    private func requireFolder(_ node: Int) throws(ThroughFile) {
        guard nodes[node].type != 0o100000, !nodes[node].isShared else { throw ThroughFile() }
    }

    /// The node at a path; what is missing on the way is made, without a type.
    private mutating func find(_ names: some Sequence<[UInt8]>) throws(ThroughFile) -> Int {
        var node = root
        for name in names {
            try requireFolder(node)
            if let child = nodes[node].children[name] {
                node = child
            } else {
                nodes.append(Node())
                nodes[node].children[name] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        return node
    }

    /// Nodes in breadth-first order (a file once for each of its names), and their numbers from 1 on.
    func numbered() -> (visits: [Int], inodes: [Int], number: [Int: Int], inodeCount: Int) {
        var visits = [root]
        var index = 0
        while index < visits.count {
            visits += sortedChildren(visits[index]).map(\.node)
            index += 1
        }
        var number: [Int: Int] = [:]
        var inodes: [Int] = []
        for node in visits where number[node] == nil {
            inodes.append(node)
            number[node] = inodes.count
        }
        return (visits, inodes, number, inodes.count)
    }
}
