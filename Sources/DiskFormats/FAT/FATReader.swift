private import Bytes
public import Files

/// Reads a FAT32 file system with one sector a cluster or more: the tree, with every chain and size checked.
public struct FATReader: Sendable {
    private let file: InputFile
    private let sectorsPerCluster: Int
    private let dataStart: Int
    private let clusterCount: Int
    private let table: [UInt32]
    private let rootCluster: UInt32
    public let volumeID: UInt32

    private static let maximumDepth = 32

    /// Reads the boot sector and the first table; both tables must be equal.
    public init(_ file: InputFile) throws {
        self.file = file
        let boot = try file.read(at: 0, count: 512)
        let fields = try boot.withReader(source: file.path) { reader throws(FormatError) in try Self.fields(&reader) }
        let tableSize = fields.tableSectors * 512
        dataStart = (fields.reserved + 2 * fields.tableSectors) * 512
        sectorsPerCluster = fields.sectorsPerCluster
        clusterCount = (fields.sectors * 512 - dataStart) / (fields.sectorsPerCluster * 512)
        guard fields.sectors * 512 <= file.size, dataStart < fields.sectors * 512,
            (clusterCount + 2) * 4 <= tableSize
        else {
            throw FormatError(
                source: file.path, offset: 32, field: "BPB_TotSec32", found: "\(fields.sectors) sectors",
                expected: "a size that fits the file and the tables")
        }
        let first = try file.read(at: fields.reserved * 512, count: tableSize)
        guard try file.read(at: fields.reserved * 512 + tableSize, count: tableSize) == first else {
            throw FormatError(
                source: file.path, offset: fields.reserved * 512 + tableSize, field: "second table",
                found: "other bytes", expected: "those of the first table")
        }
        let count = clusterCount + 2
        table = try first.withReader(source: file.path) { reader throws(FormatError) in
            var entries: [UInt32] = []
            for _ in 0..<count { entries.append(try reader.read("table entry", as: UInt32.self) & 0x0FFF_FFFF) }
            return entries
        }
        rootCluster = fields.rootCluster
        volumeID = fields.volumeID
    }

    private struct Fields {
        var sectorsPerCluster, reserved, sectors, tableSectors: Int
        var rootCluster, volumeID: UInt32
    }

    private static func fields(_ reader: inout ByteReader) throws(FormatError) -> Fields {
        try reader.skip(11, "jump and name")
        try reader.expect("BPB_BytsPerSec", UInt16(512))
        let perCluster: UInt8 = try reader.read("BPB_SecPerClus")
        guard perCluster.nonzeroBitCount == 1 else {
            throw reader.error("BPB_SecPerClus", found: "\(perCluster)", expected: "a power of two", at: 13)
        }
        let reserved: UInt16 = try reader.read("BPB_RsvdSecCnt")
        try reader.expect("BPB_NumFATs", UInt8(2))
        try reader.expect("BPB_RootEntCnt", UInt16(0))
        try reader.skip(13, "geometry")
        let sectors: UInt32 = try reader.read("BPB_TotSec32")
        let tableSectors: UInt32 = try reader.read("BPB_FATSz32")
        try reader.skip(4, "BPB_ExtFlags")
        let root: UInt32 = try reader.read("BPB_RootClus")
        try reader.skip(19, "BPB_FSInfo")
        let volumeID: UInt32 = try reader.read("BS_VolID")
        try reader.seek(to: 510, "signature")
        try reader.expect("signature", UInt16(0xAA55))
        return Fields(
            sectorsPerCluster: Int(perCluster), reserved: Int(reserved), sectors: Int(sectors),
            tableSectors: Int(tableSectors), rootCluster: root, volumeID: volumeID)
    }

    /// The whole tree; modes and times are not FAT's to say and are zero.
    public func tree() throws -> FileTree {
        var tree = FileTree()
        var budget = clusterCount + 1
        try add(directory: rootCluster, at: .root, depth: 0, to: &tree, budget: &budget)
        return tree
    }

    /// The clusters of a chain; a loop, a free cluster or one outside is an error.
    private func chain(from first: UInt32, budget: inout Int) throws(FormatError) -> [Int] {
        var result: [Int] = []
        var cluster = first
        while cluster < 0x0FFF_FFF8 {
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

    private func offset(_ cluster: Int) -> Int { dataStart + (cluster - 2) * sectorsPerCluster * 512 }

    private func add(
        directory first: UInt32, at path: FileTree.Path, depth: Int, to tree: inout FileTree, budget: inout Int
    ) throws {
        guard depth < Self.maximumDepth else {
            throw FormatError(source: file.path, field: "directory", found: "\(path)", expected: "fewer levels")
        }
        tree[path] = FileTree.Entry(.directory, mode: 0)
        var bytes: [UInt8] = []
        for cluster in try chain(from: first, budget: &budget) {
            bytes += try file.read(at: offset(cluster), count: sectorsPerCluster * 512)
        }
        for entry in try Self.entries(bytes, source: "\(file.path) \(path)") {
            let inner = FileTree.Path(components: path.components + [entry.name])
            if entry.isDirectory {
                try add(directory: entry.cluster, at: inner, depth: depth + 1, to: &tree, budget: &budget)
                continue
            }
            let clusters = entry.size == 0 ? [] : try chain(from: entry.cluster, budget: &budget)
            let unit = sectorsPerCluster * 512
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
        let unit = sectorsPerCluster * 512
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
                guard !text.isEmpty, !text.contains(UInt8(ascii: "/")) else {
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
