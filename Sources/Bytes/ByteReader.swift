/// Bounds-checked reading over bytes that nobody vouches for.
///
/// A reader knows the name of its source and where in it it stands, so that an error tells file and offset. It never
/// traps: what does not fit throws `FormatError`. Integers are little-endian unless the method says otherwise.
public struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    /// The name of the file or stream, for errors.
    public let source: String
    /// Offset of this reader's first byte in `source`.
    public let base: Int
    /// Next byte to read, counted from this reader's start.
    public private(set) var position: Int

    /// A reader over `bytes`, which stand at `base` in `source`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, source: String, base: Int = 0) {
        self.bytes = bytes
        self.source = source
        self.base = base
        self.position = 0
    }

    /// Size of the whole readable range in bytes.
    public var count: Int { bytes.byteCount }
    /// Bytes from `position` to the end.
    public var remaining: Int { bytes.byteCount - position }
    /// Whether everything was read.
    public var isAtEnd: Bool { remaining == 0 }
    /// `position` as an offset in `source`.
    public var sourceOffset: Int { base + position }

    /// An error about `field` at the present position.
    public func error(
        _ field: String, found: String, expected: String, at offset: Int? = nil, hint: String? = nil
    ) -> FormatError {
        FormatError(
            source: source, offset: base + (offset ?? position), field: field, found: found, expected: expected,
            hint: hint)
    }

    private func require(_ count: Int, _ field: String) throws(FormatError) {
        guard count >= 0, count <= remaining else {
            throw error(field, found: "\(remaining) bytes left", expected: "\(count) bytes")
        }
    }

    /// Reads a little-endian integer.
    public mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
        _ field: String, as type: T.Type = T.self
    ) throws(FormatError) -> T {
        let size = MemoryLayout<T>.size
        try require(size, field)
        let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: T.self)
        position += size
        return T(littleEndian: value)
    }

    /// Reads a big-endian integer.
    public mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
        bigEndian field: String, as type: T.Type = T.self
    ) throws(FormatError) -> T {
        try read(field, as: T.self).byteSwapped
    }

    /// Reads `count` bytes.
    public mutating func bytes(_ count: Int, _ field: String) throws(FormatError) -> [UInt8] {
        try require(count, field)
        let result = [UInt8](copying: bytes.extracting(position..<position + count))
        position += count
        return result
    }

    /// Reads a little-endian integer that must have one value.
    public mutating func expect<T: FixedWidthInteger & BitwiseCopyable>(
        _ field: String, _ expected: T
    ) throws(FormatError) {
        let start = position
        let found = try read(field, as: T.self)
        guard found == expected else {
            throw error(field, found: hexadecimal(found), expected: hexadecimal(expected), at: start)
        }
    }

    /// Reads bytes that must be exactly these (a magic number, a GUID).
    public mutating func expect(
        _ field: String, bytes expected: [UInt8], hint: String? = nil
    ) throws(FormatError) {
        let start = position
        let found = try bytes(expected.count, field)
        guard found == expected else {
            throw error(field, found: found.hex, expected: expected.hex, at: start, hint: hint)
        }
    }

    /// Reads `count` reserved bytes that must be zero.
    public mutating func expectZeros(_ count: Int, _ field: String) throws(FormatError) {
        let start = position
        let found = try bytes(count, field)
        if let index = found.firstIndex(where: { $0 != 0 }) {
            throw error(field, found: hexadecimal(found[index]), expected: "zero", at: start + index)
        }
    }

    /// Passes over `count` bytes.
    public mutating func skip(_ count: Int, _ field: String) throws(FormatError) {
        try require(count, field)
        position += count
    }

    /// Moves to `offset`, counted from this reader's start.
    public mutating func seek(to offset: Int, _ field: String) throws(FormatError) {
        guard offset >= 0, offset <= count else {
            throw error(field, found: hexadecimal(offset), expected: "an offset up to \(hexadecimal(count))")
        }
        position = offset
    }

    /// A reader over the next `count` bytes, which this one passes over.
    @_lifetime(copy self)
    public mutating func slice(_ count: Int, _ field: String) throws(FormatError) -> ByteReader {
        try require(count, field)
        let result = ByteReader(
            bytes.extracting(position..<position + count), source: source, base: base + position)
        position += count
        return result
    }

    /// A reader over `count` bytes at `offset` from this reader's start; this one does not move.
    @_lifetime(copy self)
    public func window(at offset: Int, count: Int, _ field: String) throws(FormatError) -> ByteReader {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            throw FormatError(
                source: source, offset: base, field: field,
                found: "range \(hexadecimal(offset)) + \(hexadecimal(count))",
                expected: "a range inside \(hexadecimal(self.count)) bytes")
        }
        return ByteReader(bytes.extracting(offset..<offset + count), source: source, base: base + offset)
    }

    /// The unread bytes as a span, for hashing without a copy.
    public var unread: RawSpan {
        @_lifetime(copy self)
        get { bytes.extracting(position..<bytes.byteCount) }
    }

    /// Requires that the record was read to its end.
    public func finish(_ record: String) throws(FormatError) {
        guard isAtEnd else {
            throw error(record, found: "\(remaining) bytes after its end", expected: "the end")
        }
    }
}

extension Array where Element == UInt8 {
    /// The span's bytes, copied.
    public init(copying span: RawSpan) {
        self = unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// The bytes as a raw span, without a copy.
    public var raw: RawSpan {
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }

    /// Gives `body` a reader over these bytes, named `source` in errors.
    public func withReader<Result, Failure: Error>(
        source: String, base: Int = 0, _ body: (inout ByteReader) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var reader = ByteReader(raw, source: source, base: base)
        return try body(&reader)
    }
}
