import Bytes

/// SNP_ID_BLOCK: the ID block of an SEV-SNP launch and its signatures (IGVM definitions, `IGVM_VHS_SNP_ID_BLOCK`).
///
///     0x000   4 compatibility mask
///     0x004   1 author key enabled
///     0x005   3 reserved
///     0x008  48 launch digest
///     0x038  16 family ID
///     0x048  16 image ID
///     0x058   4 version              1
///     0x05C   4 guest SVN
///     0x060   4 ID key algorithm     1: ECDSA P-384 with SHA-384
///     0x064   4 author key algorithm
///     0x068 144 signature of the ID block by the ID key: r, s, 72 bytes each, little-endian
///     0x0F8 152 ID key: u32 curve (2: P-384), u32 reserved, Qx, Qy, 72 bytes each, little-endian
///     0x190 144 signature of the ID key by the author key
///     0x220 152 author key
public struct IGVMIDBlock: Hashable, Sendable {
    static let byteCount = 0x2B8

    public var compatibilityMask: UInt32
    public var authorKeyEnabled: Bool
    /// 48 bytes.
    public var launchDigest: [UInt8]
    /// 16 bytes each.
    public var familyID, imageID: [UInt8]
    public var version, guestSVN: UInt32
    public var idKeyAlgorithm, authorKeyAlgorithm: UInt32
    public var idSignature: Signature
    public var idKey: Key
    public var authorSignature: Signature
    public var authorKey: Key

    /// An ECDSA signature: r and s of 72 bytes each, little-endian.
    public struct Signature: Hashable, Sendable {
        public var r, s: [UInt8]
    }

    /// A public key: the curve's number and the point, 72 bytes a coordinate, little-endian.
    public struct Key: Hashable, Sendable {
        /// The number of P-384.
        public static let p384: UInt32 = 2

        public var curve: UInt32
        public var x, y: [UInt8]
    }

    init(_ reader: inout ByteReader) throws(FormatError) {
        compatibilityMask = try reader.read("SNP_ID_BLOCK.compatibility mask")
        let enabled: UInt8 = try reader.read("SNP_ID_BLOCK.author key enabled")
        guard enabled <= 1 else {
            throw reader.error("SNP_ID_BLOCK.author key enabled", found: "\(enabled)", expected: "0 or 1", at: 4)
        }
        authorKeyEnabled = enabled == 1
        try reader.expectZeros(3, "SNP_ID_BLOCK.reserved")
        launchDigest = try reader.bytes(48, "SNP_ID_BLOCK.launch digest")
        familyID = try reader.bytes(16, "SNP_ID_BLOCK.family ID")
        imageID = try reader.bytes(16, "SNP_ID_BLOCK.image ID")
        version = try reader.read("SNP_ID_BLOCK.version")
        guard version == 1 else {
            throw reader.error("SNP_ID_BLOCK.version", found: "\(version)", expected: "1", at: 0x58)
        }
        guestSVN = try reader.read("SNP_ID_BLOCK.guest SVN")
        idKeyAlgorithm = try reader.read("SNP_ID_BLOCK.ID key algorithm")
        authorKeyAlgorithm = try reader.read("SNP_ID_BLOCK.author key algorithm")
        idSignature = try Self.signature(&reader, "SNP_ID_BLOCK.ID key signature")
        idKey = try Self.key(&reader, "SNP_ID_BLOCK.ID key")
        authorSignature = try Self.signature(&reader, "SNP_ID_BLOCK.author key signature")
        authorKey = try Self.key(&reader, "SNP_ID_BLOCK.author key")
    }

    private static func signature(_ reader: inout ByteReader, _ field: String) throws(FormatError) -> Signature {
        Signature(r: try reader.bytes(72, "\(field).r"), s: try reader.bytes(72, "\(field).s"))
    }

    private static func key(_ reader: inout ByteReader, _ field: String) throws(FormatError) -> Key {
        let curve: UInt32 = try reader.read("\(field).curve")
        try reader.expectZeros(4, "\(field).reserved")
        return Key(curve: curve, x: try reader.bytes(72, "\(field).Qx"), y: try reader.bytes(72, "\(field).Qy"))
    }
}
