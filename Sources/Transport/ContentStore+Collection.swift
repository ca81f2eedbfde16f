private import Bytes
private import Files
public import Hashing

extension ContentStore {
    /// One entry: its digest as its name says, its size in bytes, and when it was last used.
    public struct Entry: Sendable, Hashable {
        public var digest: Digest
        public var byteCount: Int
        /// Seconds since 1970 of the last use.
        public var lastUse: Int64
    }

    /// All entries, sorted by algorithm and digest. Nothing is hashed.
    public func entries() throws -> [Entry] {
        var result: [Entry] = []
        for algorithm in HashAlgorithm.allCases where FileSystem.exists("\(path)/\(algorithm.rawValue)") {
            for name in try FileSystem.filesBelow("\(path)/\(algorithm.rawValue)") {
                guard let digest = Digest(algorithm, hex: FileSystem.name(of: name)),
                    let facts = FileSystem.facts(of: entryPath(digest))
                else { continue }
                result.append(Entry(digest: digest, byteCount: facts.byteCount, lastUse: facts.modified))
            }
        }
        return result
    }

    /// Removes entries, and what killed processes left half written, while no other process has the store open.
    ///
    /// An entry goes if `keeping` does not have it and its last use lies before `time` (seconds since 1970).
    ///
    /// - Parameter whenHeld: is called once before waiting for other processes.
    /// - Returns: the entries that went, or would go in a trial.
    public static func collect(
        _ path: String, keeping: Set<Digest>, unusedSince time: Int64, trial: Bool = false, whenHeld: () -> Void = {}
    ) throws -> [Entry] {
        let store = try ContentStore(path, isLeased: false)
        let alone = try FileLock(directory: path, whenHeld: whenHeld)
        return try withExtendedLifetime(alone) {
            let old = try store.entries().filter { !keeping.contains($0.digest) && $0.lastUse < time }
            if trial { return old }
            for entry in old { try FileSystem.remove(store.entryPath(entry.digest)) }
            for algorithm in HashAlgorithm.allCases where FileSystem.exists("\(path)/\(algorithm.rawValue)") {
                let folder = "\(path)/\(algorithm.rawValue)"
                for name in try FileSystem.filesBelow(folder) where name.hasSuffix(".partial") {
                    try FileSystem.remove(folder + "/" + name)
                }
            }
            return old
        }
    }
}
