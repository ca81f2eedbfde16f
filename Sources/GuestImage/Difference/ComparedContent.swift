private import Bytes
internal import DiskFormats
internal import Files
private import Hashing

/// Bytes that are compared with others, wherever they are; they are never held whole.
struct ComparedContent {
    let count: Int
    private let stream: ((RawSpan) throws -> Void) throws -> Void

    init(_ source: ByteSource) {
        count = source.count
        stream = { try source.forEachChunk($0) }
    }

    init(_ content: FileTree.Content) {
        count = content.count
        stream = { try content.forEachChunk($0) }
    }

    /// All of it; nil if that is more than `limit` bytes.
    func bytes(limit: Int) throws -> [UInt8]? {
        guard count <= limit else { return nil }
        return try bytes(in: 0..<count)
    }

    /// A range of it; less if there is less.
    private func bytes(in range: Range<Int>) throws -> [UInt8] {
        struct Done: Error {}
        var bytes: [UInt8] = []
        var position = 0
        do {
            try stream { chunk in
                let wanted = range.clamped(to: position..<position + chunk.byteCount)
                if !wanted.isEmpty {
                    bytes.append(
                        bytesOf: chunk.extracting(wanted.lowerBound - position..<wanted.upperBound - position))
                }
                position += chunk.byteCount
                if position >= range.upperBound { throw Done() }
            }
        } catch is Done {}
        return bytes
    }

    private static let pieceSize = 1 << 16

    /// SHA-256 of each 64 KiB.
    private func pieces() throws -> [Digest] {
        var digests: [Digest] = []
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.pieceSize)
        try stream { chunk in
            var start = 0
            while start < chunk.byteCount {
                let length = min(Self.pieceSize - buffer.count, chunk.byteCount - start)
                buffer.append(bytesOf: chunk.extracting(start..<start + length))
                start += length
                guard buffer.count == Self.pieceSize else { continue }
                digests.append(.of(buffer, .sha256))
                buffer.removeAll(keepingCapacity: true)
            }
        }
        return buffer.isEmpty ? digests : digests + [.of(buffer, .sha256)]
    }

    /// Offset of the first byte that differs, or at which one ends before the other; nil if both are equal.
    func firstDifference(from other: ComparedContent) throws -> Int? {
        let (mine, theirs) = (try pieces(), try other.pieces())
        guard let piece = zip(mine, theirs).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset else {
            return count == other.count ? nil : min(count, other.count)
        }
        let range = piece * Self.pieceSize..<(piece + 1) * Self.pieceSize
        let (left, right) = (try bytes(in: range), try other.bytes(in: range))
        let inside = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        return range.lowerBound + (inside ?? min(left.count, right.count))
    }
}

extension [UInt8] {
    fileprivate mutating func append(bytesOf span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
