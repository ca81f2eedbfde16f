public import Bytes
public import Files

/// Writes a disk: protective MBR, both tables, and the partitions' contents, with bytes that depend on these alone.
public struct GPTWriter {
    /// Names the bytes that this writer makes; it changes when they do.
    public static let formatRevision = "gpt-1"

    /// A partition and where its bytes come from; it is as large as they are, rounded up to the alignment.
    public struct Source: Sendable {
        public var partition: GPT.Partition
        public var content: FileTree.Content

        public init(_ partition: GPT.Partition, content: FileTree.Content) {
            self.partition = partition
            self.content = content
        }
    }

    /// Writes a disk with these partitions in this order to `output`, which must be empty; gives the table as written.
    ///
    /// - Parameter sectorSize: the disk's logical sectors in bytes, 512 or 4096.
    public static func write(
        _ sources: [Source], diskGUID: GUID, sectorSize: Int = 512, to output: OutputFile
    ) throws -> GPT {
        guard GPT.sectorSizes.contains(sectorSize) else {
            throw GPTError("sectors of \(sectorSize) bytes", hint: "a disk has sectors of 512 or 4096 bytes")
        }
        var table = GPT(diskGUID: diskGUID, partitions: [], sectorSize: sectorSize)
        var next = GPT.alignment
        for source in sources {
            var partition = source.partition
            let size = max(1, source.content.count).roundedUp(toMultipleOf: GPT.alignment)
            partition.sectorSize = sectorSize
            partition.sectors = UInt64(next / sectorSize)...UInt64((next + size) / sectorSize - 1)
            table.partitions.append(partition)
            next += size
        }
        guard table.partitions.count <= GPT.entryCount else {
            throw GPTError("\(table.partitions.count) partitions: a table has room for \(GPT.entryCount)")
        }
        guard Set(table.partitions.map(\.guid)).count == table.partitions.count else {
            throw GPTError(
                "two partitions have the same GUID", hint: "derive them from different labels or halves of a hash")
        }
        let size = next + GPT.alignment
        try output.appendZeros(size)
        for (partition, source) in zip(table.partitions, sources) {
            try write(source.content, at: partition.range.lowerBound, to: output)
        }
        let encoded = try GPTEncoding(table, sectors: UInt64(size / sectorSize))
        try output.write(encoded.protectiveMBR, at: 0)
        try output.write(encoded.primary, at: sectorSize)
        try output.write(encoded.backup, at: size - encoded.backup.count)
        return table
    }

    private static func write(_ content: FileTree.Content, at start: Int, to output: OutputFile) throws {
        var offset = start
        try content.forEachChunk { chunk in
            try output.writeLeavingHoles(chunk, at: offset)
            offset += chunk.byteCount
        }
    }
}

/// Why a disk cannot be written.
public struct GPTError: ExplainedError, Equatable {
    public var description: String
    public var hint: String?
    public var outcome: Outcome { .unusable }

    init(_ description: String, hint: String? = nil) {
        self.description = description
        self.hint = hint
    }
}
