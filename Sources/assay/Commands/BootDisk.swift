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
        let reader = try FATReader(disk, in: table.partitions[index].range)
        return try BootVolume(
            reader.tree(), partition: index + 1, serial: reader.volumeID,
            hasExtendedPartition: table.partitions.contains { $0.type == PartitionType.extendedLoader.guid })
    }
}
