internal import Bytes

/// What the boot sector says about where everything is (specification, pages 9 to 14). Sizes are in bytes unless named
/// otherwise; places count from the file system's start.
struct FATGeometry {
    let sectorSize: Int
    let sectorsPerCluster: Int
    let reserved: Int
    let sectors: Int
    let tableSize: Int
    let rootRegion: Range<Int>
    let rootCluster: UInt32
    let volumeID: UInt32
    let dataStart: Int
    let clusterCount: Int

    /// Bits of a table entry, by the number of clusters.
    var width: Int { clusterCount < 4085 ? 12 : clusterCount < 65525 ? 16 : 32 }

    init(_ reader: inout ByteReader) throws(FormatError) {
        try reader.skip(11, "jump and name")
        let sectorSize: UInt16 = try reader.read("BPB_BytsPerSec")
        guard FATWriter.sectorSizes.contains(Int(sectorSize)) else {
            throw reader.error(
                "BPB_BytsPerSec", found: "\(sectorSize)", expected: "512, 1024, 2048 or 4096", at: 11,
                hint: "this is no FAT file system")
        }
        self.sectorSize = Int(sectorSize)
        let perCluster: UInt8 = try reader.read("BPB_SecPerClus")
        guard perCluster.nonzeroBitCount == 1 else {
            throw reader.error("BPB_SecPerClus", found: "\(perCluster)", expected: "a power of two", at: 13)
        }
        sectorsPerCluster = Int(perCluster)
        reserved = Int(try reader.read("BPB_RsvdSecCnt", as: UInt16.self))
        try reader.expect("BPB_NumFATs", UInt8(2))
        let rootEntries = Int(try reader.read("BPB_RootEntCnt", as: UInt16.self))
        let small = Int(try reader.read("BPB_TotSec16", as: UInt16.self))
        try reader.skip(1, "BPB_Media")
        let smallTable = Int(try reader.read("BPB_FATSz16", as: UInt16.self))
        try reader.skip(8, "geometry")
        let large = Int(try reader.read("BPB_TotSec32", as: UInt32.self))
        sectors = small == 0 ? large : small
        // From here on the two forms of the sector differ; a size of the table in 16 bits is never FAT32's.
        if smallTable == 0 {
            tableSize = Int(try reader.read("BPB_FATSz32", as: UInt32.self)) * self.sectorSize
            try reader.skip(4, "BPB_ExtFlags")
            rootCluster = try reader.read("BPB_RootClus")
            try reader.skip(19, "BPB_FSInfo")
        } else {
            tableSize = smallTable * self.sectorSize
            rootCluster = 0
            try reader.skip(3, "BS_DrvNum")
        }
        volumeID = try reader.read("BS_VolID")
        try reader.seek(to: 510, "signature")
        try reader.expect("signature", UInt16(0xAA55))
        let rootStart = reserved * self.sectorSize + 2 * tableSize
        rootRegion = rootStart..<rootStart + (rootEntries * 32).roundedUp(toMultipleOf: self.sectorSize)
        dataStart = rootRegion.upperBound
        clusterCount = max(0, sectors * self.sectorSize - dataStart) / (sectorsPerCluster * self.sectorSize)
        guard (width == 32) == (smallTable == 0), (width == 32) == (rootEntries == 0) else {
            throw reader.error(
                "BPB_FATSz16", found: "\(smallTable) sectors, \(rootEntries) root entries, \(clusterCount) clusters",
                expected: "both zero with 65525 clusters and more, neither zero with fewer", at: 22)
        }
    }

    /// The first `count` entries of a table, which must be long enough for them.
    static func entries(of bytes: [UInt8], width: Int, count: Int) -> [UInt32] {
        var entries: [UInt32] = []
        entries.reserveCapacity(count)
        for index in 0..<count {
            switch width {
            case 12:
                let place = index * 3 / 2
                let pair = UInt32(bytes[place]) | UInt32(place + 1 < bytes.count ? bytes[place + 1] : 0) << 8
                entries.append(index.isMultiple(of: 2) ? pair & 0xFFF : pair >> 4)
            case 16: entries.append(UInt32(bytes[index * 2]) | UInt32(bytes[index * 2 + 1]) << 8)
            default:
                let word = bytes[index * 4..<index * 4 + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
                entries.append(word & 0x0FFF_FFFF)
            }
        }
        return entries
    }
}
