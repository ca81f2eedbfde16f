public import Bytes
public import Hashing

/// What an ID key signs: the launch digest that firmware shall accept, and who says so (SEV-SNP firmware ABI,
/// SNP_LAUNCH_FINISH, ID block):
///
///     0x00 48 LD          launch digest
///     0x30 16 FAMILY_ID
///     0x40 16 IMAGE_ID
///     0x50  4 VERSION     1
///     0x54  4 GUEST_SVN
///     0x58  8 POLICY      must equal the guest's launch policy
public struct IDBlock: Hashable, Sendable {
    public static let byteCount = 96
    public static let identifierByteCount = 16
    /// The policy that tools take by default: SMT allowed, and bit 17, which must be set.
    public static let defaultPolicy: UInt64 = 0x30000
    /// Bit 17 of a policy, which must be set.
    public static let mandatoryPolicy: UInt64 = 1 << 17

    /// SHA-384.
    public var launchDigest: Digest
    /// 16 bytes each.
    public let familyID, imageID: [UInt8]
    public var guestSVN: UInt32
    public var policy: UInt64

    private static let version: UInt32 = 1

    /// A block; nil unless the digest is SHA-384 and the identifiers have 16 bytes.
    public init?(
        launchDigest: Digest, familyID: [UInt8]? = nil, imageID: [UInt8]? = nil, guestSVN: UInt32 = 0,
        policy: UInt64 = Self.defaultPolicy
    ) {
        let zeros = [UInt8](repeating: 0, count: Self.identifierByteCount)
        self.launchDigest = launchDigest
        self.familyID = familyID ?? zeros
        self.imageID = imageID ?? zeros
        self.guestSVN = guestSVN
        self.policy = policy
        guard launchDigest.algorithm == .sha384, self.familyID.count == zeros.count, self.imageID.count == zeros.count
        else { return nil }
    }

    /// Reads 96 bytes and nothing after them.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        self = try bytes.withReader(source: source) { reader throws(FormatError) in
            let block = try IDBlock(parsing: &reader)
            try reader.finish("ID_BLOCK")
            return block
        }
    }

    /// Reads the 96 bytes.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        let bytes = try reader.bytes(HashAlgorithm.sha384.byteCount, "ID_BLOCK.LD")
        guard let digest = Digest(.sha384, bytes: bytes) else {
            throw reader.error("ID_BLOCK.LD", found: "\(bytes.count) bytes", expected: "48")
        }
        launchDigest = digest
        familyID = try reader.bytes(Self.identifierByteCount, "ID_BLOCK.FAMILY_ID")
        imageID = try reader.bytes(Self.identifierByteCount, "ID_BLOCK.IMAGE_ID")
        try reader.expect("ID_BLOCK.VERSION", Self.version)
        guestSVN = try reader.read("ID_BLOCK.GUEST_SVN")
        policy = try reader.read("ID_BLOCK.POLICY")
    }

    /// The 96 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.append(launchDigest.bytes)
        writer.append(familyID)
        writer.append(imageID)
        writer.append(Self.version)
        writer.append(guestSVN)
        writer.append(policy)
        return writer.bytes
    }
}
