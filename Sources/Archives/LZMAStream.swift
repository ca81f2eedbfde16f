public import Bytes
private import CLibArchive

/// The "LZMA alone" form, as firmware volumes hold it: 5 bytes of properties, the unpacked size as u64, the stream.
public enum LZMAStream {
    /// Size of the header in bytes.
    public static let headerByteCount = 13

    /// Unpacks a stream whose header states its unpacked size.
    ///
    /// `source` and `base` name the stream's place in errors. More than `limit` bytes are refused before anything is
    /// unpacked, and so is a stream that ends early or is not of the stated size.
    public static func decode(
        _ stream: [UInt8], source: String, base: Int = 0, limit: Int
    ) throws(FormatError) -> [UInt8] {
        var reader = ByteReader(stream.raw, source: source, base: base)
        let properties: UInt8 = try reader.read("LZMA properties")
        guard properties < 9 * 5 * 5 else {
            throw reader.error("LZMA properties", found: hexadecimal(properties), expected: "less than 0xe1", at: 0)
        }
        let dictionary: UInt32 = try reader.read("LZMA dictionary size")
        guard dictionary <= 1 << 28 else {
            throw reader.error(
                "LZMA dictionary size", found: hexadecimal(dictionary), expected: "at most 0x10000000", at: 1)
        }
        let size: UInt64 = try reader.read("LZMA unpacked size")
        guard size <= UInt64(max(0, limit)) else {
            throw reader.error(
                "LZMA unpacked size", found: hexadecimal(size), expected: "at most \(hexadecimal(limit)) bytes", at: 5)
        }
        if size == 0 { return [] }
        let archive = try RawFilterReader(stream, place: reader)
        return try archive.read(count: Int(size), place: reader)
    }
}

/// libarchive with one LZMA filter and no container around the bytes.
@safe private struct RawFilterReader: ~Copyable {
    private let archive: OpaquePointer
    // libarchive reads from this array until the reader goes.
    private let input: [UInt8]

    init(_ stream: [UInt8], place: borrowing ByteReader) throws(FormatError) {
        guard let archive = unsafe archive_read_new() else { preconditionFailure("out of memory") }
        input = stream
        unsafe self.archive = archive
    }

    deinit { unsafe _ = archive_read_free(archive) }

    func read(count: Int, place: borrowing ByteReader) throws(FormatError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        var problem: String?
        let archive = unsafe archive
        unsafe input.withUnsafeBytes { bytes in
            unsafe output.withUnsafeMutableBytes { output in
                unsafe archive_read_support_format_raw(archive)
                guard unsafe archive_read_append_filter(archive, ARCHIVE_FILTER_LZMA) == ARCHIVE_OK,
                    unsafe archive_read_open_memory(archive, bytes.baseAddress, bytes.count) == ARCHIVE_OK
                else { return problem = "a stream that does not start" }
                var entry: OpaquePointer?
                guard unsafe archive_read_next_header(archive, &entry) == ARCHIVE_OK else {
                    return problem = "a stream that does not start"
                }
                var done = 0
                while done < count {
                    let got = unsafe archive_read_data(
                        archive, output.baseAddress.map { unsafe $0 + done }, count - done)
                    guard got > 0 else { return problem = "an end or damage after \(done) unpacked bytes" }
                    done += got
                }
                var extra: UInt8 = 0
                if unsafe archive_read_data(archive, &extra, 1) != 0 {
                    problem = "damage or more than the stated \(count) bytes at the end"
                }
            }
        }
        if let problem {
            throw place.error("LZMA stream", found: problem, expected: "\(count) unpacked bytes")
        }
        return output
    }
}
