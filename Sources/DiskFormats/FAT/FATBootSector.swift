private import Bytes

/// Boot sector and FSInfo of a FAT file system (specification, pages 9 to 12 and 21).
struct FATBootSector {
    var layout: FATLayout
    var options: FATWriter.Options

    var bytes: [UInt8] {
        let shape = layout.shape
        let isWide = shape.width == .fat32
        // FAT32 never uses the fields of 16 bits.
        let small = isWide ? nil : UInt16(exactly: shape.sectors)
        var out = ByteWriter(capacity: 512)
        out.append([0xEB, isWide ? 0x58 : 0x3C, 0x90])
        out.append(text: "ASSAY   ")
        out.append(UInt16(shape.sectorSize))
        out.append(UInt8(shape.sectorsPerCluster))
        out.append(UInt16(shape.reservedSectors))
        out.append(UInt8(2))  // tables
        out.append(UInt16(shape.rootEntries))
        out.append(small ?? 0)
        out.append(UInt8(0xF8))  // fixed disk
        out.append(isWide ? 0 : UInt16(shape.tableSectors))
        out.append(UInt16(32))  // sectors a track
        out.append(UInt16(8))  // heads
        out.append(UInt32(0))
        out.append(small == nil ? UInt32(shape.sectors) : 0)
        if isWide {
            out.append(UInt32(shape.tableSectors))
            out.append(UInt16(0))
            out.append(UInt16(0))
            out.append(UInt32(2))  // root directory's cluster
            out.append(UInt16(1))  // FSInfo
            out.append(UInt16(6))  // copy of the boot sector
            out.append(repeating: 0, count: 12)
        }
        out.append([0x80, 0, 0x29])
        out.append(options.volumeID)
        out.append(FATName.padded(options.label))
        out.append(text: shape.width.mark)
        out.append(repeating: 0, count: 510 - out.count)
        out.append([0x55, 0xAA])
        return out.bytes
    }

    /// Free clusters and the first of them; all ones where none is free.
    var fsInfo: [UInt8] {
        var out = ByteWriter(capacity: 512)
        out.append(text: "RRaA")
        out.append(repeating: 0, count: 480)
        out.append(text: "rrAa")
        out.append(UInt32(layout.shape.clusters - layout.usedClusters))
        out.append(layout.usedClusters < layout.shape.clusters ? UInt32(layout.usedClusters + 2) : UInt32.max)
        out.append(repeating: 0, count: 12)
        out.append([0, 0, 0x55, 0xAA])
        return out.bytes
    }
}
