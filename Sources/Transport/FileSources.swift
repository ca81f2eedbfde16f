public import Bytes
private import Files
private import Hashing

/// Where pinned files come from: pool directories first, then the cache, then archives over the network.
///
/// A name only suggests where to look. What is handed out was hashed as the very bytes that are handed out; a file is
/// never checked and opened again.
public struct FileSources: Sendable {
    /// Directories that hold files under any name.
    public var pools: [String]
    public var cache: ContentStore?
    /// Addresses of archives, tried in order with the file's path behind them.
    public var mirrors: [String]

    public init(pools: [String] = [], cache: ContentStore? = nil, mirrors: [String] = []) {
        self.pools = pools
        self.cache = cache
        self.mirrors = mirrors
    }

    /// The bytes of `file`. Throws `FileUnavailable` if no place has them.
    public func fetch(_ file: PinnedFile) throws -> [UInt8] {
        var tried: [String] = []
        if let bytes = try fromPools(file, tried: &tried) { return bytes }
        guard let cache else {
            guard let bytes = try fromMirrors(file, tried: &tried) else { throw unavailable(file, tried) }
            return bytes
        }
        // Two builds that want the same file: the second waits and finds it in the cache.
        return try cache.withLock(file.digest) {
            if let bytes = try cache.bytes(file.digest, limit: file.byteCount) { return bytes }
            guard let bytes = try fromMirrors(file, tried: &tried) else { throw unavailable(file, tried) }
            try cache.insert(bytes, algorithm: file.digest.algorithm)
            return bytes
        }
    }

    /// Whether a place at hand has the file, without the network.
    public func hasLocally(_ file: PinnedFile) throws -> Bool {
        var tried: [String] = []
        if try fromPools(file, tried: &tried) != nil { return true }
        return try cache?.bytes(file.digest, limit: file.byteCount) != nil
    }

    private func unavailable(_ file: PinnedFile, _ tried: [String]) -> FileUnavailable {
        var places = tried
        if let cache { places.append("\(cache.path): no entry") }
        if mirrors.isEmpty { places.append("no mirror is configured") }
        return FileUnavailable(file: file, tried: places)
    }

    // MARK: pools

    private func fromPools(_ file: PinnedFile, tried: inout [String]) throws -> [UInt8]? {
        for pool in pools {
            guard FileSystem.exists(pool) else {
                tried.append("\(pool): no such directory")
                continue
            }
            let likely = ([file.path, FileSystem.name(of: file.path)] + file.otherNames).map { pool + "/" + $0 }
            for candidate in likely {
                guard let bytes = read(candidate, file) else {
                    if let problem = problem(candidate, file) { tried.append(problem) }
                    continue
                }
                if Digest.of(bytes, file.digest.algorithm) == file.digest { return bytes }
                tried.append("\(candidate): the right name and size, another hash")
            }
            // Any other name: only files of the right size are read.
            for name in try FileSystem.list(pool) where !likely.contains(pool + "/" + name) {
                guard let bytes = read(pool + "/" + name, file) else { continue }
                if Digest.of(bytes, file.digest.algorithm) == file.digest { return bytes }
            }
            tried.append("\(pool): no file with this hash")
        }
        return nil
    }

    /// The bytes at `path` if they are as many as wanted.
    private func read(_ path: String, _ file: PinnedFile) -> [UInt8]? {
        guard let input = try? InputFile(path), input.size == file.byteCount else { return nil }
        return try? input.read(at: 0, count: file.byteCount)
    }

    /// What is wrong with a file that has the right name; nil if there is none.
    private func problem(_ path: String, _ file: PinnedFile) -> String? {
        guard FileSystem.exists(path) else { return nil }
        do {
            let size = try InputFile(path).size
            guard size != file.byteCount else { return "\(path): cannot be read" }
            let kind = size < file.byteCount ? "cut short, or another file" : "another file"
            return "\(path): the right name, but \(size) bytes instead of \(file.byteCount): \(kind)"
        } catch {
            return error.description
        }
    }

    // MARK: mirrors

    private func fromMirrors(_ file: PinnedFile, tried: inout [String]) throws -> [UInt8]? {
        for mirror in mirrors {
            let address = Self.address(mirror, file.path)
            do {
                let bytes = try Download(address, byteCount: file.byteCount).run()
                let found = Digest.of(bytes, file.digest.algorithm)
                if found == file.digest { return bytes }
                tried.append("\(address): found SHA-256 \(found)")
            } catch let error as DownloadError {
                tried.append(error.description)
            }
        }
        return nil
    }

    /// `path` behind `mirror`, with the characters encoded that an address may not hold as they are.
    static func address(_ mirror: String, _ path: String) -> String {
        var base = mirror[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        let safe = Set("-._~/".utf8)
        var text = base + "/"
        for byte in path.utf8 {
            let plain =
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: safe.contains(byte)
                }
            text += plain ? String(UnicodeScalar(byte)) : "%" + [byte].hex
        }
        return String(text)
    }
}

/// A pinned file that no place has.
public struct FileUnavailable: ExplainedError, Equatable {
    public var file: PinnedFile
    /// Each place that was asked and what it said.
    public var tried: [String]
    public var outcome: Outcome { .environment }

    public var hint: String? {
        "put the file into a directory and name it with --pool, give a --mirror that still has it (an archive of "
            + "snapshots keeps old versions), or take today's versions with 'assay lock --update', which changes "
            + "the image"
    }

    public var description: String {
        let places = tried.map { "\n  \($0)" }.joined()
        return "\(file.title): nobody has \(file.path) (\(file.byteCount) bytes, SHA-256 \(file.digest)):\(places)"
    }
}
