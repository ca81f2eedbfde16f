public import Bytes

/// Bytes that can be read at any offset: a file, a part of one, or an array.
///
/// Readers of large formats take one of these, so that memory stays flat and a part (a partition, a section) is read
/// like a file of its own. Offsets in errors are those of the whole file.
public struct ByteSource: Sendable {
    private enum Storage: Sendable {
        case file(InputFile)
        case memory([UInt8])
        /// Sources one after the other.
        indirect case joined([ByteSource])
    }

    private let storage: Storage
    /// Offset of the first byte in the whole file.
    public let base: Int
    /// Number of bytes.
    public let count: Int
    /// The file's name, for errors.
    public let name: String

    private init(storage: Storage, base: Int, count: Int, name: String) {
        self.storage = storage
        self.base = base
        self.count = count
        self.name = name
    }

    /// The whole of an open file.
    public init(_ file: InputFile) {
        self.init(storage: .file(file), base: 0, count: file.size, name: file.path)
    }

    /// The whole of the file at `path`.
    public init(path: String) throws(FileError) {
        self.init(try InputFile(path))
    }

    /// Bytes in memory, called `name` in errors.
    public init(_ bytes: [UInt8], name: String) {
        self.init(storage: .memory(bytes), base: 0, count: bytes.count, name: name)
    }

    /// Sources one after the other, as the pieces of a file are; called `name` in errors.
    public init(joining sources: [ByteSource], name: String) {
        self.init(
            storage: .joined(sources), base: 0, count: sources.reduce(0) { $0 + $1.count }, name: name)
    }

    /// The same bytes under another name.
    public func named(_ name: String) -> ByteSource {
        ByteSource(storage: storage, base: base, count: count, name: name)
    }

    /// `count` bytes at `offset` as a source of their own.
    public func window(at offset: Int, count: Int, _ field: String) throws(FormatError) -> ByteSource {
        try require(offset, count, field)
        return ByteSource(storage: storage, base: base + offset, count: count, name: name)
    }

    /// Reads exactly `count` bytes at `offset`.
    public func read(at offset: Int, count: Int, _ field: String) throws -> [UInt8] {
        try require(offset, count, field)
        switch storage {
        case .file(let file): return try file.read(at: base + offset, count: count)
        case .memory(let bytes): return Array(bytes[base + offset..<base + offset + count])
        case .joined:
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count)
            for (part, range) in parts(in: offset..<offset + count) {
                bytes += try part.read(at: range.lowerBound, count: range.count, field)
            }
            return bytes
        }
    }

    /// Gives `body` a reader over `count` bytes at `offset`.
    public func withReader<Result>(
        at offset: Int = 0, count: Int, _ field: String, _ body: (inout ByteReader) throws -> Result
    ) throws -> Result {
        try read(at: offset, count: count, field).withReader(source: name, base: base + offset, body)
    }

    /// Gives `body` the bytes of a range in order, a piece at a time, in one reused buffer.
    public func forEachChunk(in range: Range<Int>? = nil, _ body: (RawSpan) throws -> Void) throws {
        let range = range ?? 0..<count
        try require(range.lowerBound, range.count, "contents")
        switch storage {
        case .file(let file):
            try file.forEachChunk(from: base + range.lowerBound, to: base + range.upperBound) { (chunk) throws in
                try body(chunk)
            }
        case .memory(let bytes):
            try body(bytes.raw.extracting(base + range.lowerBound..<base + range.upperBound))
        case .joined:
            for (part, inner) in parts(in: range) { try part.forEachChunk(in: inner, body) }
        }
    }

    /// The sources that a range of joined ones goes over, each with its own range.
    private func parts(in range: Range<Int>) -> [(ByteSource, Range<Int>)] {
        guard case .joined(let sources) = storage else { return [] }
        let wanted = base + range.lowerBound..<base + range.upperBound
        var position = 0
        var result: [(ByteSource, Range<Int>)] = []
        for source in sources {
            let place = (position..<position + source.count).clamped(to: wanted)
            if !place.isEmpty { result.append((source, place.lowerBound - position..<place.upperBound - position)) }
            position += source.count
        }
        return result
    }

    private func require(_ offset: Int, _ length: Int, _ field: String) throws(FormatError) {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            let (absolute, overflow) = base.addingReportingOverflow(offset)
            throw FormatError(
                source: name, offset: overflow ? nil : absolute, field: field,
                found: "\(max(0, count - max(0, offset))) bytes left", expected: "\(length) bytes",
                hint: "the file may be cut short")
        }
    }
}
