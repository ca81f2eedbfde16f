internal import Bytes
private import Files

/// Reads metadata: bytes of a table whose blocks follow each other, from a place on across the blocks' ends.
struct SquashFSMetadata {
    /// Where reading goes on: a block's place in the file and an offset in it, decompressed.
    struct Cursor {
        var block: Int
        var offset: Int

        /// What a reference into the table at `start` means; nil beyond any file.
        init?(_ reference: UInt64, in start: Int) {
            guard reference >> 48 == 0 else { return nil }
            block = start + Int(reference >> 16)
            offset = Int(reference & 0xFFFF)
        }

        init(block: Int, offset: Int) {
            self.block = block
            self.offset = offset
        }
    }

    private static let cachedBlocks = 512
    let volume: SquashFSVolume
    private var cache: [Int: (bytes: [UInt8], next: Int)] = [:]

    init(_ volume: SquashFSVolume) { self.volume = volume }

    private mutating func block(at offset: Int, _ field: String) throws -> (bytes: [UInt8], next: Int) {
        if let known = cache[offset] { return known }
        let head = try volume.bytes(at: offset, count: 2, field)
        let header = Int(head[0]) | Int(head[1]) << 8
        let count = header & 0x7FFF
        guard count > 0, count <= SquashFS.metadataSize else {
            throw volume.error(
                at: offset, field, found: "a metadata block of \(count) bytes",
                expected: "1 to \(SquashFS.metadataSize)")
        }
        let stored = try volume.bytes(at: offset + 2, count: count, field)
        let plain =
            header & 0x8000 != 0
            ? stored
            : try volume.decompressed(stored, at: offset + 2, limit: SquashFS.metadataSize, field)
        if cache.count >= Self.cachedBlocks { cache = [:] }
        cache[offset] = (plain, offset + 2 + count)
        return (plain, offset + 2 + count)
    }

    /// Reads `count` bytes and moves on.
    mutating func read(_ count: Int, at cursor: inout Cursor, _ field: String) throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(min(count, SquashFS.metadataSize))
        while result.count < count {
            let (bytes, next) = try block(at: cursor.block, field)
            guard cursor.offset < bytes.count else {
                // A place at the very end of a block means the start of the next one.
                guard cursor.offset == bytes.count, bytes.count > 0 else {
                    throw volume.error(
                        at: cursor.block, field, found: "offset \(cursor.offset)",
                        expected: "an offset in \(bytes.count) bytes")
                }
                cursor = Cursor(block: next, offset: 0)
                continue
            }
            let end = min(bytes.count, cursor.offset + count - result.count)
            result += bytes[cursor.offset..<end]
            cursor.offset = end
        }
        return result
    }

    /// Reads `count` bytes as a record.
    mutating func record<Result>(
        _ count: Int, at cursor: inout Cursor, _ field: String,
        _ body: (inout ByteReader) throws(FormatError) -> Result
    ) throws -> Result {
        let place = cursor
        return try read(count, at: &cursor, field).withReader(
            source: "\(volume.file.path) metadata block at \(hexadecimal(place.block))", base: place.offset, body)
    }

    /// An entry of a table that is found through a list of 64-bit block places at `start`.
    mutating func entry<Result>(
        _ index: Int, size: Int, inTableAt start: Int, _ field: String,
        _ body: (inout ByteReader) throws(FormatError) -> Result
    ) throws -> Result {
        let position = index * size
        let pointer = start + position / SquashFS.metadataSize * 8
        let block = try volume.bytes(at: pointer, count: 8, field).withReader(
            source: volume.file.path, base: pointer
        ) { reader throws(FormatError) in try reader.read(field, as: UInt64.self) }
        guard block < UInt64(volume.superblock.byteCount) else {
            throw volume.error(at: pointer, field, found: hexadecimal(block), expected: "a place in the image")
        }
        var cursor = Cursor(block: Int(block), offset: position % SquashFS.metadataSize)
        return try record(size, at: &cursor, field, body)
    }
}
