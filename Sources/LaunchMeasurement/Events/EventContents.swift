private import Bytes
public import Files
public import Hashing
import Trace

/// The bytes that events hash, by the names that traces give them: artifacts, firmware, blobs.
public struct EventContents: Sendable {
    private var sources: [String: ByteSource] = [:]
    /// The hashes of every event.
    public let algorithms: [HashAlgorithm]

    public init(algorithms: [HashAlgorithm]) { self.algorithms = algorithms }

    /// Adds a source under the name that traces will use.
    public mutating func add(_ name: String, _ source: ByteSource) { sources[name] = source }

    /// Adds blobs under their names.
    public mutating func add(blobs: [String: [UInt8]]) {
        for (name, blob) in blobs { add(name, ByteSource(blob, name: name)) }
    }

    /// The source of this name, which must be there.
    public func source(_ name: String) throws(MeasurementInputError) -> ByteSource {
        guard let source = sources[name] else { throw MeasurementInputError(missing: name) }
        return source
    }

    /// Whether there is a source of this name.
    public func has(_ name: String) -> Bool { sources[name] != nil }

    /// A whole source as a piece.
    public func whole(_ name: String) throws -> MeasuredEvent.Piece {
        let source = try source(name)
        // A profile's inline items have no file of their own that a trace could name.
        if source.count <= InlineItem.inlineLimit {
            return MeasuredEvent.Piece(name, .literal(try source.read(at: 0, count: source.count, name)))
        }
        return MeasuredEvent.Piece(name, .range(artifact: name, offset: 0, count: source.count))
    }

    /// The bytes of pieces one after the other as they enter a digest; more than `limit` are refused.
    func bytes(of pieces: [MeasuredEvent.Piece], limit: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        for piece in pieces {
            guard result.count <= limit, piece.byteCount <= limit - result.count else {
                throw MeasurementInputError("\(piece.name): more than \(limit) bytes")
            }
            switch piece.source {
            case .literal(let bytes): result += piece.encoding.apply(to: bytes)
            case .zeros(let count): result += piece.encoding.apply(to: [UInt8](repeating: 0, count: count))
            case .range(let artifact, let offset, let count):
                result += piece.encoding.apply(
                    to: try source(artifact).read(at: offset, count: count, piece.name))
            }
        }
        return result
    }

    /// The digests of pieces one after the other.
    func digests(of pieces: [MeasuredEvent.Piece]) throws -> [Digest] {
        var digests: [Digest] = []
        for algorithm in algorithms {
            var hash = Hash(algorithm)
            for piece in pieces {
                switch piece.source {
                case .literal(let bytes): hash.update(piece.encoding.apply(to: bytes))
                case .zeros(let count): hash.update(zeros: piece.encoding == .bytes ? count : 2 * count)
                case .range(let artifact, let offset, let count) where piece.encoding != .bytes:
                    let bytes = try source(artifact).read(at: offset, count: count, piece.name)
                    hash.update(piece.encoding.apply(to: bytes))
                case .range(let artifact, let offset, let count):
                    try source(artifact).forEachChunk(in: offset..<offset + count) { hash.update($0) }
                }
            }
            digests.append(hash.finish())
        }
        return digests
    }
}

extension Hash {
    private static let zeroChunk = [UInt8](repeating: 0, count: 1 << 16)

    /// Hashes `count` zero bytes.
    fileprivate mutating func update(zeros count: Int) {
        var rest = count
        while rest > 0 {
            let step = min(rest, Self.zeroChunk.count)
            update(step == Self.zeroChunk.count ? Self.zeroChunk : Array(Self.zeroChunk.prefix(step)))
            rest -= step
        }
    }
}
