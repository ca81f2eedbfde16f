internal import Bytes

/// What libarchive leaves unchecked around a gzip member (RFC 1952, §2.3): it takes a file without a gzip header for
/// an empty one, and reads past the checksum.
enum GzipFrame {
    private static let headerByteCount = 10
    private static let trailerByteCount = 8

    /// Requires ID1, ID2 and CM, and room for a header and a trailer.
    static func checkHeader(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count >= headerByteCount + trailerByteCount else {
            throw FormatError(
                source: source, field: "gzip stream", found: "\(bytes.count) bytes",
                expected: "a header and a trailer", hint: "the file may be cut short")
        }
        try bytes.withReader(source: source) { (reader) throws(FormatError) in
            try reader.expect("gzip magic and method", bytes: [0x1F, 0x8B, 8])
        }
    }

    /// Requires that CRC32 and ISIZE, the last eight bytes, are those of `contents`: one member, whole.
    static func checkTrailer(_ bytes: [UInt8], contents: [UInt8], source: String) throws(FormatError) {
        try bytes.withReader(source: source) { (reader) throws(FormatError) in
            try reader.seek(to: bytes.count - trailerByteCount, "gzip trailer")
            try reader.expect("gzip CRC32", CRC32.ieee.checksum(contents))
            try reader.expect("gzip ISIZE", UInt32(truncatingIfNeeded: contents.count))
        }
    }
}
