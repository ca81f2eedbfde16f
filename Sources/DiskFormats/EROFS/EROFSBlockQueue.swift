private import Bytes
import Files
private import Hashing

/// Hands out an image's blocks in order, and compresses files for them some megabytes at a time.
struct EROFSBlockQueue {
    let output: OutputFile
    /// The first block that nobody has.
    private(set) var nextBlock: Int
    private var waiting: [EROFSSegment] = []
    private var placed: [Int: Placed] = [:]
    private var paths: [Int: FileTree.Path] = [:]

    /// Where a compressed file went.
    struct Placed {
        var firstBlock: Int
        var extents: [EROFSExtent]
    }

    init(firstBlock: Int, output: OutputFile) {
        nextBlock = firstBlock
        self.output = output
    }

    /// Takes blocks for a file that is not compressed; gives the first.
    mutating func take(_ count: Int, for path: FileTree.Path) throws -> Int {
        try flush()
        return try allocate(count, path)
    }

    private mutating func allocate(_ count: Int, _ path: FileTree.Path) throws(EROFSError) -> Int {
        let first = nextBlock
        nextBlock += count
        guard nextBlock < Int(UInt32.max) else { throw EROFSError(path, "the image would exceed 2^32 blocks") }
        return first
    }

    /// Compresses a file, now or soon.
    mutating func compress(_ content: FileTree.Content, of inode: EROFSInode, number: Int) throws {
        paths[number] = inode.path
        var plain: [UInt8] = []
        var start = 0
        try content.forEachChunk { chunk in
            var used = 0
            while used < chunk.byteCount {
                let taken = min(chunk.byteCount - used, EROFSExtent.segmentSize - plain.count)
                plain += [UInt8](copying: chunk.extracting(used..<used + taken))
                used += taken
                guard plain.count == EROFSExtent.segmentSize else { continue }
                try add(EROFSSegment(inode: number, start: start, plain: plain))
                start += plain.count
                plain = []
            }
        }
        guard start + plain.count == inode.size else { throw EROFSError.changed(inode, now: start + plain.count) }
        guard !plain.isEmpty else { return }
        // Linux 5.10 reads the last extent as whole blocks.
        plain += repeatElement(0, count: plain.count.roundedUp(toMultipleOf: EROFS.blockSize) - plain.count)
        try add(EROFSSegment(inode: number, start: start, plain: plain))
    }

    private mutating func add(_ segment: EROFSSegment) throws {
        waiting.append(segment)
        let bytes = waiting.reduce(0) { $0 + $1.plain.count }
        if bytes >= 4 * BlockHasher.cores * EROFSExtent.segmentSize || waiting.count >= 1024 { try flush() }
    }

    private mutating func flush() throws {
        let segments = waiting
        waiting = []
        for (segment, result) in zip(segments, EROFSSegment.compressed(segments)) {
            let first = try allocate(result.extents.count, paths[segment.inode] ?? .root)
            try output.write(result.blocks, at: first * EROFS.blockSize)
            placed[segment.inode, default: Placed(firstBlock: first, extents: [])].extents += result.extents
        }
    }

    /// Compresses what waits; gives where every compressed file went, by its number.
    mutating func finish() throws -> [(number: Int, placed: Placed)] {
        try flush()
        return placed.sorted { $0.key < $1.key }.map { (number: $0.key, placed: $0.value) }
    }
}
