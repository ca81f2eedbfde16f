public import Bytes

/// A GUID partition table (UEFI 2.10, chapter 5): what is on a disk, as data.
///
///     LBA 0        protective MBR
///     LBA 1        header
///     LBA 2 …      128 entries of 128 bytes: 32 sectors of 512 bytes, or 4 of 4096
///     …            partitions, at multiples of 1 MiB
///     at the end   entries again, then the header again in the last sector
public struct GPT: Sendable, Hashable {
    /// Sizes that a logical sector may have, in bytes.
    public static let sectorSizes = [512, 4096]
    public static let entryCount = 128
    public static let entrySize = 128
    public static let headerSize = 92
    /// Partitions start at multiples of this, in bytes.
    public static let alignment = 1 << 20

    /// Logical sector size in bytes; every LBA counts in it.
    public let sectorSize: Int
    public var diskGUID: GUID
    public var partitions: [Partition]

    /// One partition; its place is given by the writer or read from a disk.
    public struct Partition: Sendable, Hashable {
        public var type: GUID
        public var guid: GUID
        /// At most 36 UTF-16 units.
        public var name: String
        public var attributes: UInt64
        /// First and last sector.
        public var sectors: ClosedRange<UInt64>
        /// That of the disk, in bytes.
        var sectorSize = 512

        public init(
            type: GUID, guid: GUID, name: String, attributes: UInt64 = 0, sectors: ClosedRange<UInt64> = 0...0
        ) {
            self.type = type
            self.guid = guid
            self.name = name
            self.attributes = attributes
            self.sectors = sectors
        }

        /// The partition's place in bytes.
        public var range: Range<Int> {
            Int(clamping: sectors.lowerBound) * sectorSize..<(Int(clamping: sectors.upperBound) + 1) * sectorSize
        }
    }

    /// Attribute bit 60 of discoverable partitions: mount read-only (UAPI.2).
    public static let readOnlyAttribute: UInt64 = 1 << 60

    public init(diskGUID: GUID, partitions: [Partition], sectorSize: Int = 512) {
        self.sectorSize = sectorSize
        self.diskGUID = diskGUID
        self.partitions = partitions
        for index in self.partitions.indices { self.partitions[index].sectorSize = sectorSize }
    }

    /// Sectors that the entries take.
    var tableSectors: Int { Self.tableSectors(of: sectorSize) }
    static func tableSectors(of sectorSize: Int) -> Int { entryCount * entrySize / sectorSize }
}

/// Types of the Discoverable Partitions Specification (UAPI.2), x86-64.
public enum PartitionType: String, Sendable, CaseIterable {
    case esp = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    case root = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
    case rootVerity = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"
    /// XBOOTLDR: more boot loader entries.
    case extendedLoader = "bc13c2ff-59e6-4262-a352-b275fd6f7172"

    public var guid: GUID { GUID(rawValue) ?? .zero }
}

extension GUID {
    /// Sixteen zero bytes: an unused entry's type.
    public static let zero = GUID(zeros: ())

    /// The GUID that a root partition takes from the first half of its root hash, and its verity partition from the
    /// second (Discoverable Partitions Specification): 16 bytes in text order, version bits as they fall.
    ///
    /// Nil for fewer than 32 bytes.
    public static func halves(ofRootHash root: [UInt8]) -> (data: GUID, hash: GUID)? {
        guard root.count >= 32, let data = GUID(textOrder: root.prefix(16)), let hash = GUID(textOrder: root.suffix(16))
        else { return nil }
        return (data, hash)
    }
}
