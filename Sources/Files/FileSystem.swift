private import CShims
private import Glibc

/// Directories, names and metadata; every listing is sorted by bytes.
public enum FileSystem {
    public enum Kind: Sendable { case file, directory, link, other }

    /// What is at `path`, not following a link there; nil if nothing is.
    public static func kind(of path: String) -> Kind? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .directory
        case S_IFLNK: .link
        default: .other
        }
    }

    /// The owner's user id of `path`; nil if nothing is there.
    public static func owner(of path: String) -> UInt32? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_uid : nil
    }

    /// The user that this process acts for.
    public static var effectiveUser: UInt32 { geteuid() }

    /// Whether something that a link may point to is at `path`.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }

    /// Whether both names lead to the same file or device.
    public static func areSame(_ a: String, _ b: String) -> Bool {
        var one = stat()
        var two = stat()
        guard unsafe stat(a, &one) == 0, unsafe stat(b, &two) == 0 else { return false }
        if one.st_mode & S_IFMT == S_IFBLK, two.st_mode & S_IFMT == S_IFBLK { return one.st_rdev == two.st_rdev }
        return one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }

    /// Whether a regular file, or a link to one, is at `path`; nil if nothing is.
    public static func isRegularFile(_ path: String) -> Bool? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT == S_IFREG
    }

    /// Makes `path` and the directories above it.
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(FileError) {
        guard !path.isEmpty, !exists(path) else { return }
        try makeDirectory(parent(of: path), mode: mode)
        if unsafe mkdir(path, mode_t(mode)) != 0, errno != EEXIST {
            throw FileError("create the directory", path, code: errno)
        }
    }

    /// Names in a directory without `.` and `..`, sorted by bytes.
    public static func list(_ path: String) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw FileError("list", path, code: errno) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Every file below `path`, by its path relative to it, sorted by bytes; links are not followed.
    public static func filesBelow(_ path: String) throws(FileError) -> [String] {
        var result: [String] = []
        for name in try list(path) {
            let full = path + "/" + name
            if kind(of: full) == .directory {
                for inner in try filesBelow(full) { result.append(name + "/" + inner) }
            } else {
                result.append(name)
            }
        }
        return result.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Removes a file, a link or a whole directory; nothing there is no error.
    public static func remove(_ path: String) throws(FileError) {
        switch kind(of: path) {
        case nil: return
        case .directory:
            for name in try list(path) { try remove(path + "/" + name) }
            try checked("remove", path) { unsafe rmdir(path) }
        default: try checked("remove", path) { unsafe unlink(path) }
        }
    }

    /// Renames, replacing what is there.
    public static func rename(_ from: String, to: String) throws(FileError) {
        try checked("rename", from) { unsafe Glibc.rename(from, to) }
    }

    /// Puts the directory `new` at `path`: in one step if something is there already (which is removed after), so that
    /// at every moment `path` is the old directory or the new one.
    public static func replaceDirectory(_ path: String, with new: String) throws(FileError) {
        try synchronize(directory: new)
        if unsafe assay_rename_noreplace(new, path) == 0 {
            try synchronize(directory: parent(of: path))
            return
        }
        guard errno == EEXIST || errno == ENOTEMPTY else { throw FileError("rename", new, code: errno) }
        try checked("replace", path) { unsafe assay_rename_exchange(new, path) }
        try synchronize(directory: parent(of: path))
        try remove(new)
    }

    /// Copies a file's bytes; the copy appears whole.
    public static func copy(_ from: String, to: String, mode: UInt32 = 0o644) throws {
        let input = try InputFile(from)
        let output = try OutputFile(to, mode: mode)
        try input.forEachChunk { (chunk: RawSpan) throws(FileError) in try output.append(chunk) }
        try output.commit()
    }

    /// Flushes a directory's entries to disk.
    public static func synchronize(directory path: String) throws(FileError) {
        let descriptor = try checked("open", path) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        // Some file systems cannot flush a directory; then there is nothing more to do.
        if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS { throw FileError("flush", path, code: errno) }
    }

    /// The directory part of a path, `.` if it has none.
    public static func parent(of path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// The last part of a path.
    public static func name(of path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return String(trimmed) }
        return String(trimmed[trimmed.index(after: slash)...])
    }

    /// A name beside `path` that no other process uses; it never reaches an output.
    static func temporaryName(beside path: String) -> String {
        "\(parent(of: path))/.\(name(of: path)).\(getpid())-\(UInt32.random(in: .min ... .max)).partial"
    }

    /// A new empty directory beside `path` to build what will replace it.
    public static func temporaryDirectory(beside path: String) throws(FileError) -> String {
        let name = temporaryName(beside: path)
        try makeDirectory(parent(of: path))
        try checked("create the directory", name) { unsafe mkdir(name, 0o755) }
        return name
    }

    /// Removes temporary names that a killed run left beside `path`, if their process is gone.
    public static func removeLeftovers(beside path: String) throws(FileError) {
        let folder = parent(of: path)
        guard exists(folder) else { return }
        let prefix = ".\(name(of: path))."
        for entry in try list(folder) where entry.hasPrefix(prefix) && entry.hasSuffix(".partial") {
            guard let owner = entry.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(owner, 0) != 0, errno == ESRCH
            else { continue }
            try remove(folder + "/" + entry)
        }
    }

    /// The program's name and its arguments, as the C runtime was given them.
    ///
    /// Swift's runtime reads them from `/proc`, which a bare root does not have mounted, and then knows none.
    public static var processArguments: [String] {
        (0..<assay_argument_count()).compactMap { index in
            unsafe assay_argument(index).map { unsafe String(cString: $0) }
        }
    }

    /// A variable of the process's environment.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

/// An exclusive lock on a file, held while the object lives.
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Waits for the lock on `path`, making the file if needed.
    public init(_ path: String) throws(FileError) {
        descriptor = try checked("lock", path) { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode_t(0o644)) }
        let descriptor = descriptor
        try checked("lock", path) { flock(descriptor, LOCK_EX) }
    }

    /// Waits for the lock on a directory itself, so that no file is left behind; calls `whenHeld` once before it waits for
    /// another holder.
    ///
    /// Network file systems that cannot lock a directory give an object that holds nothing.
    public init(directory path: String, whenHeld: () -> Void = {}) throws(FileError) {
        descriptor = try checked("lock", path) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let descriptor = descriptor
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return }
        let code = errno
        if [EBADF, ENOLCK, EOPNOTSUPP].contains(code) { return }
        if code == EWOULDBLOCK { whenHeld() }
        try checked("lock", path) { flock(descriptor, LOCK_EX) }
    }

    /// Waits for a lock on a directory that others may share, while nobody has one of it alone.
    public init(sharedDirectory path: String) throws(FileError) {
        descriptor = try checked("lock", path) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let descriptor = descriptor
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 || [EBADF, ENOLCK, EOPNOTSUPP].contains(errno) { return }
        try checked("lock", path) { flock(descriptor, LOCK_SH) }
    }

    deinit { close(descriptor) }
}

/// Where a library reports what it is doing; only the command line draws it.
public typealias ProgressSink = @Sendable (String) -> Void

extension FileSystem {
    /// Size in bytes and time of modification in seconds since 1970 of a regular file; nil for anything else.
    public static func facts(of path: String) -> (byteCount: Int, modified: Int64)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return (Int(status.st_size), Int64(status.st_mtim.tv_sec))
    }

    /// Sets a file's times to now, where that is allowed; for caches, never for outputs.
    public static func touch(_ path: String) { unsafe _ = utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) }

    /// Seconds since 1970 now, for the age of cache entries; it never reaches an output.
    public static var secondsNow: Int64 { Int64(time(nil)) }

    /// Waits, for loops that ask whether another process has made a file.
    public static func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }
}
