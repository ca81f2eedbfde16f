public import Bytes
private import Files
public import Hashing

/// Files kept by their SHA-256 below one directory: `sha256/<2 digits>/<64 digits>`.
///
/// An entry is hashed every time that it is used; one that does not match its name is removed and counts as absent.
/// Its time of modification is that of the last use, which collections go by. Entries appear whole, so processes may share a store; `withLock` keeps two from fetching the same thing.
public struct ContentStore: Sendable {
    /// The store's directory.
    public let path: String
    /// Keeps collections away while this value or a copy lives.
    private let lease: FileLock?

    /// Opens the store at `path`, making the directory if needed.
    ///
    /// A directory that another user owns is refused: its owner could change entries while they are read.
    ///
    /// While it is open no collection removes anything from it.
    public init(_ path: String) throws { try self.init(path, isLeased: true) }

    init(_ path: String, isLeased: Bool) throws {
        self.path = path
        try FileSystem.makeDirectory(path, mode: 0o700)
        // The final "." makes a link's target count, not the link.
        let owner = FileSystem.owner(of: path + "/.")
        guard let owner, owner == FileSystem.effectiveUser else {
            // One that may not be entered has an owner as well.
            throw ForeignStore(path: path, owner: owner ?? FileSystem.owner(of: path))
        }
        lease = try isLeased ? FileLock(sharedDirectory: path) : nil
    }

    /// Where the cache is when nobody says: `$XDG_CACHE_HOME/assay`, else `~/.cache/assay`; nil without a home.
    public static var defaultPath: String? {
        if let cache = FileSystem.environment("XDG_CACHE_HOME"), cache.hasPrefix("/") { return cache + "/assay" }
        guard let home = FileSystem.environment("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.cache/assay"
    }

    /// Where the entry of a digest is or would be.
    public func entryPath(_ digest: Digest) -> String {
        "\(path)/\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)"
    }

    /// The bytes with this digest; nil if the store does not have them.
    public func bytes(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        let entry = entryPath(digest)
        guard FileSystem.kind(of: entry) == .file else { return nil }
        // Another process may have removed it since; that is absence as well.
        guard let file = try? InputFile(entry), file.size <= limit else { return nil }
        let bytes = try file.read(at: 0, count: file.size)
        guard Digest.of(bytes, digest.algorithm) == digest else {
            try FileSystem.remove(entry)
            return nil
        }
        FileSystem.touch(entry)
        return bytes
    }

    /// Keeps `bytes` and gives their digest.
    @discardableResult
    public func insert(_ bytes: [UInt8], algorithm: HashAlgorithm = .sha256) throws -> Digest {
        let digest = Digest.of(bytes, algorithm)
        let entry = entryPath(digest)
        try FileSystem.makeDirectory(FileSystem.parent(of: entry), mode: 0o700)
        try OutputFile.write(bytes, to: entry)
        return digest
    }

    /// Runs `body` while no other process runs one for the same digest.
    public func withLock<Result>(_ digest: Digest, _ body: () throws -> Result) throws -> Result {
        try FileSystem.makeDirectory(path + "/locks", mode: 0o700)
        let lock = try FileLock("\(path)/locks/\(digest.hex.prefix(2))")
        return try withExtendedLifetime(lock) { try body() }
    }
}

/// A store that another user owns.
public struct ForeignStore: ExplainedError, Equatable {
    public var path: String
    /// The owner's user id, if anything is there.
    public var owner: UInt32?
    public var outcome: Outcome { .environment }
    public var hint: String? { "choose another with --cache, or set XDG_CACHE_HOME to a directory of your own" }

    public var description: String {
        let found = owner.map { "owned by user \($0)" } ?? "not there"
        return "\(path): the cache is \(found), expected user \(FileSystem.effectiveUser)"
    }
}
