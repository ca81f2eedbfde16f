import Archives
import Bytes
import DiskFormats

/// The decoders of Archives, as readers of compressed formats take them.
enum BlockDecompression {
    /// A byte of deflate or Zstandard may stand for so many.
    private static let ratio = 5000

    static let squashFS: SquashFS.Decompressor = { compression, block, source, limit in
        let limits = ExpansionLimits(byteCount: limit, ratio: ratio)
        switch compression {
        case .gzip: return try ZlibStream.decode(block, source: source, limits: limits)
        case .xz: return try Compression.xz.decompress(block, source: source, limits: limits)
        case .zstd: return try Compression.zstd.decompress(block, source: source, limits: limits)
        case .lzma, .lzo, .lz4: throw unknown(compression.name, source, known: "gzip, xz, zstd or lz4")
        }
    }

    static let initrd: InitrdCompression.Decompressor = { compression, stream, source, limit in
        let limits = ExpansionLimits(byteCount: limit, ratio: ratio)
        switch compression {
        case .gzip: return try Compression.gzip.decompress(stream, source: source, limits: limits)
        case .xz: return try Compression.xz.decompress(stream, source: source, limits: limits)
        case .zstd: return try Compression.zstd.decompress(stream, source: source, limits: limits)
        case .bzip2, .lzma, .lzo, .lz4: throw unknown(compression.rawValue, source, known: "gzip, xz, zstd or lz4")
        }
    }

    private static func unknown(_ name: String, _ source: String, known: String) -> FormatError {
        FormatError(
            source: source, field: "compression", found: name, expected: known,
            hint: "there is no decoder of \(name) here; decompress it with a tool of its own first")
    }
}
