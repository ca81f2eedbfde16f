public import DiskFormats
public import Hashing

/// What a definition changes in a tree that comes from packages: what it leaves out and what it adds.
///
/// It stands for what maintainer scripts would have done, as data.
public struct TreeEdits: Sendable, Hashable {
    /// Paths of packages that are left out …
    public var exclude: [PathPattern] = []
    /// … unless one of these covers them.
    public var include: [PathPattern] = []
    public var directories: [Directory] = []
    public var files: [File] = []
    public var links: [Link] = []

    public init() {}

    /// A directory that is made, or whose mode and owner are set.
    public struct Directory: Sendable, Hashable {
        public var path: FileTree.Path
        public var mode: UInt16
        public var uid: UInt32
        public var gid: UInt32
    }

    /// A file that is written, in place of what a package has there.
    public struct File: Sendable, Hashable {
        public var path: FileTree.Path
        public var source: Source
        public var mode: UInt16
        public var uid: UInt32
        public var gid: UInt32
    }

    /// Where a file's bytes come from.
    public enum Source: Sendable, Hashable {
        /// A file in the definition's directory, by its relative path.
        case overlay(String)
        case text(String)
        /// A file of a locked package, by its path there.
        case package(FileTree.Path)
        /// A file fetched from an address by its hash.
        case download(String, digest: Digest)
    }

    /// A symbolic link.
    public struct Link: Sendable, Hashable {
        public var path: FileTree.Path
        public var target: String
    }

    /// These edits, then `later`, whose entries replace ours at the same path.
    func followed(by later: TreeEdits) -> TreeEdits {
        let replaced = Set(later.paths)
        var result = self
        result.directories.removeAll { replaced.contains($0.path) }
        result.files.removeAll { replaced.contains($0.path) }
        result.links.removeAll { replaced.contains($0.path) }
        result.exclude += later.exclude
        result.include += later.include
        result.directories += later.directories
        result.files += later.files
        result.links += later.links
        return result
    }

    var paths: [FileTree.Path] { directories.map(\.path) + files.map(\.path) + links.map(\.path) }

    /// Whether a path of a package enters the tree.
    func keeps(_ path: FileTree.Path) -> Bool {
        let names = path.components
        return !exclude.contains { $0.covers(names) } || include.contains { $0.covers(names) }
    }
}
