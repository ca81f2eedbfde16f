/// One file system entry of a package, as an image may take it: a clean path, a harmless kind.
public struct PackageEntry: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case directory
        /// A file and its bytes.
        case file([UInt8])
        /// A symbolic link and its target as stored.
        case symlink([UInt8])
        /// Another name of the package's file at this path.
        case hardLink([UInt8])
    }

    /// The path as bytes, without a leading slash, `.`, `..` or empty components: `usr/bin/env`.
    public var path: [UInt8]
    public var kind: Kind
    /// Permission bits with setuid, setgid and sticky (07777).
    public var mode: UInt16
    /// Numeric owner; names in the archive do not count.
    public var uid: UInt32
    public var gid: UInt32
    /// Seconds since 1970, as packed.
    public var mtime: Int64

    /// The path for messages.
    public var displayPath: String { "/" + String(decoding: path, as: UTF8.self) }
}
