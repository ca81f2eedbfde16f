import Bytes
import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

@Suite("GPT")
struct GPTTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func disk(sectorSize: Int = 512) throws -> (path: String, table: GPT) {
        let root = Array(UInt8(0)..<32)
        let guids = try #require(GUID.halves(ofRootHash: root))
        let content: (Int) -> FileTree.Content = { count in .bytes((0..<count).map { UInt8(truncatingIfNeeded: $0) }) }
        let sources: [GPTWriter.Source] = [
            .init(
                .init(
                    type: PartitionType.esp.guid,
                    guid: .halves(ofRootHash: Array(repeating: 7, count: 32))?.data ?? .zero, name: "esp"),
                content: content(3_000_000)),
            .init(
                .init(
                    type: PartitionType.root.guid, guid: guids.data, name: "root-x86-64",
                    attributes: GPT.readOnlyAttribute), content: content(4096)),
            .init(
                .init(type: PartitionType.rootVerity.guid, guid: guids.hash, name: "root-x86-64-verity"),
                content: content(1 << 20)),
        ]
        let path = folder.file("disk")
        let output = try OutputFile(path)
        let table = try GPTWriter.write(
            sources, diskGUID: try #require(GUID("11223344-5566-7788-99aa-bbccddeeff00")), sectorSize: sectorSize,
            to: output)
        try output.commit()
        return (path, table)
    }

    @Test("reads back its own table and the contents lie where it says", arguments: GPT.sectorSizes)
    func roundTrip(sectorSize: Int) throws {
        let (path, table) = try disk(sectorSize: sectorSize)
        #expect(table.sectorSize == sectorSize)
        let file = try InputFile(path)
        #expect(try GPT(reading: file) == table)
        #expect(table.partitions.map { $0.range.lowerBound } == [1 << 20, 4 << 20, 5 << 20])
        #expect(try file.read(at: 4 << 20, count: 4) == [0, 1, 2, 3])
        #expect(table.partitions[1].guid.description == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(table.partitions[2].guid.description == "10111213-1415-1617-1819-1a1b1c1d1e1f")
    }

    @Test(
        "gives the same bytes again, pinned by digest for this revision",
        arguments: [
            (512, "5c656b34f63eb8e77a9bfe4591fa9340e5bc96eebe4e492563af162e7890e2a8"),
            (4096, "e3ad99eb9aa12187feda9aa956020ac36ec8c903920692309ff0584f45bd103d"),
        ])
    func golden(sectorSize: Int, digest: String) throws {
        let bytes = try InputFile.contents(of: disk(sectorSize: sectorSize).path)
        #expect(GPTWriter.formatRevision == "gpt-1")
        #expect(Digest.of(bytes, .sha256).hex == digest)
    }

    @Test(
        "every changed byte of headers and entries is refused",
        arguments: [0, 8, 12, 16, 20, 24, 32, 40, 48, 56, 72, 80, 84, 88])
    func corruption(field: Int) throws {
        for size in GPT.sectorSizes {
            let (path, _) = try disk(sectorSize: size)
            let good = try InputFile.contents(of: path)
            for start in [size, good.count - size] {
                var bytes = good
                bytes[start + field] ^= 1
                try OutputFile.write(bytes, to: path)
                let error = #expect(throws: FormatError.self) { try GPT(reading: InputFile(path)) }
                #expect(error?.source == path)
            }
            var bytes = good
            bytes[2 * size + 130] ^= 1
            try OutputFile.write(bytes, to: path)
            #expect(throws: FormatError.self) { try GPT(reading: InputFile(path)) }
        }
    }

    @Test("a disk without a protective MBR, and one that is cut, are refused")
    func frame() throws {
        let (path, _) = try disk()
        let good = try InputFile.contents(of: path)
        for offset in [450, 510] {
            var bytes = good
            bytes[offset] ^= 1
            try OutputFile.write(bytes, to: path)
            #expect(throws: FormatError.self) { try GPT(reading: InputFile(path)) }
        }
        for count in [0, 512, 1024, 40_000, good.count - 512, good.count - 1] {
            try OutputFile.write(Array(good.prefix(count)), to: path)
            #expect(throws: (any Error).self, "\(count)") { try GPT(reading: InputFile(path)) }
        }
    }

    @Test("two partitions may not have one GUID")
    func duplicates() throws {
        let partition = GPT.Partition(type: PartitionType.root.guid, guid: PartitionType.esp.guid, name: "x")
        let output = try OutputFile(folder.file("bad"))
        #expect(throws: GPTError.self) {
            try GPTWriter.write(
                [.init(partition, content: .bytes([1])), .init(partition, content: .bytes([2]))], diskGUID: .zero,
                to: output)
        }
    }

    @Test("sectors of other sizes are refused")
    func sectorSize() throws {
        let output = try OutputFile(folder.file("bad"))
        #expect(throws: GPTError.self) { try GPTWriter.write([], diskGUID: .zero, sectorSize: 1024, to: output) }
    }

    /// A loop device shows the file as a disk with sectors of 4096 bytes; that needs root.
    @Test(
        "sgdisk and sfdisk find nothing wrong with sectors of 4096 bytes",
        .enabled(
            if: Outside.has("sgdisk") && Outside.has("sfdisk") && Outside.has("losetup")
                && FileSystem.effectiveUser == 0, "sgdisk, sfdisk, losetup and root are needed"))
    func largeSectors() throws {
        let (path, table) = try disk(sectorSize: 4096)
        let attached = try Subprocess("losetup", ["-b", "4096", "-r", "--find", "--show", path]).run()
        // A container without loop devices cannot say anything.
        guard attached.status == 0 else { return }
        let device = String(attached.outputText.dropLast())
        defer { _ = try? Subprocess("losetup", ["-d", device]).run() }
        let verdict = try Subprocess("sgdisk", ["--verify", device]).run()
        #expect(verdict.status == 0 && verdict.outputText.contains("No problems found"), "\(verdict.outputText)")
        let other = try Subprocess("sfdisk", ["--verify", device]).run()
        #expect(other.status == 0 && other.outputText.contains("No errors detected"), "\(other.outputText)")
        let dump = try Subprocess("sfdisk", ["--dump", device]).run().outputText.lowercased()
        for partition in table.partitions { #expect(dump.contains("\(partition.guid)"), "\(dump)") }
    }

    @Test("sgdisk finds nothing wrong", .enabled(if: Outside.has("sgdisk"), "sgdisk is not installed"))
    func sgdisk() throws {
        let result = try Subprocess("sgdisk", ["--verify", disk().path]).run()
        #expect(result.status == 0 && result.outputText.contains("No problems found"), "\(result.outputText)")
    }

    @Test("sfdisk finds nothing wrong", .enabled(if: Outside.has("sfdisk"), "sfdisk is not installed"))
    func sfdisk() throws {
        let result = try Subprocess("sfdisk", ["--verify", disk().path]).run()
        #expect(
            result.status == 0 && result.outputText.contains("No errors detected"),
            "\(result.outputText)\(result.errorText)")
    }
}
