public import Bytes
public import Signing

/// The signatures and keys that go with an ID block (SEV-SNP firmware ABI, SNP_LAUNCH_FINISH, ID authentication
/// information; 4096 bytes):
///
///     0x000    4 ID_KEY_ALGO      1: ECDSA P-384 with SHA-384
///     0x004    4 AUTHOR_KEY_ALGO  1, or 0
///     0x008   56 reserved, zero
///     0x040  512 ID_BLOCK_SIG     the ID key's over the ID block
///     0x240 1028 ID_KEY
///     0x644   60 reserved, zero
///     0x680  512 ID_KEY_SIG       the author key's over ID_KEY's 1028 bytes
///     0x880 1028 AUTHOR_KEY
///     0xC84  892 reserved, zero
public struct IDAuthentication: Hashable, Sendable {
    public static let byteCount = 4096

    /// Who vouches for the ID key.
    public struct Author: Hashable, Sendable {
        public var key: SEVPublicKey
        public var signature: SEVSignature

        public init(key: SEVPublicKey, signature: SEVSignature) {
            self.key = key
            self.signature = signature
        }
    }

    public var idKey: SEVPublicKey
    public var blockSignature: SEVSignature
    /// Nil if the author key and its signature are zeros.
    public var author: Author?
    /// 1 or 0; with an author it is 1.
    public private(set) var authorKeyAlgorithm: UInt32

    private static let ecdsaP384: UInt32 = 1

    /// The structure. Without an author its algorithm is 0, or 1 where others write that (`namesAuthorAlgorithm`).
    public init(
        idKey: SEVPublicKey, blockSignature: SEVSignature, author: Author? = nil, namesAuthorAlgorithm: Bool = false
    ) {
        self.idKey = idKey
        self.blockSignature = blockSignature
        self.author = author
        authorKeyAlgorithm = author != nil || namesAuthorAlgorithm ? Self.ecdsaP384 : 0
    }

    /// Reads 4096 bytes and nothing after them.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        self = try bytes.withReader(source: source) { reader throws(FormatError) in
            let authentication = try IDAuthentication(parsing: &reader)
            try reader.finish("ID_AUTH")
            return authentication
        }
    }

    /// Reads the 4096 bytes.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        try reader.expect("ID_AUTH.ID_KEY_ALGO", Self.ecdsaP384)
        let start = reader.position
        authorKeyAlgorithm = try reader.read("ID_AUTH.AUTHOR_KEY_ALGO")
        guard authorKeyAlgorithm <= Self.ecdsaP384 else {
            throw reader.error(
                "ID_AUTH.AUTHOR_KEY_ALGO", found: "\(authorKeyAlgorithm)", expected: "1 (ECDSA P-384), or 0", at: start)
        }
        try reader.expectZeros(56, "ID_AUTH.reserved")
        blockSignature = try SEVSignature(parsing: &reader, "ID_AUTH.ID_BLOCK_SIG")
        idKey = try SEVPublicKey(parsing: &reader, "ID_AUTH.ID_KEY")
        try reader.expectZeros(60, "ID_AUTH.reserved")
        var authorPart = try reader.slice(SEVSignature.byteCount + SEVPublicKey.byteCount, "ID_AUTH.AUTHOR_KEY")
        try reader.expectZeros(892, "ID_AUTH.reserved")
        author = try Self.author(&authorPart, algorithm: authorKeyAlgorithm)
    }

    /// ID_KEY_SIG and AUTHOR_KEY, which are both zeros where there is no author.
    private static func author(_ reader: inout ByteReader, algorithm: UInt32) throws(FormatError) -> Author? {
        if [UInt8](copying: reader.unread).allSatisfy({ $0 == 0 }) { return nil }
        guard algorithm == ecdsaP384 else {
            throw reader.error("ID_AUTH.AUTHOR_KEY", found: "a key", expected: "zeros, for AUTHOR_KEY_ALGO is 0")
        }
        let signature = try SEVSignature(parsing: &reader, "ID_AUTH.ID_KEY_SIG")
        return Author(key: try SEVPublicKey(parsing: &reader, "ID_AUTH.AUTHOR_KEY"), signature: signature)
    }

    /// The 4096 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.append(Self.ecdsaP384)
        writer.append(authorKeyAlgorithm)
        writer.append(repeating: 0, count: 56)
        writer.append(blockSignature.bytes)
        writer.append(idKey.bytes)
        writer.append(repeating: 0, count: 60)
        if let author {
            writer.append(author.signature.bytes)
            writer.append(author.key.bytes)
        }
        writer.append(repeating: 0, count: Self.byteCount - writer.count)
        return writer.bytes
    }

    /// Whether the ID key signed `block`.
    public func signs(_ block: IDBlock) -> Bool { blockSignature.isValid(of: block.bytes, by: idKey.key) }

    /// Whether the author signed the ID key; nil without an author.
    public var authorSignsKey: Bool? {
        author.map { $0.signature.isValid(of: idKey.bytes, by: $0.key.key) }
    }
}
