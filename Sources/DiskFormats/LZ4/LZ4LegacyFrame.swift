public import Bytes
private import Dispatch
internal import Files
private import Hashing
private import Synchronization

/// The frame of LZ4 that Linux accepts around an initrd (lib/decompress_unlz4.c; `lz4 -l`).
///
///     0  4 magic 0x184C2102
///     4  4 size of a block · its bytes: LZ4 of 8 MiB of plain text, the last block of less
///     …    the next block
///
/// Blocks know nothing of each other. There is no checksum and no end mark.
public enum LZ4LegacyFrame {
    /// Names the bytes that the writer makes; it changes when they do.
    public static let formatRevision = "lz4-legacy-1"
    public static let magic: [UInt8] = [0x02, 0x21, 0x4C, 0x18]
    /// Plain text of a block, in bytes.
    static let blockSize = 8 << 20

    /// Most bytes that `count` bytes take (LZ4 block format: a literal run's length costs a byte each 255).
    private static func bound(_ count: Int) -> Int { count + count / 255 + 16 }

    /// One block with its size in front.
    static func block(_ plain: [UInt8]) -> [UInt8] {
        var encoder = LZ4Encoder()
        var packed: [UInt8] = []
        _ = encoder.compress(plain, from: 0, capacity: bound(plain.count), into: &packed)
        var out = ByteWriter(capacity: packed.count + 4)
        out.append(UInt32(truncatingIfNeeded: packed.count))
        out.append(packed)
        return out.bytes
    }

    /// What a frame holds, which may be followed by zeros; `limit` bounds the plain text.
    ///
    /// Throws `FormatError` on damage.
    public static func decode(_ bytes: [UInt8], source: String, limit: Int) throws(FormatError) -> [UInt8] {
        try bytes.withReader(source: source) { reader throws(FormatError) in
            try reader.expect("LZ4 legacy magic", bytes: magic)
            var plain: [UInt8] = []
            while reader.remaining >= 4 {
                let at = reader.position
                let count: UInt32 = try reader.read("LZ4 block size")
                if count == 0 { break }
                // Frames may follow each other.
                if count == 0x184C_2102 { continue }
                let packed = try reader.bytes(Int(count), "LZ4 block")
                let room = min(blockSize, limit - plain.count)
                guard let block = LZ4Decoder.decode(packed, limit: room) else {
                    throw reader.error(
                        "LZ4 block", found: "bytes that do not decompress", expected: "at most \(room) bytes", at: at)
                }
                plain += block
            }
            return plain
        }
    }
}

/// Compresses what it is given into a frame, some blocks at a time and on all cores.
struct LZ4FrameWriter {
    private let file: OutputFile
    private var full: [[UInt8]] = []
    private var current: [UInt8] = []

    /// Starts a frame at the end of a file.
    init(_ file: OutputFile) throws {
        self.file = file
        try file.append(LZ4LegacyFrame.magic)
    }

    mutating func append(_ bytes: RawSpan) throws {
        var used = 0
        while used < bytes.byteCount {
            let taken = min(bytes.byteCount - used, LZ4LegacyFrame.blockSize - current.count)
            current += [UInt8](copying: bytes.extracting(used..<used + taken))
            used += taken
            guard current.count == LZ4LegacyFrame.blockSize else { continue }
            full.append(current)
            current = []
            if full.count >= BlockHasher.cores { try flush() }
        }
    }

    private mutating func flush() throws {
        let blocks = full
        full = []
        let results = Mutex([[UInt8]](repeating: [], count: blocks.count))
        DispatchQueue.concurrentPerform(iterations: blocks.count) { index in
            let block = LZ4LegacyFrame.block(blocks[index])
            results.withLock { $0[index] = block }
        }
        for block in results.withLock({ $0 }) { try file.append(block) }
    }

    /// Writes what is left.
    mutating func finish() throws {
        if !current.isEmpty { full.append(current) }
        current = []
        try flush()
    }
}
