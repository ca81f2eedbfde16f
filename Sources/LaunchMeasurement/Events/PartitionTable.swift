private import Bytes
internal import EventLogs
internal import Files

/// Where firmware finds the parts of the partition table that it measures on a disk with 512-byte sectors (UEFI 2.10,
/// chapter 5.3).
enum PartitionTable {
    private static let sector = 512

    /// The event and the disk ranges that it is made of: the header, then each entry in use.
    static func measured(of disk: ByteSource) throws -> (event: GPTEvent, entries: [Range<Int>]) {
        let header = try disk.read(at: sector, count: GPTEvent.headerSize, "GPT header")
        let place = try header.withReader(source: disk.name, base: disk.base + sector) { reader throws in
            try reader.expect(
                "GPT header.Signature", bytes: Array("EFI PART".utf8),
                hint: "there is no GUID partition table on this disk")
            try reader.seek(to: 72, "GPT header.PartitionEntryLBA")
            let lba = try reader.read("GPT header.PartitionEntryLBA", as: UInt64.self)
            let count = try reader.read("GPT header.NumberOfPartitionEntries", as: UInt32.self)
            let size = try reader.read("GPT header.SizeOfPartitionEntry", as: UInt32.self)
            guard lba >= 2, lba <= UInt64(disk.count / sector), (1...1024).contains(count), size == 128 else {
                throw reader.error(
                    "GPT header", found: "\(count) entries of \(size) bytes at LBA \(lba)",
                    expected: "1 to 1024 entries of 128 bytes on the disk", at: 72)
            }
            return (offset: Int(lba) * sector, count: Int(count), size: Int(size))
        }
        let table = try disk.read(at: place.offset, count: place.count * place.size, "GPT entries")
        var entries: [[UInt8]] = []
        var ranges: [Range<Int>] = []
        for index in 0..<place.count {
            let entry = Array(table[index * place.size..<(index + 1) * place.size])
            guard entry.prefix(16).contains(where: { $0 != 0 }) else { continue }
            entries.append(entry)
            let start = place.offset + index * place.size
            ranges.append(start..<start + place.size)
        }
        return (GPTEvent(header: header, entries: entries), ranges)
    }
}
