import Files

/// A folder that is removed when its owner goes.
public final class TemporaryFolder {
    public let path: String

    public init() throws {
        let base = FileSystem.environment("TMPDIR") ?? "/tmp"
        path = try FileSystem.temporaryDirectory(beside: base + "/assay-test")
    }

    deinit { try? FileSystem.remove(path) }

    /// The path of a name inside.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file inside and gives its path.
    @discardableResult
    public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let full = file(name)
        try FileSystem.makeDirectory(FileSystem.parent(of: full))
        try OutputFile.write(bytes, to: full)
        return full
    }
}
