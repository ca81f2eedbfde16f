import Bytes
import DiskFormats
import Documents
import Files
import Hashing

extension FileRecognizer {
    /// A disk with a GUID partition table.
    static let gptDisk = FileRecognizer(
        kind: "GPT disk",
        matches: { file in GPT.sectorSizes.contains { file.begins(with: "EFI PART", at: $0) } },
        describe: { file in
            let table = try GPT(reading: file.file)
            let source = ByteSource(file.file)
            return [
                ("size", .count(file.file.size)), ("sha256", .string(try source.digest(.sha256).hex)),
                ("diskGUID", .string(table.diskGUID.description)), ("sectorSize", .count(table.sectorSize)),
                (
                    "partitions",
                    .array(of: try table.partitions.map { try partition($0, of: source) })
                ),
            ]
        })

    private static func partition(
        _ partition: GPT.Partition, of disk: ByteSource
    ) throws -> Value {
        let contents = try disk.window(
            at: partition.range.lowerBound, count: partition.range.count, "partition \(partition.name)")
        let type = PartitionType.allCases.first { $0.guid == partition.type }
        return .object([
            ("name", .string(partition.name)), ("type", .string(type.map { "\($0)" } ?? partition.type.description)),
            ("guid", .string(partition.guid.description)), ("attributes", .hex(partition.attributes)),
            ("offset", .count(partition.range.lowerBound)), ("size", .count(partition.range.count)),
            ("contents", .string(try kind(of: contents))), ("sha256", .string(try contents.digest(.sha256).hex)),
        ])
    }

    /// What a partition holds, by the mark at its start.
    private static func kind(of contents: ByteSource) throws -> String {
        let head = try contents.read(at: 0, count: min(contents.count, 2048), "partition")
        let marks: [(offset: Int, mark: [UInt8], kind: String)] = [
            (82, Array("FAT32   ".utf8), "FAT32"), (54, Array("FAT16   ".utf8), "FAT16"),
            (54, Array("FAT12   ".utf8), "FAT12"),
            (1024, EROFS.mark, "EROFS"), (0, Array("verity\0\0".utf8), "dm-verity"),
            (0, Array("hsqs".utf8), "squashfs"), (1080, [0x53, 0xEF], "ext"),
        ]
        return marks.first { head.dropFirst($0.offset).starts(with: $0.mark) }?.kind ?? "unknown"
    }

    /// A FAT file system, as an EFI system partition is one.
    static let fat = FileRecognizer(
        kind: "FAT file system",
        matches: { file in
            file.begins(with: "FAT32   ", at: 82)
                || ["FAT12   ", "FAT16   "].contains { file.begins(with: $0, at: 54) }
        },
        describe: { file in
            let reader = try FATReader(file.file)
            return [
                ("size", .count(file.file.size)),
                ("sha256", .string(try ByteSource(file.file).digest(.sha256).hex)),
                ("width", .count(reader.width)), ("volumeID", .hex(reader.volumeID)),
                ("files", try TreeFacts.files(of: reader.tree())),
            ]
        })

    /// An EROFS image.
    static let erofs = FileRecognizer(
        kind: "EROFS image",
        matches: { $0.head.dropFirst(1024).starts(with: EROFS.mark) },
        describe: { file in
            let reader = try EROFSReader(file.file)
            let superblock = reader.superblock
            let tree = Result { try TreeFacts.files(of: reader.tree()) }
            return [
                ("size", .count(file.file.size)),
                ("sha256", .string(try ByteSource(file.file).digest(.sha256).hex)),
                ("uuid", .string(GUID(textOrder: superblock.uuid)?.description ?? superblock.uuid.hex)),
                ("volumeName", .string(String(decoding: superblock.volumeName, as: UTF8.self))),
                ("epoch", .integer(superblock.epoch)), ("blocks", .count(Int(superblock.blocks))),
                ("inodes", .integer(Int64(clamping: superblock.inodes))),
                ("compatibleFeatures", .hex(superblock.compatibleFeatures)),
                ("incompatibleFeatures", .hex(superblock.incompatibleFeatures)),
                ("files", TreeFacts.valueOrError(tree)),
            ]
        })
}

extension EROFS {
    /// The magic number as it stands at byte 1024.
    fileprivate static let mark: [UInt8] = [0xE2, 0xE1, 0xF5, 0xE0]
}
