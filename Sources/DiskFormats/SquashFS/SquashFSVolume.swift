internal import Bytes
internal import Files
private import Synchronization

/// An open image whose blocks can be read: what a tree and the contents of its files share.
final class SquashFSVolume: Sendable {
    let file: InputFile
    let superblock: SquashFS.Superblock
    private let decompressor: SquashFS.Decompressor
    /// The fragment that was read last: neighbours in a directory mostly lie in one.
    private let lastFragment = Mutex<(offset: Int, bytes: [UInt8])?>(nil)

    init(_ file: InputFile, decompressor: @escaping SquashFS.Decompressor) throws {
        self.file = file
        self.decompressor = decompressor
        let count = min(file.size, SquashFS.superblockSize)
        superblock = try file.read(at: 0, count: count).withReader(source: file.path) { reader throws(FormatError) in
            try SquashFS.Superblock(parsing: &reader, size: file.size)
        }
    }

    func error(
        at offset: Int? = nil, _ field: String, found: String, expected: String, hint: String? = nil
    ) -> FormatError {
        FormatError(source: file.path, offset: offset, field: field, found: found, expected: expected, hint: hint)
    }

    /// Bytes that must lie in the file system.
    func bytes(at offset: Int, count: Int, _ field: String) throws -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= superblock.byteCount, count <= superblock.byteCount - offset else {
            throw error(
                at: offset, field, found: "\(count) bytes", expected: "a place in \(superblock.byteCount) bytes")
        }
        return try file.read(at: offset, count: count)
    }

    /// Decompresses a block of at most `limit` bytes.
    func decompressed(_ block: [UInt8], at offset: Int, limit: Int, _ field: String) throws -> [UInt8] {
        guard superblock.compression != .lz4 else {
            guard let plain = LZ4Decoder.decode(block, limit: limit) else {
                throw error(
                    at: offset, field, found: "bytes that do not decompress", expected: "an LZ4 block",
                    hint: "the image was changed; get it again")
            }
            return plain
        }
        let source = "\(file.path)+\(hexadecimal(offset))"
        let plain = try decompressor(superblock.compression, block, source, limit)
        guard plain.count <= limit else {
            throw error(at: offset, field, found: "\(plain.count) bytes", expected: "at most \(limit)")
        }
        return plain
    }

    /// A block of file data by its size word: bit 24 says that it is not compressed.
    func dataBlock(at offset: Int, word: UInt32, _ field: String) throws -> [UInt8] {
        let count = Int(word & 0xFF_FFFF)
        guard word >> 25 == 0, count <= superblock.blockSize else {
            throw error(
                at: offset, field, found: "size \(hexadecimal(word))", expected: "at most \(superblock.blockSize) bytes"
            )
        }
        let stored = try bytes(at: offset, count: count, field)
        if word & 1 << 24 != 0 { return stored }
        return try decompressed(stored, at: offset, limit: superblock.blockSize, field)
    }

    /// The block of fragments at a place.
    func fragment(at offset: Int, word: UInt32) throws -> [UInt8] {
        if let last = lastFragment.withLock({ $0 }), last.offset == offset { return last.bytes }
        let bytes = try dataBlock(at: offset, word: word, "fragment block")
        lastFragment.withLock { $0 = (offset, bytes) }
        return bytes
    }
}
