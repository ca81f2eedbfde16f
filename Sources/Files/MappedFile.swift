private import Glibc

/// A file mapped into memory, for files that only we write (build outputs, cache entries).
@safe public final class MappedFile: @unchecked Sendable {
    public let path: String
    private let base: UnsafeMutableRawPointer?
    /// Size in bytes.
    public let size: Int

    /// Maps `path` read-only.
    public init(_ path: String) throws(FileError) {
        let descriptor = try checked("open", path) { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        var status = stat()
        try checked("examine", path) { unsafe fstat(descriptor, &status) }
        self.path = path
        size = Int(status.st_size)
        guard size > 0 else {
            unsafe base = nil
            return
        }
        let mapping = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            throw FileError("map", path, code: errno)
        }
        unsafe base = mapping
    }

    deinit { if let base = unsafe base { unsafe munmap(base, size) } }

    /// Gives `body` the contents without copying them.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let buffer = unsafe UnsafeRawBufferPointer(start: base, count: size)
        return try unsafe body(RawSpan(_unsafeBytes: buffer))
    }
}
