public import Bytes

/// An ECDSA P-384 signature as AMD firmware writes it (SEV-SNP firmware ABI, chapter 10):
///
///     0x000  72 R, little-endian, zero-padded
///     0x048  72 S
///     0x090 368 reserved, zero
public struct SEVSignature: Hashable, Sendable {
    public static let byteCount = 512
    private static let fieldByteCount = 72
    private static let numberByteCount = PublicKey.p384CoordinateByteCount

    /// r‖s, 48 bytes each, most significant byte first.
    public let raw: [UInt8]

    /// A signature from r‖s, 48 bytes each, most significant byte first; nil for another length.
    public init?(raw: [UInt8]) {
        guard raw.count == 2 * Self.numberByteCount else { return nil }
        self.raw = raw
    }

    /// Reads the 512 bytes; numbers of more than 384 bits and padding other than zero are refused.
    public init(parsing reader: inout ByteReader, _ field: String) throws(FormatError) {
        let r = try reader.littleEndianNumber(Self.numberByteCount, of: Self.fieldByteCount, field + ".R")
        let s = try reader.littleEndianNumber(Self.numberByteCount, of: Self.fieldByteCount, field + ".S")
        try reader.expectZeros(Self.byteCount - 2 * Self.fieldByteCount, field + ".reserved")
        raw = r + s
    }

    /// The 512 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        for start in [0, Self.numberByteCount] {
            writer.append(raw[start..<start + Self.numberByteCount].reversed())
            writer.append(repeating: 0, count: Self.fieldByteCount - Self.numberByteCount)
        }
        writer.append(repeating: 0, count: Self.byteCount - writer.count)
        return writer.bytes
    }

    /// Whether it is `key`'s signature of `message`, hashed with SHA-384.
    public func isValid(of message: [UInt8], by key: PublicKey) -> Bool {
        guard key.algorithm == .p384 else { return false }
        let half = Self.numberByteCount
        return key.isValid(DER.ecdsaSignature(r: raw[..<half], s: raw[half...]), of: message)
    }
}

extension ByteReader {
    /// Reads a little-endian number of at most `size` bytes from a field of `fieldSize` bytes and gives `size` bytes, most
    /// significant first.
    mutating func littleEndianNumber(
        _ size: Int, of fieldSize: Int, _ field: String
    ) throws(FormatError) -> [UInt8] {
        let bytes = try bytes(size, field)
        try expectZeros(fieldSize - size, field)
        return bytes.reversed()
    }
}
