public import Bytes
private import CLibArchive

/// A compressed form that Assay decodes. The caller names it: nothing is guessed from the data, and no decoder that
/// starts a program is ever used.
public enum Compression: String, Sendable, CaseIterable, Hashable {
    case none
    /// RFC 1952.
    case gzip
    /// The .xz file format 1.1.
    case xz
    /// RFC 8878.
    case zstd
    /// The LZMA-alone stream of firmware volumes: properties, dictionary size, 64-bit output size, data.
    case lzma

    /// The compression that a file name's last suffix says; `none` for any other.
    public init(fileName: some StringProtocol) {
        self =
            switch fileName.split(separator: ".", omittingEmptySubsequences: false).last ?? "" {
            case "gz": .gzip
            case "xz": .xz
            case "zst": .zstd
            case "lzma": .lzma
            default: .none
            }
    }

    /// Decodes `bytes`, which `source` names in errors.
    ///
    /// Data that is cut short is an error, and so is damage wherever the form has a checksum: all but `lzma`.
    public func decompress(
        _ bytes: [UInt8], source: String, limits: ExpansionLimits
    ) throws(FormatError) -> [UInt8] {
        guard self != .none else {
            if let expected = limits.broken(output: bytes.count, input: bytes.count) {
                throw FormatError(source: source, field: "size", found: "\(bytes.count) bytes", expected: expected)
            }
            return bytes
        }
        guard !bytes.isEmpty else {
            throw FormatError(source: source, field: "\(rawValue) stream", found: "nothing", expected: "data")
        }
        if self == .gzip { try GzipFrame.checkHeader(bytes, source: source) }
        let contents = try decode(bytes, source: source, limits: limits)
        if self == .gzip { try GzipFrame.checkTrailer(bytes, contents: contents, source: source) }
        return contents
    }

    /// Decodes `bytes` and gives `body` the output in order, a piece at a time.
    ///
    /// Damage that the form has no checksum for, and that of gzip, is not seen: whoever calls compares the output's
    /// digest. Several gzip members one after another are one stream.
    public func forEachChunk(
        of bytes: RawSpan, source: String, limits: ExpansionLimits, _ body: (RawSpan) throws -> Void
    ) throws {
        guard bytes.byteCount > 0 else {
            throw FormatError(source: source, field: "\(rawValue) stream", found: "nothing", expected: "data")
        }
        if self == .gzip {
            let count = min(bytes.byteCount, 18)
            let start = unsafe bytes.extracting(0..<count).withUnsafeBytes { unsafe [UInt8]($0) }
            try GzipFrame.checkHeader(start, source: source)
        }
        try ArchiveReader.withReader(
            over: bytes, compression: self, format: .raw, source: source, limits: limits
        ) { reader in
            guard try reader.nextHeader() else { return }
            try reader.forEachChunk { (chunk: RawSpan) throws in try body(chunk) }
        }
    }

    func decode(
        _ bytes: [UInt8], source: String, limits: ExpansionLimits
    ) throws(FormatError) -> [UInt8] {
        do {
            return try ArchiveReader.withReader(
                over: bytes.raw, compression: self, format: .raw, source: source, limits: limits
            ) { reader in
                guard try reader.nextHeader() else { return [] }
                return try reader.contents()
            }
        } catch let error as FormatError {
            throw error
        } catch {
            preconditionFailure("a reader throws nothing else")
        }
    }

    /// libarchive's code of the filter.
    var code: Int32 {
        switch self {
        case .none: ARCHIVE_FILTER_NONE
        case .gzip: ARCHIVE_FILTER_GZIP
        case .xz: ARCHIVE_FILTER_XZ
        case .zstd: ARCHIVE_FILTER_ZSTD
        case .lzma: ARCHIVE_FILTER_LZMA
        }
    }

    /// Makes the filter known to a reader; gives libarchive's result.
    func register(with handle: OpaquePointer) -> Int32 {
        switch self {
        case .none: unsafe archive_read_support_filter_none(handle)
        case .gzip: unsafe archive_read_support_filter_gzip(handle)
        case .xz: unsafe archive_read_support_filter_xz(handle)
        case .zstd: unsafe archive_read_support_filter_zstd(handle)
        case .lzma: unsafe archive_read_support_filter_lzma(handle)
        }
    }
}
