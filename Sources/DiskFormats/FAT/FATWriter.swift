public import Bytes
public import Files

/// Writes a FAT32 file system (Microsoft, FAT32 File System Specification 1.03) for an EFI system partition.
///
///     sector 0   boot sector          6   its copy
///            1   FSInfo               7   its copy
///           32   two tables of 32-bit entries
///            …   data from cluster 2, one sector a cluster
///
/// Contents lie in path order without gaps; equal trees and options give equal bytes.
public struct FATWriter {
    /// Names the bytes that this writer makes; it changes when they do.
    public static let formatRevision = "fat-1"
    static let sectorSize = 512
    static let reservedSectors = 32
    /// Fewer clusters would make it a FAT16 to some readers (specification, page 15); a little more than the limit.
    static let leastClusters = 65_600
    static let endOfChain: UInt32 = 0x0FFF_FFFF

    /// What enters the boot sector and the directory entries beside the tree.
    public struct Options: Sendable {
        /// Volume serial number.
        public var volumeID: UInt32
        /// At most 11 characters of upper-case ASCII.
        public var label: String
        /// The time of every entry, in seconds since 1970; FAT begins in 1980 and counts in steps of 2 s.
        public var epoch: Int64

        public init(volumeID: UInt32, label: String = "ESP", epoch: Int64) {
            self.volumeID = volumeID
            self.label = label
            self.epoch = epoch
        }
    }

    /// Bytes that the file system of `tree` takes.
    public static func size(of tree: FileTree) throws(FATError) -> Int {
        try FATLayout(tree).sectors * sectorSize
    }

    /// Writes `tree`, which has directories and files alone, to `output`, which must be empty; gives the size in bytes.
    @discardableResult
    public static func write(_ tree: FileTree, _ options: Options, to output: OutputFile) throws -> Int {
        guard options.label.utf8.count <= 11, options.label.utf8.allSatisfy({ (0x20...0x5F).contains($0) }) else {
            throw FATError("label '\(options.label)': at most 11 upper-case ASCII characters")
        }
        let layout = try FATLayout(tree)
        try output.appendZeros(layout.sectors * sectorSize)
        let boot = FATBootSector(layout: layout, options: options)
        for sector in [0, 6] { try output.write(boot.bytes, at: sector * sectorSize) }
        for sector in [1, 7] { try output.write(boot.fsInfo, at: sector * sectorSize) }
        let table = layout.table()
        for copy in 0..<2 { try output.write(table, at: (reservedSectors + copy * layout.tableSectors) * sectorSize) }
        for node in layout.nodes where node.clusters > 0 {
            var offset = layout.offset(ofCluster: node.firstCluster)
            switch node.content {
            case .directory(let children):
                let bytes = layout.directory(children, of: node, options: options)
                try output.write(bytes, at: offset)
            case .file(let content):
                try content.forEachChunk { chunk in
                    try output.writeLeavingHoles(chunk, at: offset)
                    offset += chunk.byteCount
                }
            }
        }
        return layout.sectors * sectorSize
    }
}

/// Why a tree has no FAT form.
public struct FATError: ExplainedError, Equatable {
    public var description: String
    public var hint: String?
    public var outcome: Outcome { .unusable }

    init(_ description: String, hint: String? = nil) {
        self.description = description
        self.hint = hint
    }
}
