private import Bytes
private import DiskFormats
internal import Files
internal import Hashing

/// The disk that a machine boots: an EFI system partition with the unified kernel image, the root, its hash tree.
///
/// Partitions are discoverable (UAPI.2): the root's GUID is the first half of the root hash, the hash tree's the second.
/// Both are marked read-only. Names are those that the initrd looks for.
struct ImageDisk {
    var identifiers: DerivedIdentifiers
    var rootHash: Digest
    /// Seconds since 1970, the time of all entries of the EFI system partition.
    var epoch: UInt32
    /// Directory of the parts: `uki.efi`, `root.erofs`, `root.verity`.
    var directory: String

    /// Writes the EFI system partition: the image under the name that firmware starts without being told.
    func writeSystemPartition(to file: OutputFile) throws {
        let time = Int64(epoch)
        var tree = FileTree()
        for name in ["EFI", "EFI/BOOT"] {
            tree[FileTree.Path(name)] = FileTree.Entry(.directory, mode: 0o755, mtime: time)
        }
        tree["EFI/BOOT/BOOTX64.EFI"] = FileTree.Entry(.file(try content("uki.efi")), mode: 0o644, mtime: time)
        let serial = identifiers.bytes("ESP volume").prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        try FATWriter.write(tree, FATWriter.Options(volumeID: serial, label: "ESP", epoch: time), to: file)
    }

    /// Writes the disk around the EFI system partition at `systemPartition`.
    func write(systemPartition: String, to file: OutputFile) throws {
        guard let halves = GUID.halves(ofRootHash: rootHash.bytes), let esp = GUID(textOrder: identifiers.uuid("ESP")),
            let disk = GUID(textOrder: identifiers.uuid("disk"))
        else { throw ImageError("disk.raw", "has no GUIDs: the root hash is shorter than 32 bytes") }
        let partitions: [(GPT.Partition, FileTree.Content)] = [
            (
                GPT.Partition(type: PartitionType.esp.guid, guid: esp, name: "esp"),
                .range(path: systemPartition, offset: 0, count: try InputFile(systemPartition).size)
            ),
            (
                GPT.Partition(
                    type: PartitionType.root.guid, guid: halves.data, name: "root-x86-64",
                    attributes: GPT.readOnlyAttribute), try content("root.erofs")
            ),
            (
                GPT.Partition(
                    type: PartitionType.rootVerity.guid, guid: halves.hash, name: "root-x86-64-verity",
                    attributes: GPT.readOnlyAttribute), try content("root.verity")
            ),
        ]
        let sources = partitions.map { GPTWriter.Source($0.0, content: $0.1) }
        _ = try GPTWriter.write(sources, diskGUID: disk, to: file)
    }

    private func content(_ name: String) throws -> FileTree.Content {
        let path = "\(directory)/\(name)"
        return .range(path: path, offset: 0, count: try InputFile(path).size)
    }
}
