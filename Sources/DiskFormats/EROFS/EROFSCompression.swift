private import Bytes
private import Dispatch
private import Synchronization

/// How EROFS stores a compressed file: plain text cut into extents, each in one block of 4096 bytes (Linux,
/// fs/erofs/erofs_fs.h, `z_erofs_lcluster_index`; the extents need not end at block boundaries).
///
///     behind the inode, aligned to 8
///     0  8 map header: zero (LZ4, logical clusters of 4096 bytes)
///     8  8 zero
///     16   8 bytes a logical cluster:
///            0 2 type: 0 plain, 1 LZ4, 2 no extent starts here
///            2 2 where in it the extent starts, 0 without one
///            4 4 the extent's block; without one 2 bytes back to the cluster with a start, 2 bytes on to the next
struct EROFSExtent: Sendable, Hashable {
    enum Form: UInt16, Sendable { case plain = 0, lz4 = 1 }

    var form: Form
    /// Offset in the file, in bytes.
    var start: Int
    /// Bytes of the file.
    var count: Int
}

extension EROFSExtent {
    /// Type of a logical cluster in which no extent starts.
    static let continuation: UInt16 = 2
    /// Files are cut into segments of this size first, so that they can be compressed beside each other.
    static let segmentSize = 1 << 20

    /// Bytes of the index of a file.
    static func indexSize(of size: Int) -> Int { 16 + 8 * ((size + EROFS.blockSize - 1) / EROFS.blockSize) }

    /// The index of a file's extents, whose blocks follow each other from `firstBlock` on.
    static func index(of extents: [EROFSExtent], size: Int, firstBlock: Int) -> [UInt8] {
        let clusters = (size + EROFS.blockSize - 1) / EROFS.blockSize
        var bytes = [UInt8](repeating: 0, count: indexSize(of: size))
        func put(_ values: [UInt16], cluster: Int) {
            for (index, value) in values.enumerated() {
                bytes[16 + cluster * 8 + index * 2] = UInt8(truncatingIfNeeded: value)
                bytes[17 + cluster * 8 + index * 2] = UInt8(truncatingIfNeeded: value >> 8)
            }
        }
        for (number, extent) in extents.enumerated() {
            let head = extent.start / EROFS.blockSize
            let next = number + 1 < extents.count ? extents[number + 1].start / EROFS.blockSize : clusters
            let block = UInt32(truncatingIfNeeded: firstBlock + number)
            put(
                [
                    extent.form.rawValue, UInt16(extent.start % EROFS.blockSize), UInt16(truncatingIfNeeded: block),
                    UInt16(truncatingIfNeeded: block >> 16),
                ], cluster: head)
            for cluster in head + 1..<max(head + 1, next) {
                put([continuation, 0, UInt16(cluster - head), UInt16(next - cluster)], cluster: cluster)
            }
        }
        return bytes
    }
}

/// A piece of a file's plain text on its way into blocks.
struct EROFSSegment: Sendable {
    /// Position of the file in the list of inodes.
    var inode: Int
    /// Offset of the piece in the file.
    var start: Int
    /// At most `EROFSExtent.segmentSize` bytes; the last piece is padded with zeros to a block.
    var plain: [UInt8]
    /// Whether no piece of the file follows.
    var isLast: Bool
    /// Whether it goes into blocks as it is, without extents.
    var isStored = false

    struct Compressed: Sendable {
        var extents: [EROFSExtent] = []
        /// A block an extent.
        var blocks: [UInt8] = []
    }

    /// Cuts the piece into extents.
    ///
    /// LZ4 is worth it from the second block of plain text on; otherwise the text is stored as it is, up to the next
    /// block boundary. Compressed bytes stand at the end of their block.
    func compressed(by encoder: inout LZ4Encoder) -> Compressed {
        if isStored {
            let padding = plain.count.roundedUp(toMultipleOf: EROFS.blockSize) - plain.count
            return Compressed(blocks: plain + repeatElement(0, count: padding))
        }
        encoder.reset()
        var result = Compressed()
        var position = 0
        var packed: [UInt8] = []
        while position < plain.count {
            packed.removeAll(keepingCapacity: true)
            let taken = encoder.compress(plain, from: position, capacity: EROFS.blockSize, into: &packed)
            let end: Int
            if taken > EROFS.blockSize {
                result.blocks += repeatElement(0, count: EROFS.blockSize - packed.count)
                result.blocks += packed
                end = position + taken
            } else {
                end = (position / EROFS.blockSize + 1) * EROFS.blockSize
                result.blocks += plain[position..<end]
                result.blocks += repeatElement(0, count: EROFS.blockSize - (end - position))
            }
            result.extents.append(
                EROFSExtent(
                    form: taken > EROFS.blockSize ? .lz4 : .plain, start: start + position, count: end - position))
            position = end
        }
        return result
    }
}

/// Pieces that are being compressed on all cores, while the next ones are read.
final class EROFSCompressionBatch: Sendable {
    let segments: [EROFSSegment]
    private let results: Mutex<[EROFSSegment.Compressed]>
    private let group = DispatchGroup()

    /// Starts to compress.
    init(_ segments: [EROFSSegment]) {
        self.segments = segments
        results = Mutex([EROFSSegment.Compressed](repeating: .init(), count: segments.count))
        DispatchQueue.global().async(group: group) { [self] in
            DispatchQueue.concurrentPerform(iterations: segments.count) { index in
                var encoder = LZ4Encoder()
                let result = segments[index].compressed(by: &encoder)
                results.withLock { $0[index] = result }
            }
        }
    }

    /// Waits for the end; gives the pieces in their order.
    func finish() -> [EROFSSegment.Compressed] {
        group.wait()
        return results.withLock { $0 }
    }
}
