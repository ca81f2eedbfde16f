public import Bytes
private import CLibArchive
private import Glibc

/// libarchive reading one stream, with every result class handled and every output byte counted.
///
/// It exists only while `withReader` or `TarArchive.forEachEntry` runs its body, which may read the present entry.
@safe public struct ArchiveReader: ~Copyable {
    enum Format { case raw, tar }

    private let handle: OpaquePointer
    private let input: Int
    private let limits: ExpansionLimits
    private let form: String
    /// The name of the input, for errors.
    public let source: String
    /// Bytes delivered so far, of all entries.
    private var delivered = 0
    private var entries = 0
    /// The present header; it dies with the next one.
    private var header: OpaquePointer?

    private init(handle: OpaquePointer, form: String, source: String, input: Int, limits: ExpansionLimits) {
        unsafe self.handle = handle
        self.form = form
        self.source = source
        self.input = input
        self.limits = limits
        unsafe header = nil
    }

    deinit { unsafe archive_read_free(handle) }

    /// Gives `body` a reader over `bytes`.
    static func withReader<Result>(
        over bytes: RawSpan, compression: Compression, format: Format, source: String, limits: ExpansionLimits,
        _ body: (inout ArchiveReader) throws -> Result
    ) throws -> Result {
        // Names in pax headers are UTF-8; in any other locale libarchive would refuse or change them.
        let locale = ThreadLocale()
        defer { locale.restore() }
        return try unsafe bytes.withUnsafeBytes { buffer in
            var reader = try unsafe open(
                buffer, compression: compression, format: format, source: source, limits: limits)
            return try body(&reader)
        }
    }

    private static func open(
        _ buffer: UnsafeRawBufferPointer, compression: Compression, format: Format, source: String,
        limits: ExpansionLimits
    ) throws(FormatError) -> ArchiveReader {
        guard let handle = unsafe archive_read_new() else { preconditionFailure("out of memory") }
        let form = format == .tar ? "tar archive" : "\(compression.rawValue) stream"
        let reader = unsafe ArchiveReader(
            handle: handle, form: form, source: source, input: buffer.count, limits: limits)
        // A library built without this decoder would offer to run a program: it says so with a warning.
        guard unsafe compression.register(with: handle) == ARCHIVE_OK else {
            throw reader.error(
                compression.rawValue, "a libarchive without it", expected: "a libarchive that decodes it itself",
                hint: "install the distribution's libarchive")
        }
        if compression != .none {
            try reader.require(unsafe archive_read_append_filter(handle, compression.code))
        }
        let code = format == .tar ? ARCHIVE_FORMAT_TAR : ARCHIVE_FORMAT_RAW
        try reader.require(unsafe archive_read_set_format(handle, code))
        try reader.require(unsafe archive_read_open_memory(handle, buffer.baseAddress, buffer.count))
        return reader
    }

    /// An error about this stream at the byte that the decoder has reached.
    func error(_ field: String, _ found: String, expected: String, hint: String? = nil) -> FormatError {
        let offset = unsafe archive_filter_bytes(handle, -1)
        return FormatError(
            source: source, offset: offset > 0 ? Int(offset) : nil, field: field, found: found, expected: expected,
            hint: hint)
    }

    /// Only OK is good. A warning means that something was changed or left out, which nobody may build on.
    private func require(_ code: Int32) throws(FormatError) {
        guard code != ARCHIVE_OK else { return }
        var text = "error \(code)"
        if let message = unsafe archive_error_string(handle) { text = unsafe String(cString: message) }
        throw error(form, "'\(text)'", expected: "intact data", hint: "the file may be cut short or damaged")
    }

    /// Moves to the next entry; false at the archive's end.
    mutating func nextHeader() throws(FormatError) -> Bool {
        var entry: OpaquePointer?
        let code = unsafe archive_read_next_header(handle, &entry)
        if code == ARCHIVE_EOF { return false }
        try require(code)
        unsafe header = entry
        entries += 1
        guard entries <= limits.entryCount else {
            throw error(form, "more than \(limits.entryCount) entries", expected: "at most that many")
        }
        return true
    }

    /// The present member of a tar archive.
    func entry() throws(FormatError) -> TarEntry {
        guard let header = unsafe header else { throw error(form, "no entry", expected: "an entry") }
        return try unsafe TarEntry(header, source: source)
    }

    /// Gives `body` the present entry's bytes in order, a piece at a time, holes as zeros.
    public mutating func forEachChunk<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws {
        var position: Int64 = 0
        while true {
            var pointer: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let code = unsafe archive_read_data_block(handle, &pointer, &count, &offset)
            if code == ARCHIVE_EOF {
                // The end of a sparse file comes as an empty block's offset.
                return try deliverZeros(from: position, to: offset, body)
            }
            try require(code)
            try deliverZeros(from: position, to: offset, body)
            try account(for: Int64(count))
            try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: pointer, count: count)))
            position = offset + Int64(count)
        }
    }

    private mutating func deliverZeros<Failure: Error>(
        from position: Int64, to offset: Int64, _ body: (RawSpan) throws(Failure) -> Void
    ) throws {
        guard offset > position else { return }
        try account(for: offset - position)
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var left = Int(offset - position)
        while left > 0 {
            let count = min(left, zeros.count)
            try body(zeros.raw.extracting(0..<count))
            left -= count
        }
    }

    private mutating func account(for count: Int64) throws(FormatError) {
        let (total, overflow) = delivered.addingReportingOverflow(Int(clamping: count))
        delivered = overflow ? .max : total
        if let expected = limits.broken(output: delivered, input: input) {
            throw error(form, "\(delivered) bytes and more", expected: expected, hint: "it may be a decompression bomb")
        }
    }

    /// The present entry's bytes.
    public mutating func contents() throws(FormatError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            try forEachChunk { (chunk: RawSpan) in
                unsafe chunk.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            }
        } catch let error as FormatError {
            throw error
        } catch {
            preconditionFailure("the body does not throw")
        }
        return bytes
    }
}

/// The character type of this thread set to UTF-8 for a while; the process's locale is left alone.
@safe private struct ThreadLocale {
    private let previous: locale_t?
    private let own: locale_t?

    init() {
        unsafe own = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
        unsafe previous = own.flatMap { unsafe uselocale($0) }
    }

    func restore() {
        guard let own = unsafe own else { return }
        if let previous = unsafe previous { unsafe _ = uselocale(previous) }
        unsafe freelocale(own)
    }
}
