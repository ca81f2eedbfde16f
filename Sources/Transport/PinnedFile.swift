public import Hashing

/// A file that is wanted by its digest, and what helps to find it.
public struct PinnedFile: Sendable, Hashable {
    /// What it is, for messages: `libc6 2.41-12+deb13u5`.
    public var title: String
    /// Where an archive keeps it, relative to the archive's address: `pool/main/g/glibc/libc6_….deb`.
    public var path: String
    /// Other names under which people keep such a file in a directory.
    public var otherNames: [String]
    /// Size in bytes.
    public var byteCount: Int
    public var digest: Digest

    public init(title: String, path: String, otherNames: [String] = [], byteCount: Int, digest: Digest) {
        self.title = title
        self.path = path
        self.otherNames = otherNames
        self.byteCount = byteCount
        self.digest = digest
    }
}
