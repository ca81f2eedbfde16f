private import Bytes
public import Files

/// Reads a FAT12, FAT16 or FAT32 file system: the tree, with every chain and size checked.
///
/// Microsoft, FAT32 File System Specification 1.03; the number of clusters alone says which of the three it is (page 14).
public struct FATReader: Sendable {
    private let file: InputFile
    /// Where the file system starts in the file.
    private let start: Int
    /// In bytes.
    private let clusterSize: Int
    private let dataStart: Int
    private let clusterCount: Int
    private let table: [UInt32]
    private let root: Root
    public let volumeID: UInt32
    /// Bits of a table entry: 12, 16 or 32.
    public let width: Int

    private static let maximumDepth = 32
    /// A directory has at most 65536 entries of 32 bytes (specification, page 23).
    private static let maximumDirectory = 2 << 20

    /// The root directory: a region of its own, or a chain (FAT32).
    private enum Root: Sendable {
        case region(Range<Int>)
        case chain(UInt32)
    }

    /// Reads the boot sector and the first table; both tables must be equal.
    ///
    /// - Parameter range: a partition's place in `file`, in bytes; nil for the whole file.
    public init(_ file: InputFile, in range: Range<Int>? = nil) throws {
        self.file = file
        let range = range ?? 0..<file.size
        start = range.lowerBound
        let boot = try file.read(at: start, count: 512)
        let fields = try boot.withReader(source: file.path, base: start) { reader throws(FormatError) in
            try FATGeometry(&reader)
        }
        dataStart = fields.dataStart
        clusterSize = fields.sectorsPerCluster * fields.sectorSize
        clusterCount = fields.clusterCount
        width = fields.width
        volumeID = fields.volumeID
        root = fields.width == 32 ? .chain(fields.rootCluster) : .region(fields.rootRegion)
        let entryBits = (clusterCount + 2) * width
        let size = fields.sectors * fields.sectorSize
        guard size <= range.count, dataStart < size, entryBits <= fields.tableSize * 8
        else {
            throw FormatError(
                source: file.path, offset: start + 32, field: "BPB_TotSec32", found: "\(fields.sectors) sectors",
                expected: "a size that fits the file and the tables")
        }
        let place = start + fields.reserved * fields.sectorSize
        let first = try file.read(at: place, count: fields.tableSize)
        guard try file.read(at: place + fields.tableSize, count: fields.tableSize) == first else {
            throw FormatError(
                source: file.path, offset: place + fields.tableSize, field: "second table", found: "other bytes",
                expected: "those of the first table")
        }
        table = FATGeometry.entries(of: first, width: width, count: clusterCount + 2)
    }

    /// The whole tree; modes and times are not FAT's to say and are zero.
    public func tree() throws -> FileTree {
        var tree = FileTree()
        var budget = clusterCount + 1
        switch root {
        case .chain(let first): try add(directory: first, at: .root, depth: 0, to: &tree, budget: &budget)
        case .region(let range):
            tree[.root] = FileTree.Entry(.directory, mode: 0)
            let bytes = try file.read(at: start + range.lowerBound, count: range.count)
            try add(entries: bytes, at: .root, depth: 0, to: &tree, budget: &budget)
        }
        return tree
    }

    /// The clusters of a chain; a loop, a free cluster or one outside is an error.
    private func chain(from first: UInt32, budget: inout Int) throws(FormatError) -> [Int] {
        var result: [Int] = []
        var cluster = first
        // Ends are the eight highest values; FAT32 uses 28 bits of its entries.
        let end: UInt32 = width == 12 ? 0xFF8 : width == 16 ? 0xFFF8 : 0x0FFF_FFF8
        while cluster < end {
            guard cluster >= 2, Int(cluster) < table.count, budget > 0 else {
                throw FormatError(
                    source: file.path, field: "cluster chain", found: "cluster \(cluster) after \(result.count)",
                    expected: "used clusters, each in one chain")
            }
            budget -= 1
            result.append(Int(cluster))
            cluster = table[Int(cluster)]
        }
        return result
    }

    private func offset(_ cluster: Int) -> Int { start + dataStart + (cluster - 2) * clusterSize }

    private func add(
        directory first: UInt32, at path: FileTree.Path, depth: Int, to tree: inout FileTree, budget: inout Int
    ) throws {
        guard depth < Self.maximumDepth else {
            throw FormatError(source: file.path, field: "directory", found: "\(path)", expected: "fewer levels")
        }
        tree[path] = FileTree.Entry(.directory, mode: 0)
        var bytes: [UInt8] = []
        for cluster in try chain(from: first, budget: &budget) {
            guard bytes.count < Self.maximumDirectory else {
                throw FormatError(
                    source: file.path, field: "directory", found: "more than \(Self.maximumDirectory) bytes in \(path)",
                    expected: "at most 65536 entries")
            }
            bytes += try file.read(at: offset(cluster), count: clusterSize)
        }
        try add(entries: bytes, at: path, depth: depth, to: &tree, budget: &budget)
    }

    private func add(
        entries bytes: [UInt8], at path: FileTree.Path, depth: Int, to tree: inout FileTree, budget: inout Int
    ) throws {
        for entry in try Self.entries(bytes, source: "\(file.path) \(path)") {
            let inner = path.appending(entry.name)
            if entry.isDirectory {
                try add(directory: entry.cluster, at: inner, depth: depth + 1, to: &tree, budget: &budget)
                continue
            }
            let clusters = entry.size == 0 ? [] : try chain(from: entry.cluster, budget: &budget)
            let unit = clusterSize
            guard clusters.count == (entry.size + unit - 1) / unit else {
                throw FormatError(
                    source: file.path, field: "DIR_FileSize",
                    found: "\(entry.size) bytes in \(clusters.count) clusters",
                    expected: "a chain of that size")
            }
            tree[inner] = FileTree.Entry(.file(content(of: clusters, size: entry.size)), mode: 0)
        }
    }

    /// The bytes of a chain, one piece for every run of clusters that follow each other.
    private func content(of clusters: [Int], size: Int) -> FileTree.Content {
        let unit = clusterSize
        var left = size
        var runs: [(offset: Int, count: Int)] = []
        for cluster in clusters {
            let count = min(unit, left)
            left -= count
            if let last = runs.last, last.offset + last.count == offset(cluster) {
                runs[runs.count - 1].count += count
            } else {
                runs.append((offset(cluster), count))
            }
        }
        let pieces = runs.map { FileTree.Content.range(path: file.path, offset: $0.offset, count: $0.count) }
        return pieces.count == 1 ? pieces[0] : .pieces(pieces)
    }

    private struct Entry {
        var name: [UInt8]
        var isDirectory: Bool
        var cluster: UInt32
        var size: Int
    }

    private static func entries(_ bytes: [UInt8], source: String) throws(FormatError) -> [Entry] {
        try bytes.withReader(source: source) { reader throws(FormatError) in
            var result: [Entry] = []
            var long: [UInt16] = []
            while reader.remaining >= 32 {
                var entry = try reader.slice(32, "directory entry")
                let name = try entry.bytes(11, "DIR_Name")
                let attributes: UInt8 = try entry.read("DIR_Attr")
                if name[0] == 0 { break }
                if name[0] == 0xE5 { continue }
                if attributes == 0x0F {
                    var units = name.dropFirst().chunkedUnits
                    try entry.skip(2, "LDIR_Type")
                    for _ in 0..<6 { units.append(try entry.read("LDIR_Name2")) }
                    try entry.skip(2, "LDIR_FstClusLO")
                    for _ in 0..<2 { units.append(try entry.read("LDIR_Name3")) }
                    long = units + long
                    continue
                }
                try entry.skip(8, "times")
                let high: UInt16 = try entry.read("DIR_FstClusHI")
                try entry.skip(4, "times")
                let low: UInt16 = try entry.read("DIR_FstClusLO")
                let size: UInt32 = try entry.read("DIR_FileSize")
                let text =
                    long.isEmpty ? short(name) : Array(String(decoding: long.prefix { $0 != 0 }, as: UTF16.self).utf8)
                long = []
                guard attributes & 0x08 == 0, name[0] != UInt8(ascii: ".") else { continue }
                guard !text.isEmpty, !text.contains(0), !text.contains(UInt8(ascii: "/")) else {
                    throw entry.error("DIR_Name", found: name.hex, expected: "a name", at: 0)
                }
                result.append(
                    Entry(
                        name: text, isDirectory: attributes & 0x10 != 0, cluster: UInt32(high) << 16 | UInt32(low),
                        size: Int(size)))
            }
            return result
        }
    }

    private static func short(_ name: [UInt8]) -> [UInt8] {
        func trimmed(_ part: ArraySlice<UInt8>) -> [UInt8] {
            var part = part
            while part.last == 0x20 { part = part.dropLast() }
            return Array(part)
        }
        let stem = trimmed(name[0..<8])
        let suffix = trimmed(name[8..<11])
        return suffix.isEmpty ? stem : stem + [UInt8(ascii: ".")] + suffix
    }
}

extension ArraySlice<UInt8> {
    /// Pairs of bytes as little-endian units.
    fileprivate var chunkedUnits: [UInt16] {
        stride(from: startIndex, to: endIndex - 1, by: 2).map { UInt16(self[$0]) | UInt16(self[$0 + 1]) << 8 }
    }
}
