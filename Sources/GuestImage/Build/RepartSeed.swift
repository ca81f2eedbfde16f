public import Bytes
public import Hashing

/// Identifiers as systemd-repart derives them from `--seed`, for images that are to equal its (systemd 257,
/// src/partition/repart.c): HMAC-SHA256 under the seed's 16 bytes, cut to 16, with the bits of a version 4 UUID.
public struct RepartSeed: Sendable, Hashable {
    private let key: [UInt8]

    /// - Parameter seed: its bytes in text order are the key.
    public init(_ seed: GUID) { key = seed.textOrder }

    private func digest(_ message: [UInt8]) -> Digest { HMAC.of(message, key: key, .sha256) }

    private func identifier(_ message: [UInt8], key: [UInt8]) -> GUID? {
        var bytes = Array(HMAC.of(message, key: key, .sha256).bytes.prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return GUID(textOrder: bytes)
    }

    /// The disk's GUID.
    public var disk: GUID? { identifier(Array("disk-uuid".utf8), key: key) }

    /// The GUID of the n-th partition of a type, counted from 0. Data and hash partitions of a verified root take theirs
    /// from the root hash instead; their file systems still follow from this one.
    public func partition(_ type: GUID, instance: UInt64 = 0) -> GUID? {
        let number = instance == 0 ? [] : (0..<8).map { UInt8(truncatingIfNeeded: instance >> UInt64($0 * 8)) }
        return identifier(type.textOrder + number, key: key)
    }

    /// The UUID of the file system in a partition.
    public func fileSystem(in partition: GUID) -> GUID? {
        identifier(Array("file-system-uuid".utf8), key: partition.textOrder)
    }

    /// The salt of a dm-verity tree, 32 bytes.
    public var veritySalt: [UInt8] { digest(Array("verity-salt".utf8)).bytes }

    /// The UUID in a dm-verity superblock.
    public var verityUUID: GUID? { identifier(Array("verity-uuid".utf8), key: key) }

    /// The GUIDs of the partitions with the data and with the tree of a root hash of 32 bytes: its halves.
    public static func partitions(of root: Digest) -> (data: GUID, hash: GUID)? {
        guard root.bytes.count >= 32, let data = GUID(textOrder: Array(root.bytes.prefix(16))),
            let hash = GUID(textOrder: Array(root.bytes.suffix(16)))
        else { return nil }
        return (data, hash)
    }
}
