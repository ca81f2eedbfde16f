public import Bytes
public import Files

/// Writes a FAT12, FAT16 or FAT32 file system (Microsoft, FAT32 File System Specification 1.03) for an EFI system
/// partition.
///
///     FAT32                                         FAT12, FAT16
///     sector 0   boot sector       6   its copy     sector 0   boot sector
///            1   FSInfo            7   its copy            1   two tables
///           32   two tables of 32-bit entries              …   root directory, 512 entries or more
///            …   data from cluster 2                       …   data from cluster 2
///
/// FAT32 has one sector a cluster, the others the smallest clusters with which the tree fits.
/// Contents lie in path order without gaps; equal trees and options give equal bytes.
public struct FATWriter {
    /// Names the bytes that this writer makes; it changes when they do.
    public static let formatRevision = "fat-1"
    /// Sizes that a sector may have, in bytes: that of the disk's logical sectors.
    static let sectorSizes = [512, 1024, 2048, 4096]

    /// What enters the boot sector and the directory entries beside the tree.
    public struct Options: Sendable {
        /// Volume serial number.
        public var volumeID: UInt32
        /// At most 11 characters of upper-case ASCII.
        public var label: String
        /// The time of every entry, in seconds since 1970; FAT begins in 1980 and counts in steps of 2 s.
        public var epoch: Int64
        /// Which FAT; nil for the smallest that holds the tree.
        public var width: FATWidth?
        /// Bytes of a sector: 512, 1024, 2048 or 4096, as the disk has it.
        public var sectorSize: Int

        public init(
            volumeID: UInt32, label: String = "ESP", epoch: Int64, width: FATWidth? = .fat32, sectorSize: Int = 512
        ) {
            self.volumeID = volumeID
            self.label = label
            self.epoch = epoch
            self.width = width
            self.sectorSize = sectorSize
        }
    }

    /// Writes `tree`, which has directories and files alone, to `output`, which must be empty; gives the size in bytes.
    @discardableResult
    public static func write(_ tree: FileTree, _ options: Options, to output: OutputFile) throws -> Int {
        guard options.label.utf8.count <= 11, options.label.utf8.allSatisfy({ (0x20...0x5F).contains($0) }) else {
            throw FATError("label '\(options.label)': at most 11 upper-case ASCII characters")
        }
        let sectorSize = options.sectorSize
        guard sectorSizes.contains(sectorSize) else {
            throw FATError("sectors of \(sectorSize) bytes", hint: "512, 1024, 2048 and 4096 are possible")
        }
        let layout = try FATLayout(tree, width: options.width, sectorSize: sectorSize)
        let shape = layout.shape
        try output.appendZeros(shape.sectors * sectorSize)
        let boot = FATBootSector(layout: layout, options: options)
        try output.write(boot.bytes, at: 0)
        if shape.width == .fat32 {
            try output.write(boot.bytes, at: 6 * sectorSize)
            for sector in [1, 7] { try output.write(boot.fsInfo, at: sector * sectorSize) }
        }
        let table = layout.table()
        for copy in 0..<2 {
            try output.write(table, at: (shape.reservedSectors + copy * shape.tableSectors) * sectorSize)
        }
        for node in layout.nodes where node.size > 0 {
            var offset = layout.offset(of: node)
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
        return shape.sectors * sectorSize
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
