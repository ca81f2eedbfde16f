public import Bytes
private import Hashing

/// The superblock in front of a tree (cryptsetup, "DMVerity on-disk format"): convenient, and not authenticated.
///
///     0x000   8 "verity" and two NUL
///     0x008   4 version, 1
///     0x00c   4 hash type
///     0x010  16 UUID in text order
///     0x020  32 name of the hash in lower case, NUL padded
///     0x040   4 data block size
///     0x044   4 hash block size
///     0x048   8 data blocks
///     0x050   2 salt size
///     0x052   6 zero
///     0x058 256 salt
///     0x158 168 zero
public struct VeritySuperblock: Sendable, Hashable {
    public static let byteCount = 512
    private static let signature: [UInt8] = Array("verity".utf8) + [0, 0]

    public var parameters: VerityParameters
    /// 16 bytes in text order.
    public var uuid: [UInt8]

    public init(_ parameters: VerityParameters, uuid: [UInt8]) {
        self.parameters = parameters
        self.uuid = uuid
    }

    /// Reads a superblock; everything in it comes from whoever wrote the disk.
    public init(parsing reader: inout ByteReader) throws {
        try reader.expect("signature", bytes: Self.signature)
        try reader.expect("version", UInt32(1))
        let start = reader.position
        let type: UInt32 = try reader.read("hash_type")
        guard let format = VerityParameters.Format(rawValue: type) else {
            throw reader.error("hash_type", found: "\(type)", expected: "0 or 1", at: start)
        }
        uuid = try reader.bytes(16, "uuid")
        let nameOffset = reader.position
        let name = String(decoding: try reader.bytes(32, "algorithm").prefix { $0 != 0 }, as: UTF8.self)
        guard let algorithm = HashAlgorithm(rawValue: name) else {
            let known = HashAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw reader.error("algorithm", found: "'\(name)'", expected: known, at: nameOffset)
        }
        let dataBlockSize: UInt32 = try reader.read("data_block_size")
        let hashBlockSize: UInt32 = try reader.read("hash_block_size")
        let blocksOffset = reader.position
        let dataBlocks: UInt64 = try reader.read("data_blocks")
        guard dataBlocks > 0, dataBlocks < 1 << 43 else {
            throw reader.error("data_blocks", found: "\(dataBlocks)", expected: "1 to 2^43", at: blocksOffset)
        }
        let saltOffset = reader.position
        let saltSize: UInt16 = try reader.read("salt_size")
        guard saltSize <= 256 else {
            throw reader.error("salt_size", found: "\(saltSize)", expected: "at most 256", at: saltOffset)
        }
        try reader.skip(6, "reserved")
        let salt = try reader.bytes(256, "salt")
        try reader.skip(168, "reserved")
        parameters = try VerityParameters(
            algorithm: algorithm, format: format, dataBlockSize: Int(dataBlockSize),
            hashBlockSize: Int(hashBlockSize), salt: Array(salt.prefix(Int(saltSize))), dataBlocks: Int(dataBlocks))
    }

    /// The 512 bytes as stored.
    public var bytes: [UInt8] {
        var out = ByteWriter(capacity: Self.byteCount)
        out.append(Self.signature)
        out.append(UInt32(1))
        out.append(parameters.format.rawValue)
        out.append(uuid.prefix(16))
        out.append(text: parameters.algorithm.rawValue)
        out.append(repeating: 0, count: 0x40 - out.count)
        out.append(UInt32(truncatingIfNeeded: parameters.dataBlockSize))
        out.append(UInt32(truncatingIfNeeded: parameters.hashBlockSize))
        out.append(UInt64(parameters.dataBlocks))
        out.append(UInt16(truncatingIfNeeded: parameters.salt.count))
        out.append(repeating: 0, count: 6)
        out.append(parameters.salt)
        out.append(repeating: 0, count: Self.byteCount - out.count)
        return out.bytes
    }

    /// Where the tree starts, in bytes, when the superblock is at `hashOffset`.
    public static func treeOffset(after hashOffset: Int, hashBlockSize: Int) -> Int {
        (hashOffset + byteCount).roundedUp(toMultipleOf: hashBlockSize)
    }

    /// Where the tree starts without a superblock: at the hash block that `hashOffset` lies in.
    public static func treeOffset(withoutSuperblockAt hashOffset: Int, hashBlockSize: Int) -> Int {
        hashOffset / hashBlockSize * hashBlockSize
    }
}
