/// Bytes put together field by field, in the order of a specification's table.
public struct ByteWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8]

    /// An empty writer; `capacity` bytes are reserved.
    public init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Bytes written so far.
    public var count: Int { bytes.count }

    /// Appends an integer, least significant byte first.
    public mutating func append<T: FixedWidthInteger>(_ value: T) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }

    /// Appends an integer, most significant byte first.
    public mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        append(value.byteSwapped)
    }

    /// Appends bytes as they are.
    public mutating func append(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Appends text as UTF-8 without a terminator.
    public mutating func append(text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends text as UTF-16LE without a terminator.
    public mutating func append(utf16 text: String) {
        for unit in text.utf16 { append(unit) }
    }

    /// Appends `count` times the same byte.
    public mutating func append(repeating byte: UInt8, count: Int) {
        bytes.append(contentsOf: repeatElement(byte, count: max(0, count)))
    }

    /// Pads with `byte` to the next multiple of `alignment` (at least 1).
    public mutating func pad(toMultipleOf alignment: Int, with byte: UInt8 = 0) {
        append(repeating: byte, count: bytes.count.roundedUp(toMultipleOf: alignment) - bytes.count)
    }

    /// Overwrites an integer that was written before, least significant byte first; `offset` must lie inside.
    public mutating func replace<T: FixedWidthInteger>(at offset: Int, with value: T) {
        var part = ByteWriter()
        part.append(value)
        bytes.replaceSubrange(offset..<offset + part.count, with: part.bytes)
    }
}

extension Int {
    /// The next multiple of `alignment`, which must be at least 1. For sizes that we made ourselves.
    public func roundedUp(toMultipleOf alignment: Int) -> Int {
        (self + alignment - 1) / alignment * alignment
    }
}
