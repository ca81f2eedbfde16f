private import Bytes
private import Files

/// A file system tree as data: what an image writer needs to know of every entry, and nothing that a host decides.
///
/// Paths are bytes without a leading slash (`usr/bin/env`); the root directory is the empty path. Entries are kept
/// sorted by path components, parents before children, so that every writer sees one order.
public struct FileTree: Sendable {
    /// Where a file's bytes are.
    public enum Content: Sendable, Hashable {
        case bytes([UInt8])
        /// `count` bytes at `offset` of a file that only we write.
        case range(path: String, offset: Int, count: Int)
        /// Pieces, one after another.
        indirect case pieces([Content])
        /// Compressed in an EROFS image; it is decompressed as it is read.
        case compressed(EROFSCompressedContent)

        /// Size in bytes.
        public var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .range(_, _, let count): count
            case .pieces(let pieces): pieces.reduce(0) { $0 + $1.count }
            case .compressed(let content): content.count
            }
        }
    }

    public enum Kind: Sendable, Hashable {
        case directory
        case file(Content)
        /// A symbolic link and its target.
        case symlink([UInt8])
        /// Another name of the file at this path, which must be a file.
        case hardLink(Path)
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
        case fifo
    }

    /// A path by its components, compared by bytes component by component.
    public struct Path: Sendable, Hashable, Comparable, CustomStringConvertible {
        public var components: [[UInt8]]

        /// The root directory.
        public static let root = Path(components: [])

        public init(components: [[UInt8]]) { self.components = components }

        /// Splits at slashes; empty and `.` components are dropped. It does not resolve `..`.
        public init(_ bytes: some Collection<UInt8>) {
            components = Array(bytes).split(separator: UInt8(ascii: "/")).map { Array($0) }.filter {
                $0 != [UInt8(ascii: ".")]
            }
        }

        public init(_ text: String) { self.init(Array(text.utf8)) }

        public var parent: Path { Path(components: Array(components.dropLast())) }
        public var name: [UInt8] { components.last ?? [] }
        /// The components joined with slashes, without a leading one.
        public var bytes: [UInt8] { Array(components.joined(separator: [UInt8(ascii: "/")])) }
        public var description: String { "/" + String(decoding: bytes, as: UTF8.self) }

        public static func < (a: Path, b: Path) -> Bool {
            for (x, y) in zip(a.components, b.components) where x != y { return x.lexicographicallyPrecedes(y) }
            return a.components.count < b.components.count
        }
    }

    /// One entry's metadata and kind.
    public struct Entry: Sendable, Hashable {
        public var kind: Kind
        /// Permission bits with setuid, setgid and sticky (07777); the kind gives the rest.
        public var mode: UInt16
        public var uid: UInt32
        public var gid: UInt32
        /// Seconds since 1970.
        public var mtime: Int64
        /// Extended attributes by full name (`security.capability`).
        public var xattrs: [String: [UInt8]]

        public init(
            _ kind: Kind, mode: UInt16, uid: UInt32 = 0, gid: UInt32 = 0, mtime: Int64 = 0,
            xattrs: [String: [UInt8]] = [:]
        ) {
            self.kind = kind
            self.mode = mode
            self.uid = uid
            self.gid = gid
            self.mtime = mtime
            self.xattrs = xattrs
        }
    }

    private var table: [Path: Entry]

    /// A tree with nothing but a root directory, mode 0755.
    public init() {
        table = [.root: Entry(.directory, mode: 0o755)]
    }

    /// The entry at a path; setting nil removes it alone.
    public subscript(path: Path) -> Entry? {
        get { table[path] }
        set { table[path] = newValue }
    }

    /// Number of entries, the root included.
    public var count: Int { table.count }

    /// All entries in path order, the root first.
    public var sorted: [(path: Path, entry: Entry)] {
        table.sorted { $0.key < $1.key }.map { (path: $0.key, entry: $0.value) }
    }
}

extension FileTree.Path: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(text) }
}

extension FileTree.Content {
    /// Gives `body` the bytes in order, a piece at a time.
    public func forEachChunk(_ body: (RawSpan) throws -> Void) throws {
        switch self {
        case .bytes(let bytes): try body(bytes.raw)
        case .range(let path, let offset, let count):
            try InputFile(path).forEachChunk(from: offset, to: offset + count) { (chunk: RawSpan) throws in
                try body(chunk)
            }
        case .pieces(let pieces): for piece in pieces { try piece.forEachChunk(body) }
        case .compressed(let content): try content.forEachChunk(body)
        }
    }
}
