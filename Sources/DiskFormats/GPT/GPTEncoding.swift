private import Bytes

/// The bytes of a table for a disk of a given size.
struct GPTEncoding {
    private static let signature = Array("EFI PART".utf8)
    private let table: GPT
    /// Size of the disk in sectors.
    private let sectors: UInt64
    private let entries: [UInt8]

    init(_ table: GPT, sectors: UInt64) throws(GPTError) {
        self.table = table
        self.sectors = sectors
        var out = ByteWriter(capacity: GPT.entryCount * GPT.entrySize)
        for partition in table.partitions { out.append(try Self.entry(partition)) }
        out.append(repeating: 0, count: GPT.entryCount * GPT.entrySize - out.count)
        entries = out.bytes
    }

    /// Entry (table 5.7): type 16 · GUID 16 · first LBA 8 · last LBA 8 · attributes 8 · name 72, UTF-16LE.
    private static func entry(_ partition: GPT.Partition) throws(GPTError) -> [UInt8] {
        guard partition.name.utf16.count <= 36 else {
            throw GPTError("partition name '\(partition.name)': at most 36 UTF-16 units")
        }
        var out = ByteWriter(capacity: GPT.entrySize)
        out.append(partition.type.bytes)
        out.append(partition.guid.bytes)
        out.append(partition.sectors.lowerBound)
        out.append(partition.sectors.upperBound)
        out.append(partition.attributes)
        out.append(utf16: partition.name)
        out.append(repeating: 0, count: GPT.entrySize - out.count)
        return out.bytes
    }

    /// Header (table 5.5) and the entries behind it.
    var primary: [UInt8] {
        let head = header(at: 1, other: sectors - 1, entriesAt: 2)
        return head + Array(repeating: 0, count: table.sectorSize - head.count) + entries
    }

    /// The entries and the header at the end of the disk.
    var backup: [UInt8] {
        let first = sectors - 1 - UInt64(table.tableSectors)
        let head = header(at: sectors - 1, other: 1, entriesAt: first)
        return entries + head + Array(repeating: 0, count: table.sectorSize - head.count)
    }

    private func header(at lba: UInt64, other: UInt64, entriesAt: UInt64) -> [UInt8] {
        var out = ByteWriter(capacity: GPT.headerSize)
        out.append(Self.signature)
        out.append(UInt32(0x10000))  // revision 1.0
        out.append(UInt32(GPT.headerSize))
        out.append(UInt32(0))  // CRC-32, below
        out.append(UInt32(0))
        out.append(lba)
        out.append(other)
        out.append(UInt64(2 + table.tableSectors))
        out.append(sectors - 2 - UInt64(table.tableSectors))
        out.append(table.diskGUID.bytes)
        out.append(entriesAt)
        out.append(UInt32(GPT.entryCount))
        out.append(UInt32(GPT.entrySize))
        out.append(CRC32.ieee.checksum(entries))
        out.replace(at: 16, with: CRC32.ieee.checksum(out.bytes))
        return out.bytes
    }

    /// Protective MBR (table 5.4): one partition of type 0xEE over the whole disk.
    var protectiveMBR: [UInt8] {
        var out = ByteWriter(capacity: table.sectorSize)
        out.append(repeating: 0, count: 446)
        out.append([0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF])
        out.append(UInt32(1))
        out.append(UInt32(clamping: sectors - 1))
        out.append(repeating: 0, count: 48)
        out.append([0x55, 0xAA])
        return out.bytes
    }
}
