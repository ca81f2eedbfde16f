public import Bytes
public import Hashing

/// An ECDSA P-384 public key as AMD firmware writes it (SEV-SNP firmware ABI, chapter 10):
///
///     0x000   4 CURVE, 2 for P-384
///     0x004  72 QX, little-endian, zero-padded
///     0x04C  72 QY
///     0x094 880 reserved, zero
public struct SEVPublicKey: Hashable, Sendable {
    public static let byteCount = 1028
    private static let curve: UInt32 = 2
    private static let fieldByteCount = 72
    private static let numberByteCount = PublicKey.p384CoordinateByteCount

    /// The key itself.
    public let key: PublicKey

    /// The structure for `key`; nil unless it is a P-384 key.
    public init?(_ key: PublicKey) {
        guard key.algorithm == .p384 else { return nil }
        self.key = key
    }

    /// Reads the 1028 bytes; a point that is not on the curve is refused.
    public init(parsing reader: inout ByteReader, _ field: String) throws(FormatError) {
        let start = reader.position
        try reader.expect(field + ".CURVE", Self.curve)
        let x = try reader.littleEndianNumber(Self.numberByteCount, of: Self.fieldByteCount, field + ".QX")
        let y = try reader.littleEndianNumber(Self.numberByteCount, of: Self.fieldByteCount, field + ".QY")
        try reader.expectZeros(Self.byteCount - 4 - 2 * Self.fieldByteCount, field + ".reserved")
        guard let key = try? PublicKey(p384X: x, y: y, source: reader.source) else {
            throw reader.error(
                field, found: "a point that is not on P-384", expected: "a point of the curve", at: start)
        }
        self.key = key
    }

    /// The 1028 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.append(Self.curve)
        let (x, y) = key.coordinates ?? ([], [])
        for number in [x, y] {
            writer.append(number.reversed())
            writer.append(repeating: 0, count: Self.fieldByteCount - number.count)
        }
        writer.append(repeating: 0, count: Self.byteCount - writer.count)
        return writer.bytes
    }

    /// SHA-384 of the structure: ID_KEY_DIGEST and AUTHOR_KEY_DIGEST of a report.
    public var digest: Digest { .of(bytes, .sha384) }
}
