private import Bytes
public import Files

/// Writes a tree as an EROFS image whose bytes depend on the tree and the options alone.
///
/// Inodes come first, in path order with the root in front; then the data blocks in the same order. Equal trees give
/// equal images. The image mounts on Linux 5.10 and later.
public struct EROFSWriter {
    /// How file contents are stored.
    public enum Compression: String, Sendable, CaseIterable {
        case none
        /// LZ4 in blocks of 4096 bytes.
        case lz4

        /// The format as its revision names it.
        public var formatName: String { self == .none ? "erofs" : "erofs-lz4" }
        /// Names the bytes that the writer makes; it changes when they do.
        public var formatRevision: String { formatName + "-1" }
    }

    /// What enters the superblock beside the tree.
    public struct Options: Sendable {
        /// File-system UUID, 16 bytes in text order.
        public var uuid: [UInt8]
        /// Volume name, at most 16 bytes.
        public var volumeName: String
        /// The time that most entries have, in seconds since 1970; entries with another take a longer inode.
        public var epoch: Int64
        public var compression: Compression

        public init(uuid: [UInt8], volumeName: String = "", epoch: Int64, compression: Compression = .none) {
            self.uuid = uuid
            self.volumeName = volumeName
            self.epoch = epoch
            self.compression = compression
        }
    }

    /// Where everything went.
    public struct Result: Sendable {
        /// Size of the image in bytes, a multiple of the block size.
        public var size: Int
        /// Ranges of each regular file's bytes in the image, in file order; hard links have their target's. Of a
        /// compressed file it is the range of its blocks.
        public var ranges: [(path: FileTree.Path, ranges: [Range<Int>])]
    }

    private var inodes: [EROFSInode] = []
    private var directories: [Int: EROFSDirectory] = [:]
    private var links: [(path: FileTree.Path, inode: Int)] = []
    private let options: Options

    /// Writes `tree` to `output`, which must be empty.
    public static func write(_ tree: FileTree, _ options: Options, to output: OutputFile) throws -> Result {
        var writer = EROFSWriter(options: options)
        try writer.collect(tree)
        let metadataEnd = writer.placeInodes()
        var metadata = [UInt8](repeating: 0, count: metadataEnd.roundedUp(toMultipleOf: EROFS.blockSize))
        let blocks = try writer.writeContents(metadata: &metadata, to: output)
        try writer.writeSuperblock(blocks: blocks, into: &metadata)
        try output.appendZeros(blocks * EROFS.blockSize)
        try output.write(metadata, at: 0)
        return Result(size: blocks * EROFS.blockSize, ranges: writer.ranges())
    }

    private init(options: Options) {
        self.options = options
    }

    // MARK: layout

    /// Makes an inode for every entry but hard links, and the directories' contents.
    private mutating func collect(_ tree: FileTree) throws(EROFSError) {
        let entries = tree.sorted
        var position: [FileTree.Path: Int] = [:]
        for (path, entry) in entries {
            guard case .hardLink = entry.kind else {
                position[path] = position.count
                continue
            }
        }
        var linkCount: [FileTree.Path: Int] = [:]
        var children: [FileTree.Path: [EROFSDirectory.Entry]] = [:]
        for (path, entry) in entries {
            try check(path, entry, in: tree)
            var target = path
            if case .hardLink(let to) = entry.kind {
                target = to
                linkCount[to, default: 1] += 1
            }
            guard let inode = position[target] else { throw EROFSError(path, "links to \(target), which is not there") }
            links.append((path, inode))
            if entry.kind == .directory {
                children[path, default: []].append(.init(name: [UInt8(ascii: ".")], inode: inode, type: .directory))
                let parent = position[path.parent] ?? inode
                let up = [UInt8](repeating: UInt8(ascii: "."), count: 2)
                children[path, default: []].append(.init(name: up, inode: parent, type: .directory))
                linkCount[path, default: 0] += 2
                if path != .root { linkCount[path.parent, default: 0] += 1 }
            }
            if path != .root {
                let type = Self.type(of: entry.kind)
                children[path.parent, default: []].append(.init(name: path.name, inode: inode, type: type))
            }
        }
        for (path, entry) in entries {
            guard let index = position[path] else { continue }
            if entry.kind == .directory { directories[index] = EROFSDirectory(children[path] ?? []) }
            let size = directories[index]?.size ?? Self.size(of: entry.kind)
            inodes.append(
                try EROFSInode(
                    path: path, entry: entry, links: linkCount[path] ?? 1, size: size, epoch: options.epoch,
                    compresses: options.compression == .lz4))
        }
    }

    private func check(_ path: FileTree.Path, _ entry: FileTree.Entry, in tree: FileTree) throws(EROFSError) {
        if path == .root {
            guard entry.kind == .directory else { throw EROFSError(path, "the root is not a directory") }
            return
        }
        guard tree[path.parent]?.kind == .directory else {
            throw EROFSError(path, "its parent is not a directory of the tree", hint: "add \(path.parent)")
        }
        guard (1...255).contains(path.name.count), !path.name.contains(0), path.name != Array("..".utf8) else {
            throw EROFSError(path, "name of \(path.name.count) bytes, expected 1 to 255 without NUL")
        }
        switch entry.kind {
        case .symlink(let target) where target.isEmpty || target.count > 4095 || target.contains(0):
            throw EROFSError(path, "link target of \(target.count) bytes, expected 1 to 4095 without NUL")
        case .hardLink(let target):
            guard case .file? = tree[target]?.kind else {
                throw EROFSError(path, "links to \(target), which is not a file of the tree")
            }
        default: break
        }
    }

    private static func type(of kind: FileTree.Kind) -> EROFS.EntryType {
        switch kind {
        case .directory: .directory
        case .file, .hardLink: .file
        case .symlink: .symlink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        }
    }

    private static func size(of kind: FileTree.Kind) -> Int {
        switch kind {
        case .file(let content): content.count
        case .symlink(let target): target.count
        default: 0
        }
    }

    /// Gives every inode its offset; an inode with its inline data lies inside one block. Returns the end.
    private mutating func placeInodes() -> Int {
        var offset = EROFS.superblockOffset + EROFS.superblockSize
        for index in inodes.indices {
            let together = inodes[index].headSize + inodes[index].inlineSize
            let room = EROFS.blockSize - offset % EROFS.blockSize
            if together > room { offset += room }
            inodes[index].offset = offset
            offset = (offset + inodes[index].footprint).roundedUp(toMultipleOf: EROFS.inodeUnit)
        }
        return offset
    }

    private func ranges() -> [(path: FileTree.Path, ranges: [Range<Int>])] {
        links.compactMap { path, index in
            let inode = inodes[index]
            guard case .file = inode.entry.kind else { return nil }
            let whole = inode.layout == .compressed ? inode.blocks * EROFS.blockSize : inode.size - inode.inlineSize
            var ranges: [Range<Int>] = []
            if whole > 0 {
                let start = inode.firstBlock * EROFS.blockSize
                ranges.append(start..<start + whole)
            }
            if inode.inlineSize > 0 {
                let start = inode.offset + inode.headSize
                ranges.append(start..<start + inode.inlineSize)
            }
            return (path, ranges)
        }
    }

    // MARK: bytes

    /// Writes data, and inodes into `metadata`; returns the number of blocks of the image.
    private mutating func writeContents(metadata: inout [UInt8], to output: OutputFile) throws -> Int {
        let nodeIDs = inodes.map(\.nodeID)
        var queue = EROFSBlockQueue(firstBlock: metadata.count / EROFS.blockSize, output: output)
        for index in inodes.indices {
            let content: FileTree.Content
            switch inodes[index].entry.kind {
            case .directory: content = .bytes(directories[index]?.data(nodeIDs: nodeIDs) ?? [])
            case .symlink(let target): content = .bytes(target)
            case .file(let bytes): content = bytes
            default: continue
            }
            if inodes[index].layout == .compressed {
                try queue.compress(content, of: inodes[index], number: index)
            } else {
                try write(content, ofInode: index, metadata: &metadata, through: &queue)
            }
        }
        for (index, placed) in try queue.finish() {
            inodes[index].firstBlock = placed.firstBlock
            inodes[index].extents = placed.extents
            let inode = inodes[index]
            let map = EROFSExtent.index(of: inode.extents, size: inode.size, firstBlock: inode.firstBlock)
            let start = inode.offset + inode.indexOffset
            metadata.replaceSubrange(start..<start + map.count, with: map)
        }
        for (index, inode) in inodes.enumerated() {
            let head = inode.head(number: UInt32(truncatingIfNeeded: index + 1))
            metadata.replaceSubrange(inode.offset..<inode.offset + head.count, with: head)
        }
        return queue.nextBlock
    }

    /// Writes the whole blocks to the output and the tail behind the inode.
    private mutating func write(
        _ content: FileTree.Content, ofInode index: Int, metadata: inout [UInt8], through queue: inout EROFSBlockQueue
    ) throws {
        let inBlocks = inodes[index].size - inodes[index].inlineSize
        if inBlocks > 0 { inodes[index].firstBlock = try queue.take(inodes[index].blocks, for: inodes[index].path) }
        let inode = inodes[index]
        var done = 0
        var tail: [UInt8] = []
        try content.forEachChunk { chunk in
            let here = min(chunk.byteCount, max(0, inBlocks - done))
            if here > 0 {
                try queue.output.write(chunk.extracting(0..<here), at: inode.firstBlock * EROFS.blockSize + done)
            }
            tail += [UInt8](copying: chunk.extracting(here..<chunk.byteCount))
            done += chunk.byteCount
        }
        guard done == inode.size, tail.count == inode.inlineSize else { throw EROFSError.changed(inode, now: done) }
        let start = inode.offset + inode.headSize
        metadata.replaceSubrange(start..<start + tail.count, with: tail)
    }

    /// Superblock (erofs_fs.h, struct erofs_super_block), with its checksum over bytes 1024 to 4095.
    private func writeSuperblock(blocks: Int, into metadata: inout [UInt8]) throws(EROFSError) {
        let name = Array(options.volumeName.utf8)
        guard options.uuid.count == 16, name.count <= 16 else {
            throw EROFSError(.root, "the UUID must have 16 bytes and the volume name at most 16")
        }
        var out = ByteWriter(capacity: EROFS.superblockSize)
        out.append(EROFS.magic)
        out.append(UInt32(0))  // checksum, below
        out.append(UInt32(3))  // compatible features: checksum, mtime
        out.append(UInt8(12))  // log2 of the block size
        out.append(UInt8(0))
        out.append(UInt16(truncatingIfNeeded: inodes.first?.nodeID ?? 0))
        out.append(UInt64(inodes.count))
        out.append(options.epoch)
        out.append(UInt32(0))
        out.append(UInt32(blocks))
        out.append(UInt32(0))  // metadata starts at block 0
        out.append(UInt32(0))
        out.append(options.uuid)
        out.append(name)
        out.append(repeating: 0, count: 80 - out.count)
        out.append(options.compression == .lz4 ? EROFS.lz4AtBlockEnd : 0)  // features that a reader must know
        out.append(repeating: 0, count: EROFS.superblockSize - out.count)
        let start = EROFS.superblockOffset
        metadata.replaceSubrange(start..<start + out.count, with: out.bytes)
        let checksum = CRC32.castagnoli.register(metadata[start..<EROFS.blockSize])
        out.replace(at: 4, with: checksum)
        metadata.replaceSubrange(start..<start + out.count, with: out.bytes)
    }
}
