import Bytes
import DiskFormats
import Files

/// The loader that firmware starts from a disk: `EFI/BOOT/BOOTX64.EFI` on its first EFI system partition.
enum BootDisk {
    static func loader(on path: String) throws -> ByteSource {
        let disk = try InputFile(path)
        let table = try GPT(reading: disk)
        guard let partition = table.partitions.first(where: { $0.type == PartitionType.esp.guid }) else {
            throw CommandFailure("\(path): it has no EFI system partition", hint: "give the image with --uki")
        }
        // The reader takes a file; the partition is copied out so that it can be read as one.
        let folder = try FileSystem.temporaryDirectory(beside: (FileSystem.environment("TMPDIR") ?? "/tmp") + "/assay")
        defer { try? FileSystem.remove(folder) }
        let copy = folder + "/esp"
        let output = try disk.read(at: partition.range.lowerBound, count: partition.range.count)
        try OutputFile.write(output, to: copy)
        let tree = try FATReader(InputFile(copy)).tree()
        guard case .file(let content)? = tree["EFI/BOOT/BOOTX64.EFI"]?.kind else {
            throw CommandFailure(
                "\(path): no EFI/BOOT/BOOTX64.EFI on its EFI system partition", hint: "give the image with --uki")
        }
        var bytes: [UInt8] = []
        try content.forEachChunk { chunk in bytes += [UInt8](copying: chunk) }
        return ByteSource(bytes, name: "EFI/BOOT/BOOTX64.EFI of \(path)")
    }
}
