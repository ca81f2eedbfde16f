private import Bytes
private import Documents
private import Files
internal import Hashing

/// A lock on disk: `image.lock.json` in an image's folder and the kept files under `lock/` that it names.
public struct LockFolder: Sendable {
    /// The image's folder.
    public let path: String
    public static let fileName = "image.lock.json"

    public init(_ path: String) { self.path = path }

    /// The lock's file.
    public var lockPath: String { path + "/" + Self.fileName }

    /// The lock; nil if there is none.
    public func read() throws -> ImageLock? {
        guard FileSystem.exists(lockPath) else { return nil }
        return try ImageLock(parsing: InputFile.contents(of: lockPath, limit: 16 << 20), source: lockPath)
    }

    /// The lock. Throws if there is none.
    public func require() throws -> ImageLock {
        guard let lock = try read() else {
            throw PackageError(lockPath, "there is no lock", hint: "run 'assay lock' for this image")
        }
        return lock
    }

    /// Files below `lock/` that `lock` does not name, as an update leaves them that was killed; relative paths.
    public func strayFiles(_ lock: ImageLock) throws -> [String] {
        guard FileSystem.exists(path + "/lock") else { return [] }
        let named = Set(lock.keptFiles.map(\.path))
        return try FileSystem.list(path + "/lock").map { "lock/" + $0 }.filter { !named.contains($0) }
    }

    /// Puts a new lock in place of the old one.
    ///
    /// The kept files have names of their own, so that the old lock is whole until the new one is renamed over it;
    /// only then go files that no lock names any more.
    func write(_ resolution: Resolution) throws {
        try FileSystem.makeDirectory(path + "/lock")
        for (file, bytes) in resolution.keptFiles { try OutputFile.write(bytes, to: path + "/" + file.path) }
        try FileSystem.synchronize(directory: path + "/lock")
        try OutputFile.write(Array(resolution.lock.fileText.utf8), to: lockPath)
        let named = Set(resolution.keptFiles.map(\.file.path))
        for name in try FileSystem.list(path + "/lock") where !named.contains("lock/" + name) {
            try FileSystem.remove(path + "/lock/" + name)
        }
    }
}

/// A new lock with the bytes that are kept for it.
struct Resolution {
    var lock: ImageLock
    /// Committed beside the lock.
    var keptFiles: [(file: KeptFile, bytes: [UInt8])]
    /// Packed indexes, for the cache.
    var indexes: [[UInt8]]
}
