import Bytes
import DiskFormats
import Files
import LaunchMeasurement

/// The first EFI system partition of a disk, where firmware looks for what it starts.
enum BootDisk {
    static func volume(of path: String) throws -> BootVolume {
        let disk = try InputFile(path)
        let table = try GPT(reading: disk)
        guard let index = table.partitions.firstIndex(where: { $0.type == PartitionType.esp.guid }) else {
            throw CommandFailure("\(path): it has no EFI system partition", hint: "give the image with --uki")
        }
        let slots = try usedSlots(of: disk, sectorSize: table.sectorSize)
        let reader = try FATReader(disk, in: table.partitions[index].range)
        return try BootVolume(
            reader.tree(), partition: slots.indices.contains(index) ? slots[index] + 1 : index + 1,
            serial: reader.volumeID,
            hasExtendedPartition: table.partitions.contains { $0.type == PartitionType.extendedLoader.guid })
    }

    /// Slots of the partition table in use (UEFI 2.10, tables 5.5 and 5.6), whose reader has checked it before.
    private static func usedSlots(of disk: InputFile, sectorSize: Int) throws -> [Int] {
        let lba = try disk.read(at: sectorSize + 72, count: 8).withReader(source: disk.path) { reader throws in
            Int(clamping: try reader.read("PartitionEntryLBA", as: UInt64.self))
        }
        guard lba < disk.size / sectorSize else { return [] }
        let entries = try disk.read(at: lba * sectorSize, count: GPT.entryCount * GPT.entrySize)
        return (0..<GPT.entryCount).filter { slot in
            entries[slot * GPT.entrySize..<slot * GPT.entrySize + 16].contains { $0 != 0 }
        }
    }
}
