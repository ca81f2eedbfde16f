private import Bytes
private import Glibc

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a temporary name beside it; `commit` flushes them to disk and renames. If it goes away without
/// `commit`, the temporary file is removed and the old file, if any, stays.
public final class OutputFile {
    /// The final name.
    public let path: String
    private let temporary: String
    private let descriptor: Int32
    private var position = 0
    private var committed = false

    /// Starts writing what will be `path`. The mode of the file is `mode` whatever the umask says.
    public init(_ path: String, mode: UInt32 = 0o644) throws(FileError) {
        self.path = path
        temporary = FileSystem.temporaryName(beside: path)
        let temporary = temporary
        descriptor = try checked("create", path) {
            unsafe open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        }
        _ = fchmod(descriptor, mode_t(mode))
    }

    deinit {
        close(descriptor)
        if !committed { unsafe unlink(temporary) }
    }

    /// Bytes appended so far.
    public var count: Int { position }

    /// Appends bytes.
    public func append(_ bytes: RawSpan) throws(FileError) {
        try write(bytes, at: position)
        position += bytes.byteCount
    }

    /// Appends bytes.
    public func append(_ bytes: [UInt8]) throws(FileError) { try append(bytes.raw) }

    /// Appends a hole of zero bytes without writing them.
    public func appendZeros(_ count: Int) throws(FileError) {
        position += count
        try checked("write", path) { ftruncate(descriptor, off_t(position)) }
    }

    /// Writes at `offset` without moving the append position.
    public func write(_ bytes: RawSpan, at offset: Int) throws(FileError) {
        var done = 0
        while done < bytes.byteCount {
            let wrote = try checked("write", path) {
                unsafe bytes.withUnsafeBytes {
                    unsafe pwrite(
                        descriptor, $0.baseAddress.map { unsafe $0 + done }, $0.count - done, off_t(offset + done))
                }
            }
            done += wrote
        }
    }

    /// Writes at `offset` without moving the append position.
    public func write(_ bytes: [UInt8], at offset: Int) throws(FileError) { try write(bytes.raw, at: offset) }

    /// Writes at `offset` where nothing was written yet, leaving a hole wherever 4 KiB of `bytes` are zero.
    ///
    /// The file must have been made long enough with `appendZeros`; it then reads the same as after `write`.
    public func writeLeavingHoles(_ bytes: RawSpan, at offset: Int) throws(FileError) {
        let zeros = [UInt8](repeating: 0, count: Self.holeSize)
        func isZero(_ range: Range<Int>) -> Bool {
            let piece = bytes.extracting(range)
            return unsafe piece.withUnsafeBytes { piece in
                unsafe zeros.withUnsafeBytes { zeros in
                    guard let left = piece.baseAddress, let right = zeros.baseAddress else { return true }
                    return unsafe memcmp(left, right, piece.count) == 0
                }
            }
        }
        var start = 0
        for position in stride(from: 0, to: bytes.byteCount, by: Self.holeSize) {
            let end = min(position + Self.holeSize, bytes.byteCount)
            guard isZero(position..<end) else { continue }
            if start < position { try write(bytes.extracting(start..<position), at: offset + start) }
            start = end
        }
        if start < bytes.byteCount { try write(bytes.extracting(start..<bytes.byteCount), at: offset + start) }
    }

    private static let holeSize = 4096

    /// Reads back what was written.
    public func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = try checked("read", path) {
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe pread(
                        descriptor, $0.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
                }
            }
            if got == 0 { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }

    /// Makes the file appear under its name, durable unless it is scratch that a crash may take.
    public func commit(durable: Bool = true) throws(FileError) {
        if durable { try checked("write", path) { fsync(descriptor) } }
        try checked("rename", path) { unsafe rename(temporary, path) }
        committed = true
        if durable { try FileSystem.synchronize(directory: FileSystem.parent(of: path)) }
    }

    /// Writes a whole file at once, atomically.
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(FileError) {
        let file = try OutputFile(path, mode: mode)
        try file.append(bytes)
        try file.commit()
    }
}
