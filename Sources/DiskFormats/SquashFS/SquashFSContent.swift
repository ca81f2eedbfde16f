internal import Bytes

/// A file of a SquashFS image: blocks, one after another, and perhaps a piece of a fragment block at its end.
public struct SquashFSContent: Sendable, Hashable {
    /// A piece of a fragment block.
    struct Tail: Sendable, Hashable {
        /// Where the fragment block is in the image, and its size word.
        var block: Int
        var word: UInt32
        /// Where the file's end starts in it, decompressed.
        var offset: Int
    }

    let volume: SquashFSVolume
    /// Where the first block is in the image.
    let start: Int
    /// Size words of the blocks; 0 is a block of zeros that takes no room.
    let words: [UInt32]
    let tail: Tail?
    /// Size of the file in bytes.
    public let count: Int

    /// Gives `body` the contents, a block at a time.
    func forEachChunk(_ body: (RawSpan) throws -> Void) throws {
        var offset = start
        var left = count
        for word in words {
            let wanted = min(volume.superblock.blockSize, left)
            left -= wanted
            if word == 0 {
                try body([UInt8](repeating: 0, count: wanted).raw)
                continue
            }
            let block = try volume.dataBlock(at: offset, word: word, "data block")
            guard block.count == wanted else {
                throw volume.error(
                    at: offset, "data block", found: "\(block.count) bytes", expected: "\(wanted)",
                    hint: "the image was changed; get it again")
            }
            try body(block.raw)
            offset += Int(word & 0xFF_FFFF)
        }
        guard let tail else { return }
        let fragment = try volume.fragment(at: tail.block, word: tail.word)
        guard tail.offset <= fragment.count, left <= fragment.count - tail.offset else {
            throw volume.error(
                at: tail.block, "fragment block", found: "\(fragment.count) bytes",
                expected: "\(left) at \(tail.offset)", hint: "the image was changed; get it again")
        }
        try body(Array(fragment[tail.offset..<tail.offset + left]).raw)
    }

    public static func == (a: SquashFSContent, b: SquashFSContent) -> Bool {
        a.volume === b.volume && a.start == b.start && a.words == b.words && a.tail == b.tail && a.count == b.count
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(start)
        hasher.combine(count)
        hasher.combine(tail)
    }
}
