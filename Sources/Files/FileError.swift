private import Glibc

/// A system call on a file that failed: what was tried, on which path, why, and what to do.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    public var path: String
    /// What was tried, as a verb: `open`, `write`, `rename`.
    public var operation: String
    /// errno, or 0 where the reason is in `reason` alone.
    public var code: Int32
    public var reason: String
    public var hint: String?
    /// Whether another file or name must be given; else the machine stands in the way.
    public var isInput: Bool

    public init(_ operation: String, _ path: String, code: Int32, hint: String? = nil) {
        self.path = path
        self.operation = operation
        self.code = code
        self.reason = errorText(code)
        self.hint = hint ?? Self.usualHint(code)
        isInput = [ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP].contains(code)
    }

    public init(_ operation: String, _ path: String, reason: String, isInput: Bool = false, hint: String? = nil) {
        self.path = path
        self.operation = operation
        self.code = 0
        self.reason = reason
        self.hint = hint
        self.isInput = isInput
    }

    public var description: String { "\(path): cannot \(operation): \(reason)" }

    /// A program that is needed and not on PATH.
    static func notInstalled(_ program: String) -> FileError {
        FileError(
            "run", program, reason: "not installed",
            hint:
                "install the package that has the program, or put its folder on PATH; ci/setup installs all that are used"
        )
    }

    private static func usualHint(_ code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT: "free some space there, or choose another place; what was there before is unchanged"
        case ENOENT, ENOTDIR, EISDIR, ELOOP: "check the path"
        case ENAMETOOLONG: "choose a shorter name"
        case EACCES, EPERM: "check the permissions of the file and of the folders above it"
        case EROFS: "the file system is mounted read-only; choose another place"
        default: nil
        }
    }
}

func errorText(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return "error \(code)" }
        _ = unsafe strerror_r(code, base, buffer.count)
        let text = unsafe String(cString: base)
        return text.isEmpty ? "error \(code)" : text.prefix(1).lowercased() + text.dropFirst()
    }
}

/// Calls `body` again while a signal interrupts it; throws errno as a `FileError`.
@discardableResult
func checked<T: SignedInteger>(_ operation: String, _ path: String, _ body: () -> T) throws(FileError) -> T {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw FileError(operation, path, code: code) }
    }
}
