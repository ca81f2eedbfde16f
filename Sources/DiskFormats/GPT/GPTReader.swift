private import Bytes
public import Files

extension GPT {
    /// Reads the table of a disk: protective MBR, both headers with their checksums, entries inside the disk and apart
    /// from each other.
    ///
    /// Sectors are 512 bytes.
    public init(reading disk: InputFile) throws {
        let sectors = disk.size / Self.sectorSize
        guard sectors > 2 * (Self.tableSectors + 1) + 1 else {
            throw FormatError(
                source: disk.path, field: "disk", found: "\(disk.size) bytes", expected: "room for two tables",
                hint: "this is no disk with a GUID partition table, or it is cut short")
        }
        try Self.checkProtectiveMBR(of: disk)
        let primary = try Self.header(of: disk, at: 1)
        let backup = try Self.header(of: disk, at: UInt64(sectors - 1))
        guard primary.other == UInt64(sectors - 1), backup.other == 1, primary.diskGUID == backup.diskGUID,
            primary.entries == backup.entries
        else {
            throw FormatError(
                source: disk.path, offset: (sectors - 1) * Self.sectorSize, field: "backup header",
                found: "another table", expected: "the one at the start of the disk")
        }
        self.init(diskGUID: primary.diskGUID, partitions: try Self.partitions(primary, source: disk.path))
    }

    /// A partition of type 0xEE among the four of the MBR keeps programs that know no GPT away (table 5.3).
    private static func checkProtectiveMBR(of disk: InputFile) throws {
        try disk.read(at: 0, count: sectorSize).withReader(source: disk.path) { reader throws(FormatError) in
            try reader.seek(to: 446, "PartitionRecord")
            var types: [UInt8] = []
            for _ in 0..<4 {
                try reader.skip(4, "StartingCHS")
                types.append(try reader.read("OSType"))
                try reader.skip(11, "EndingCHS")
            }
            try reader.expect("MBR signature", UInt16(0xAA55))
            guard types.contains(0xEE) else {
                throw reader.error("OSType", found: types.hex, expected: "0xee in one of four", at: 450)
            }
        }
    }

    private struct Header {
        var other: UInt64
        var usable: ClosedRange<UInt64>
        var diskGUID: GUID
        var entriesOffset: Int
        var entries: [UInt8]
    }

    private static func header(of disk: InputFile, at lba: UInt64) throws -> Header {
        let offset = Int(lba) * sectorSize
        let bytes = try disk.read(at: offset, count: headerSize)
        return try bytes.withReader(source: disk.path, base: offset) { reader in
            try reader.expect(
                "Signature", bytes: Array("EFI PART".utf8), hint: "there is no GUID partition table on this disk")
            try reader.expect("Revision", UInt32(0x10000))
            try reader.expect("HeaderSize", UInt32(headerSize))
            let crc: UInt32 = try reader.read("HeaderCRC32")
            var zeroed = bytes
            zeroed.replaceSubrange(16..<20, with: [0, 0, 0, 0])
            guard crc == CRC32.ieee.checksum(zeroed) else {
                throw reader.error(
                    "HeaderCRC32", found: hexadecimal(crc), expected: hexadecimal(CRC32.ieee.checksum(zeroed)), at: 16)
            }
            try reader.expectZeros(4, "Reserved")
            try reader.expect("MyLBA", lba)
            let other: UInt64 = try reader.read("AlternateLBA")
            let first: UInt64 = try reader.read("FirstUsableLBA")
            let last: UInt64 = try reader.read("LastUsableLBA")
            guard first <= last, last < UInt64(disk.size / sectorSize) else {
                throw reader.error(
                    "LastUsableLBA", found: "\(first) to \(last)", expected: "sectors of the disk", at: 48,
                    hint: "the disk may be cut short")
            }
            let guid = try reader.guid("DiskGUID")
            let entriesLBA: UInt64 = try reader.read("PartitionEntryLBA")
            try reader.expect("NumberOfPartitionEntries", UInt32(entryCount))
            try reader.expect("SizeOfPartitionEntry", UInt32(entrySize))
            let entriesCRC: UInt32 = try reader.read("PartitionEntryArrayCRC32")
            guard entriesLBA < UInt64(disk.size / sectorSize - tableSectors + 1) else {
                throw reader.error(
                    "PartitionEntryLBA", found: "\(entriesLBA)", expected: "a sector of the disk", at: 72)
            }
            let entries = try disk.read(at: Int(entriesLBA) * sectorSize, count: entryCount * entrySize)
            guard entriesCRC == CRC32.ieee.checksum(entries) else {
                throw reader.error(
                    "PartitionEntryArrayCRC32", found: hexadecimal(entriesCRC),
                    expected: hexadecimal(CRC32.ieee.checksum(entries)), at: 88)
            }
            return Header(
                other: other, usable: first...last, diskGUID: guid, entriesOffset: Int(entriesLBA) * sectorSize,
                entries: entries)
        }
    }

    private static func partitions(_ header: Header, source: String) throws(FormatError) -> [Partition] {
        var partitions: [Partition] = []
        try header.entries.withReader(source: source, base: header.entriesOffset) { reader throws(FormatError) in
            for index in 0..<entryCount {
                let start = index * entrySize
                let type = try reader.guid("PartitionTypeGUID")
                let guid = try reader.guid("UniquePartitionGUID")
                let first: UInt64 = try reader.read("StartingLBA")
                let last: UInt64 = try reader.read("EndingLBA")
                let attributes: UInt64 = try reader.read("Attributes")
                var units: [UInt16] = []
                for _ in 0..<36 { units.append(try reader.read("PartitionName")) }
                guard type != .zero else { continue }
                guard first <= last, header.usable.contains(first), header.usable.contains(last),
                    !partitions.contains(where: { $0.sectors.overlaps(first...last) })
                else {
                    throw reader.error(
                        "StartingLBA", found: "sectors \(first) to \(last)",
                        expected: "usable sectors of no other partition", at: start + 32)
                }
                let name = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
                partitions.append(
                    Partition(type: type, guid: guid, name: name, attributes: attributes, sectors: first...last))
            }
        }
        return partitions
    }
}
