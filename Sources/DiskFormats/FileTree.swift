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
        /// In blocks of a SquashFS image; it is decompressed as it is read.
        case squashFS(SquashFSContent)

        /// Size in bytes.
        public var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .range(_, _, let count): count
            case .pieces(let pieces): pieces.reduce(0) { $0 + $1.count }
            case .compressed(let content): content.count
            case .squashFS(let content): content.count
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
        case socket
    }

    /// A path by its components, compared by bytes component by component. No component is empty or holds a NUL.
    public struct Path: Sendable, Hashable, Comparable, CustomStringConvertible {
        private static let slash = UInt8(ascii: "/")
        /// The components with a zero byte between them, which sorts before every byte of a name: a large tree has one
        /// array a path.
        private var joined: [UInt8]

        public var components: [[UInt8]] {
            get { joined.split(separator: 0).map { Array($0) } }
            set { joined = Array(newValue.joined(separator: [0])) }
        }

        /// The root directory.
        public static let root = Path(joined: [])

        private init(joined: [UInt8]) { self.joined = joined }

        public init(components: [[UInt8]]) { joined = Array(components.joined(separator: [0])) }

        /// Splits at slashes; empty and `.` components are dropped. It does not resolve `..`.
        public init(_ bytes: some Collection<UInt8>) {
            let names = Array(bytes).split(separator: Self.slash).filter { $0 != [UInt8(ascii: ".")] }
            joined = Array(names.joined(separator: [0]))
        }

        public init(_ text: String) { self.init(Array(text.utf8)) }

        public var parent: Path { Path(joined: Array(joined[..<(joined.lastIndex(of: 0) ?? 0)])) }
        public var name: [UInt8] { joined.lastIndex(of: 0).map { Array(joined[($0 + 1)...]) } ?? joined }
        /// The components joined with slashes, without a leading one.
        public var bytes: [UInt8] { joined.map { $0 == 0 ? Self.slash : $0 } }
        /// The path of an entry of this directory.
        public func appending(_ name: [UInt8]) -> Path {
            Path(joined: joined.isEmpty ? name : joined + [0] + name)
        }
        public var description: String { "/" + String(decoding: bytes, as: UTF8.self) }

        public static func < (a: Path, b: Path) -> Bool {
            a.joined.lexicographicallyPrecedes(b.joined)
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
        case .squashFS(let content): try content.forEachChunk(body)
        }
    }
}
