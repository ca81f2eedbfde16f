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
        let metadataSize = writer.placeInodes().roundedUp(toMultipleOf: EROFS.blockSize)
        let blocks = try writer.writeContents(metadataSize: metadataSize, to: output)
        try output.appendZeros(blocks * EROFS.blockSize)
        try writer.writeSuperblock(blocks: blocks, to: output)
        return Result(size: blocks * EROFS.blockSize, ranges: writer.ranges())
    }

    private init(options: Options) {
        self.options = options
    }

    // MARK: layout

    /// Makes an inode for every entry but hard links, and the directories' contents.
    private mutating func collect(_ tree: FileTree) throws(EROFSError) {
        let entries = tree.sorted
        let position = Self.positions(entries)
        var next = 0
        var linkCount: [FileTree.Path: Int] = [:]
        var children: [FileTree.Path: [EROFSDirectory.Entry]] = [:]
        for (path, entry) in entries {
            try check(path, entry, in: tree)
            var target = path
            if case .hardLink(let to) = entry.kind {
                target = to
                linkCount[to, default: 1] += 1
            }
            guard let inode = target == path ? next : position[target] else {
                throw EROFSError(path, "links to \(target), which is not there")
            }
            if target == path { next += 1 }
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
        inodes.reserveCapacity(next)
        for (path, entry) in entries {
            if case .hardLink = entry.kind { continue }
            let index = inodes.count
            if entry.kind == .directory {
                directories[index] = EROFSDirectory(children.removeValue(forKey: path) ?? [])
            }
            let size = directories[index]?.size ?? Self.size(of: entry.kind)
            inodes.append(
                try EROFSInode(
                    path: path, entry: entry, links: linkCount[path] ?? 1, size: size, epoch: options.epoch,
                    compresses: options.compression == .lz4))
        }
    }

    /// Places in the list of inodes of all directories and of files with further names.
    private static func positions(
        _ entries: [(path: FileTree.Path, entry: FileTree.Entry)]
    ) -> [FileTree.Path: Int] {
        var targets: Set<FileTree.Path> = []
        for (_, entry) in entries {
            if case .hardLink(let target) = entry.kind { targets.insert(target) }
        }
        var positions: [FileTree.Path: Int] = [:]
        var next = 0
        for (path, entry) in entries {
            if case .hardLink = entry.kind { continue }
            if entry.kind == .directory || targets.contains(path) { positions[path] = next }
            next += 1
        }
        return positions
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
        case .socket: .socket
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

    /// Writes everything but the superblock; returns the number of blocks of the image.
    ///
    /// Inodes are written one by one: the ends of files that stand behind them are too much to keep.
    private mutating func writeContents(metadataSize: Int, to output: OutputFile) throws -> Int {
        let nodeIDs = inodes.map(\.nodeID)
        var queue = EROFSBlockQueue(firstBlock: metadataSize / EROFS.blockSize, output: output)
        for index in inodes.indices {
            let content: FileTree.Content
            switch inodes[index].entry.kind {
            case .directory: content = .bytes(directories.removeValue(forKey: index)?.data(nodeIDs: nodeIDs) ?? [])
            case .symlink(let target): content = .bytes(target)
            case .file(let bytes): content = bytes
            default: content = .bytes([])
            }
            if inodes[index].layout == .compressed {
                try queue.compress(content, of: inodes[index], number: index)
            } else {
                try write(content, ofInode: index, through: &queue)
            }
            for placed in queue.takeDone() { try finish(placed, to: output) }
        }
        try queue.finish()
        for placed in queue.takeDone() { try finish(placed, to: output) }
        return queue.nextBlock
    }

    /// Writes the inode of a file that went through the queue, with its index.
    private mutating func finish(_ placed: EROFSBlockQueue.Placed, to output: OutputFile) throws {
        let index = placed.number
        inodes[index].firstBlock = placed.firstBlock
        inodes[index].compressedBlocks = placed.extents.count
        let inode = inodes[index]
        var bytes = inode.head(number: UInt32(truncatingIfNeeded: index + 1))
        if inode.layout == .compressed {
            bytes += repeatElement(0, count: inode.indexOffset - bytes.count)
            bytes += EROFSExtent.index(of: placed.extents, size: inode.size, firstBlock: inode.firstBlock)
        }
        try output.write(bytes, at: inode.offset)
    }

    /// Writes whole blocks, and the inode with the tail behind it.
    private mutating func write(
        _ content: FileTree.Content, ofInode index: Int, through queue: inout EROFSBlockQueue
    ) throws {
        let inode = inodes[index]
        let inBlocks = inode.size - inode.inlineSize
        let waits = inBlocks > 0 && inBlocks <= EROFSExtent.segmentSize && queue.isBusy
        var firstBlock = 0
        if inBlocks > 0, !waits { firstBlock = try queue.take(inode.blocks) }
        var done = 0
        var blocks: [UInt8] = []
        var tail: [UInt8] = []
        try content.forEachChunk { chunk in
            let here = min(chunk.byteCount, max(0, inBlocks - done))
            if here > 0 {
                let part = chunk.extracting(0..<here)
                if waits {
                    blocks += [UInt8](copying: part)
                } else {
                    try queue.output.write(part, at: firstBlock * EROFS.blockSize + done)
                }
            }
            tail += [UInt8](copying: chunk.extracting(here..<chunk.byteCount))
            done += chunk.byteCount
        }
        guard done == inode.size, tail.count == inode.inlineSize else { throw EROFSError.changed(inode, now: done) }
        if waits {
            try queue.output.write(tail, at: inode.offset + inode.headSize)
            return try queue.store(blocks, number: index)
        }
        inodes[index].firstBlock = firstBlock
        let head = inodes[index].head(number: UInt32(truncatingIfNeeded: index + 1))
        try queue.output.write(head + tail, at: inode.offset)
    }

    /// Superblock (erofs_fs.h, struct erofs_super_block), with its checksum over bytes 1024 to 4095.
    private func writeSuperblock(blocks: Int, to output: OutputFile) throws {
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
        let behind = start + EROFS.superblockSize
        let inodes = try output.read(at: behind, count: EROFS.blockSize - behind)
        out.replace(at: 4, with: CRC32.castagnoli.register(out.bytes + inodes))
        try output.write(out.bytes, at: start)
    }
}
