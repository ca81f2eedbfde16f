private import Bytes
internal import Files
private import Hashing

/// Hands out an image's blocks in order, and compresses files for them some megabytes at a time.
///
/// While one batch of pieces is compressed, the next one is read; memory does not grow with the image.
struct EROFSBlockQueue {
    let output: OutputFile
    /// The first block that nobody has.
    private(set) var nextBlock: Int
    private var waiting: [EROFSSegment] = []
    private var waitingBytes = 0
    private var running: EROFSCompressionBatch?
    /// The file whose pieces are being written.
    private var current: Placed?
    private var done: [Placed] = []

    /// Where a file went.
    struct Placed {
        /// Position of the file in the list of inodes.
        var number: Int
        var firstBlock: Int
        var extents: [EROFSExtent] = []
    }

    init(firstBlock: Int, output: OutputFile) {
        nextBlock = firstBlock
        self.output = output
    }

    /// Whether blocks of earlier files have no place yet.
    var isBusy: Bool { running != nil || !waiting.isEmpty }

    /// Takes blocks for a file that is written at once; gives the first.
    mutating func take(_ count: Int) throws -> Int {
        try drain()
        return try allocate(count)
    }

    private mutating func allocate(_ count: Int) throws(EROFSError) -> Int {
        let first = nextBlock
        nextBlock += count
        guard nextBlock < Int(UInt32.max) else { throw EROFSError(.root, "the image would exceed 2^32 blocks") }
        return first
    }

    /// Stores small contents in blocks of their own, behind what waits.
    mutating func store(_ bytes: [UInt8], number: Int) throws {
        try add(EROFSSegment(inode: number, start: 0, plain: bytes, isLast: true, isStored: true))
    }

    /// Compresses a file, now or soon.
    mutating func compress(_ content: FileTree.Content, of inode: EROFSInode, number: Int) throws {
        var plain: [UInt8] = []
        var start = 0
        func segment() -> EROFSSegment {
            let isLast = start + plain.count >= inode.size
            // Linux 5.10 reads the last extent as whole blocks.
            let padding = plain.count.roundedUp(toMultipleOf: EROFS.blockSize) - plain.count
            return EROFSSegment(
                inode: number, start: start, plain: isLast ? plain + repeatElement(0, count: padding) : plain,
                isLast: isLast)
        }
        try content.forEachChunk { chunk in
            var used = 0
            while used < chunk.byteCount {
                let taken = min(chunk.byteCount - used, EROFSExtent.segmentSize - plain.count)
                plain += [UInt8](copying: chunk.extracting(used..<used + taken))
                used += taken
                guard plain.count == EROFSExtent.segmentSize else { continue }
                try add(segment())
                start += plain.count
                plain = []
            }
        }
        guard start + plain.count == inode.size else { throw EROFSError.changed(inode, now: start + plain.count) }
        if !plain.isEmpty { try add(segment()) }
    }

    private mutating func add(_ segment: EROFSSegment) throws {
        waiting.append(segment)
        waitingBytes += segment.plain.count
        guard waitingBytes >= 4 * BlockHasher.cores * EROFSExtent.segmentSize || waiting.count >= 1024 else { return }
        try advance()
    }

    /// Starts what waits, and writes what ran before.
    private mutating func advance() throws {
        let finished = running
        running = waiting.isEmpty ? nil : EROFSCompressionBatch(waiting)
        waiting = []
        waitingBytes = 0
        if let finished { try write(finished) }
    }

    private mutating func write(_ batch: EROFSCompressionBatch) throws {
        let results = batch.finish()
        let first = try allocate(results.reduce(0) { $0 + $1.blocks.count / EROFS.blockSize })
        try output.write(Array(results.map(\.blocks).joined()), at: first * EROFS.blockSize)
        var block = first
        for (segment, result) in zip(batch.segments, results) {
            var placed = current ?? Placed(number: segment.inode, firstBlock: block)
            placed.extents += result.extents
            block += result.blocks.count / EROFS.blockSize
            if segment.isLast { done.append(placed) }
            current = segment.isLast ? nil : placed
        }
    }

    private mutating func drain() throws {
        while isBusy { try advance() }
    }

    /// The files that have a place since the last call.
    mutating func takeDone() -> [Placed] {
        defer { done = [] }
        return done
    }

    /// Compresses what waits.
    mutating func finish() throws { try drain() }
}
