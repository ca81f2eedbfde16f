private import Bytes

/// Bits of a table entry, which name the three kinds of FAT file system.
public enum FATWidth: Int, Sendable, CaseIterable, Comparable {
    case fat12 = 12
    case fat16 = 16
    case fat32 = 32

    public static func < (a: FATWidth, b: FATWidth) -> Bool { a.rawValue < b.rawValue }

    /// How the boot sector calls the kind, 8 bytes.
    var mark: String { "FAT\(rawValue)   " }

    /// Numbers of clusters that a writer gives it. Readers tell the kinds apart by this number alone, and some are off by
    /// a few, so that the specification (page 15) wants 16 clusters of distance to the limits 4085 and 65525.
    var clusters: ClosedRange<Int> {
        switch self {
        case .fat12: 16...4068
        case .fat16: 4104...65_508
        // The least number is a little more than the limit wants: it is part of the first format revision.
        case .fat32: 65_600...0x0FFF_FFF4
        }
    }

    /// Clusters may be this large, in bytes; FAT32 keeps one sector, as its 28 bits reach far enough.
    func largestCluster(sectorSize: Int) -> Int {
        switch self {
        case .fat12: 4096
        case .fat16: 1 << 15
        case .fat32: sectorSize
        }
    }

    /// Sectors in front of the first table.
    var reservedSectors: Int { self == .fat32 ? 32 : 1 }

    /// The last entry of a chain.
    var endOfChain: UInt32 {
        switch self {
        case .fat12: 0xFFF
        case .fat16: 0xFFFF
        case .fat32: 0x0FFF_FFFF
        }
    }
}

/// Sizes of the parts of a FAT file system that is to be written.
struct FATShape {
    let width: FATWidth
    /// In bytes.
    let sectorSize: Int
    let sectorsPerCluster: Int
    /// Entries of the root directory's own region; 0 where it is a chain of clusters (FAT32).
    let rootEntries: Int
    let clusters: Int

    var clusterSize: Int { sectorsPerCluster * sectorSize }
    var reservedSectors: Int { width.reservedSectors }
    /// Sectors of one table.
    var tableSectors: Int { ((clusters + 2) * width.rawValue + sectorSize * 8 - 1) / (sectorSize * 8) }
    var rootSectors: Int { rootEntries * 32 / sectorSize }
    /// Size of the file system in sectors.
    var sectors: Int { reservedSectors + 2 * tableSectors + rootSectors + clusters * sectorsPerCluster }
    var rootOffset: Int { (reservedSectors + 2 * tableSectors) * sectorSize }

    func offset(ofCluster cluster: Int) -> Int {
        (reservedSectors + 2 * tableSectors + rootSectors) * sectorSize + (cluster - 2) * clusterSize
    }

    /// The table's bytes, of entries that are all there.
    func table(_ entries: [UInt32]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: tableSectors * sectorSize)
        for (index, entry) in entries.enumerated() {
            switch width {
            case .fat12:
                // Two entries share three bytes.
                let place = index * 3 / 2
                let value = index.isMultiple(of: 2) ? entry : entry << 4
                bytes[place] |= UInt8(truncatingIfNeeded: value)
                bytes[place + 1] |= UInt8(truncatingIfNeeded: value >> 8)
            case .fat16, .fat32:
                let size = width.rawValue / 8
                for byte in 0..<size {
                    bytes[index * size + byte] = UInt8(truncatingIfNeeded: entry >> UInt32(8 * byte))
                }
            }
        }
        return bytes
    }
}

extension FATShape {
    /// The shape that holds nodes of these sizes, the root directory first; nil if this width cannot.
    ///
    /// Clusters are the smallest with which the tree fits.
    init?(_ width: FATWidth, sectorSize: Int, rootSize: Int, sizes: [Int]) {
        let roots = width == .fat32 ? 0 : max(512, rootSize / 32).roundedUp(toMultipleOf: sectorSize / 32)
        guard roots <= 0xFFFF else { return nil }
        var sectorsPerCluster = 1
        while sectorsPerCluster * sectorSize <= width.largestCluster(sectorSize: sectorSize) {
            let unit = sectorsPerCluster * sectorSize
            let root = width == .fat32 ? (rootSize + unit - 1) / unit : 0
            let used = sizes.reduce(root) { $0 + ($1 + unit - 1) / unit }
            if used <= width.clusters.upperBound {
                self.init(
                    width: width, sectorSize: sectorSize, sectorsPerCluster: sectorsPerCluster, rootEntries: roots,
                    clusters: max(used, width.clusters.lowerBound))
                guard sectors <= UInt32.max else { return nil }
                return
            }
            sectorsPerCluster *= 2
        }
        return nil
    }
}
