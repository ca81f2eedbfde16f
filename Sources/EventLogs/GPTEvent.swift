public import Bytes

/// `UEFI_GPT_DATA` (PFP, section 10.4.2.5): the event data of a partition table.
///
/// | size | field |
/// |---|---|
/// | 92 | the header at LBA 1, as it stands on the disk |
/// | 8 | number of entries in use |
/// | 128 each | these entries, as they stand on the disk |
public struct GPTEvent: Hashable, Sendable {
    /// The header of 92 bytes.
    public var header: [UInt8]
    /// Entries with a partition type, of the size that the header states.
    public var entries: [[UInt8]]

    public static let headerSize = 92

    public init(header: [UInt8], entries: [[UInt8]]) {
        self.header = header
        self.entries = entries
    }

    /// The event data.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(header)
        writer.append(UInt64(entries.count))
        for entry in entries { writer.append(entry) }
        return writer.bytes
    }

    /// Reads the event data.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        header = try reader.bytes(Self.headerSize, "UEFIPartitionHeader")
        let count = try reader.read("NumberOfPartitions", as: UInt64.self)
        guard count > 0 || reader.isAtEnd, count <= 4096 else {
            throw reader.error("NumberOfPartitions", found: "\(count)", expected: "at most 4096", at: 92)
        }
        let size = count == 0 ? 0 : reader.remaining / Int(count)
        guard count == 0 || (size >= 128 && reader.remaining == size * Int(count)) else {
            throw reader.error(
                "Partitions", found: "\(reader.remaining) bytes",
                expected: "\(count) equal entries of 128 bytes or more")
        }
        entries = []
        for _ in 0..<count { entries.append(try reader.bytes(size, "Partitions")) }
    }
}
