public import Bytes

/// A zlib stream (RFC 1950): two bytes of header, deflated data, Adler-32 of what it gives, most significant byte first.
///
/// libarchive knows the gzip frame alone, so the deflated data is given one; the checksum is compared here.
public enum ZlibStream {
    private static let headerByteCount = 2
    private static let checksumByteCount = 4
    /// ID1, ID2, deflate, no flags, no time, unknown system (RFC 1952, section 2.3).
    private static let gzipHeader: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    private static let gzipTrailerByteCount = 8

    /// Decodes a stream, which `source` names in errors; damage and data cut short are errors.
    public static func decode(
        _ bytes: [UInt8], source: String, limits: ExpansionLimits
    ) throws(FormatError) -> [UInt8] {
        guard bytes.count > headerByteCount + checksumByteCount else {
            throw FormatError(
                source: source, field: "zlib stream", found: "\(bytes.count) bytes",
                expected: "a header, data and a checksum")
        }
        let header = Int(bytes[0]) << 8 | Int(bytes[1])
        guard bytes[0] & 0x0F == 8, bytes[0] >> 4 <= 7, header % 31 == 0, bytes[1] & 0x20 == 0 else {
            throw FormatError(
                source: source, offset: 0, field: "zlib CMF and FLG", found: hexadecimal(header),
                expected: "deflate without a preset dictionary, divisible by 31")
        }
        let data = bytes[headerByteCount..<bytes.count - checksumByteCount]
        let framed = gzipHeader + data + [UInt8](repeating: 0, count: gzipTrailerByteCount)
        let contents = try Compression.gzip.decode(framed, source: source, limits: limits)
        let found = bytes.suffix(checksumByteCount).reduce(0) { $0 << 8 | UInt32($1) }
        guard found == adler32(contents) else {
            throw FormatError(
                source: source, offset: bytes.count - checksumByteCount, field: "zlib ADLER32",
                found: hexadecimal(found), expected: hexadecimal(adler32(contents)))
        }
        return contents
    }

    /// Two sums modulo 65521 (RFC 1950, section 8).
    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var a: UInt32 = 1
        var b: UInt32 = 0
        var position = 0
        while position < bytes.count {
            // So many bytes at a time keep both sums below 2^32.
            let end = min(position + 5552, bytes.count)
            for index in position..<end {
                a &+= UInt32(bytes[index])
                b &+= a
            }
            a %= 65_521
            b %= 65_521
            position = end
        }
        return b << 16 | a
    }
}
