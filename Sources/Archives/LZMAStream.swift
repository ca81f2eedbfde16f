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
        var output: [UInt8] = []
        try forEachChunk(stream, source: source, base: base, limit: limit) { chunk in
            output.append(contentsOf: chunk)
            return true
        }
        return output
    }

    /// Gives `body` what a stream unpacks to, in order and piece by piece, until it answers false.
    ///
    /// The limits are those of `decode`; what comes after a stop is not looked at.
    public static func forEachChunk(
        _ stream: [UInt8], source: String, base: Int = 0, limit: Int, _ body: (ArraySlice<UInt8>) -> Bool
    ) throws(FormatError) {
        var reader = ByteReader(stream.raw, source: source, base: base)
        let count = try unpackedSize(&reader, limit: limit)
        if count == 0 { return }
        if let problem = RawFilterReader().read(stream, count: count, body) {
            throw reader.error("LZMA stream", found: problem, expected: "\(count) unpacked bytes")
        }
    }

    /// Reads the header.
    private static func unpackedSize(_ reader: inout ByteReader, limit: Int) throws(FormatError) -> Int {
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
        return Int(size)
    }
}

/// libarchive with one LZMA filter and no container around the bytes.
@safe private struct RawFilterReader: ~Copyable {
    private let archive: OpaquePointer
    private static let chunkByteCount = 1 << 18

    init() {
        guard let archive = unsafe archive_read_new() else { preconditionFailure("out of memory") }
        unsafe self.archive = archive
    }

    deinit { unsafe _ = archive_read_free(archive) }

    /// Unpacks `count` bytes of `stream`; gives what is wrong with it, or nil.
    consuming func read(_ stream: [UInt8], count: Int, _ body: (ArraySlice<UInt8>) -> Bool) -> String? {
        let archive = unsafe archive
        // libarchive reads from `stream` while the closure runs, and not after.
        return unsafe stream.withUnsafeBytes { bytes -> String? in
            unsafe archive_read_support_format_raw(archive)
            var entry: OpaquePointer?
            guard unsafe archive_read_append_filter(archive, ARCHIVE_FILTER_LZMA) == ARCHIVE_OK,
                unsafe archive_read_open_memory(archive, bytes.baseAddress, bytes.count) == ARCHIVE_OK,
                unsafe archive_read_next_header(archive, &entry) == ARCHIVE_OK
            else { return "a stream that does not start" }
            var chunk = [UInt8](repeating: 0, count: min(count, Self.chunkByteCount))
            var done = 0
            while done < count {
                let wanted = min(chunk.count, count - done)
                let got = unsafe chunk.withUnsafeMutableBytes {
                    unsafe archive_read_data(archive, $0.baseAddress, wanted)
                }
                guard got > 0 else { return "an end or damage after \(done) unpacked bytes" }
                done += got
                guard body(chunk[..<got]) else { return nil }
            }
            var extra: UInt8 = 0
            guard unsafe archive_read_data(archive, &extra, 1) == 0 else {
                return "damage or more than the stated \(count) bytes at the end"
            }
            return nil
        }
    }
}
