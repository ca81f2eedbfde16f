private import Bytes
private import CShims
private import Glibc

/// An open file or block device, read by offset with `pread`; closed when the last reference goes.
///
/// Paths that users give are read this way and not mapped: a mapping dies of SIGBUS if somebody shortens the file.
public final class InputFile: Sendable {
    /// As the user named it.
    public let path: String
    private let descriptor: Int32
    /// Size in bytes when it was opened.
    public let size: Int

    /// Opens `path` for reading.
    public init(_ path: String) throws(FileError) {
        let descriptor = try checked("open", path) { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError("examine", path, code: code)
        }
        var size = Int(status.st_size)
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFBLK:
            var bytes: UInt64 = 0
            guard unsafe assay_block_device_size(descriptor, &bytes) == 0 else {
                let code = errno
                close(descriptor)
                throw FileError("examine", path, code: code)
            }
            size = Int(clamping: bytes)
        default:
            close(descriptor)
            throw FileError(
                "read", path, reason: "not a file", isInput: true,
                hint: "give a regular file or a block device")
        }
        self.path = path
        self.descriptor = descriptor
        self.size = size
    }

    deinit { close(descriptor) }

    /// Reads exactly `count` bytes at `offset`.
    public func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try read(at: offset, into: &bytes)
        guard got == count else {
            throw FileError("read", path, reason: "ends at byte \(offset + got), wanted \(count) bytes at \(offset)")
        }
        return bytes
    }

    /// Fills `buffer` from `offset` on; gives the number of bytes read, less than asked for only at the end.
    public func read(at offset: Int, into buffer: inout [UInt8]) throws(FileError) -> Int {
        var done = 0
        let wanted = buffer.count
        while done < wanted {
            let got = try checked("read", path) {
                unsafe buffer.withUnsafeMutableBytes {
                    unsafe pread(
                        descriptor, $0.baseAddress.map { unsafe $0 + done }, wanted - done, off_t(offset + done))
                }
            }
            if got == 0 { break }
            done += got
        }
        return done
    }

    /// Gives `body` the contents in order, at most `chunk` bytes at a time, in one reused buffer.
    public func forEachChunk<Failure: Error>(
        from start: Int = 0, to end: Int? = nil, chunk: Int = 1 << 20, _ body: (RawSpan) throws(Failure) -> Void
    ) throws {
        let end = end ?? size
        var buffer = [UInt8](repeating: 0, count: max(1, min(chunk, end - start)))
        var offset = start
        while offset < end {
            let wanted = min(buffer.count, end - offset)
            if wanted < buffer.count { buffer = Array(buffer.prefix(wanted)) }
            guard try read(at: offset, into: &buffer) == wanted else {
                throw FileError("read", path, reason: "became shorter while it was read")
            }
            try body(buffer.raw)
            offset += wanted
        }
    }

    /// The whole contents of `path`; refused beyond `limit` bytes.
    public static func contents(of path: String, limit: Int = 1 << 31) throws(FileError) -> [UInt8] {
        let file = try InputFile(path)
        guard file.size <= limit else {
            throw FileError(
                "read", path, reason: "\(file.size) bytes, more than the \(limit) that are accepted here",
                isInput: true, hint: "this is probably another file than the one meant")
        }
        return try file.read(at: 0, count: file.size)
    }
}
