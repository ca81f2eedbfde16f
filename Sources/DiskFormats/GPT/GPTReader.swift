private import Bytes
public import Files

extension GPT {
    /// Reads the table of a disk: protective MBR, both headers with their checksums, entries inside the disk and apart
    /// from each other.
    ///
    /// A header at byte 4096 and none at 512 says that sectors are of 4096 bytes.
    public init(reading disk: InputFile) throws {
        let reader = GPTReader(disk: disk, sectorSize: try GPTReader.sectorSize(of: disk))
        let sectors = reader.sectors
        guard sectors > 2 * (Self.tableSectors(of: reader.sectorSize) + 1) + 1 else {
            throw FormatError(
                source: disk.path, field: "disk", found: "\(disk.size) bytes", expected: "room for two tables",
                hint: "this is no disk with a GUID partition table, or it is cut short")
        }
        try reader.checkProtectiveMBR()
        let primary = try reader.header(at: 1)
        let backup = try reader.header(at: UInt64(sectors - 1))
        guard primary.other == UInt64(sectors - 1), backup.other == 1, primary.diskGUID == backup.diskGUID,
            primary.entries == backup.entries
        else {
            throw FormatError(
                source: disk.path, offset: (sectors - 1) * reader.sectorSize, field: "backup header",
                found: "another table", expected: "the one at the start of the disk")
        }
        self.init(
            diskGUID: primary.diskGUID, partitions: try reader.partitions(primary), sectorSize: reader.sectorSize)
    }
}

/// A disk whose table is read.
private struct GPTReader {
    private static let signature = Array("EFI PART".utf8)
    let disk: InputFile
    let sectorSize: Int
    var sectors: Int { disk.size / sectorSize }
    private var tableSectors: Int { GPT.tableSectors(of: sectorSize) }

    static func sectorSize(of disk: InputFile) throws -> Int {
        try GPT.sectorSizes.first { size in
            try disk.size >= 2 * size && disk.read(at: size, count: signature.count) == signature
        } ?? 512
    }

    /// A partition of type 0xEE among the four of the MBR keeps programs that know no GPT away (table 5.3).
    func checkProtectiveMBR() throws {
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

    struct Header {
        var other: UInt64
        var usable: ClosedRange<UInt64>
        var diskGUID: GUID
        var entriesOffset: Int
        var entries: [UInt8]
    }

    func header(at lba: UInt64) throws -> Header {
        let offset = Int(lba) * sectorSize
        let bytes = try disk.read(at: offset, count: GPT.headerSize)
        return try bytes.withReader(source: disk.path, base: offset) { reader in
            try reader.expect(
                "Signature", bytes: Self.signature, hint: "there is no GUID partition table on this disk")
            try reader.expect("Revision", UInt32(0x10000))
            try reader.expect("HeaderSize", UInt32(GPT.headerSize))
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
            guard first <= last, last < UInt64(sectors) else {
                throw reader.error(
                    "LastUsableLBA", found: "\(first) to \(last)", expected: "sectors of the disk", at: 48,
                    hint: "the disk may be cut short")
            }
            let guid = try reader.guid("DiskGUID")
            let entriesLBA: UInt64 = try reader.read("PartitionEntryLBA")
            try reader.expect("NumberOfPartitionEntries", UInt32(GPT.entryCount))
            try reader.expect("SizeOfPartitionEntry", UInt32(GPT.entrySize))
            let entriesCRC: UInt32 = try reader.read("PartitionEntryArrayCRC32")
            guard entriesLBA < UInt64(sectors - tableSectors + 1) else {
                throw reader.error(
                    "PartitionEntryLBA", found: "\(entriesLBA)", expected: "a sector of the disk", at: 72)
            }
            let entries = try disk.read(at: Int(entriesLBA) * sectorSize, count: GPT.entryCount * GPT.entrySize)
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

    func partitions(_ header: Header) throws(FormatError) -> [GPT.Partition] {
        var partitions: [GPT.Partition] = []
        try header.entries.withReader(source: disk.path, base: header.entriesOffset) { reader throws(FormatError) in
            for index in 0..<GPT.entryCount {
                let start = index * GPT.entrySize
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
                    GPT.Partition(type: type, guid: guid, name: name, attributes: attributes, sectors: first...last))
            }
        }
        return partitions
    }
}
