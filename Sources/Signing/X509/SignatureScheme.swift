public import Bytes
public import Hashing

/// How a certificate, a revocation list or a signed message was signed: what its AlgorithmIdentifier says.
public enum SignatureScheme: Hashable, Sendable, CustomStringConvertible {
    /// ECDSA, the signature in DER (RFC 5758, §3.2).
    case ecdsa(HashAlgorithm)
    /// RSASSA-PSS with MGF1 over the same hash (RFC 4055, §3.1).
    case rsaPSS(HashAlgorithm, saltByteCount: Int)
    /// RSASSA-PKCS1-v1_5 (RFC 4055, §5).
    case rsaPKCS1(HashAlgorithm)
    /// Ed25519 (RFC 8410).
    case ed25519

    private static let pss = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 10)
    private static let mgf1 = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 8)
    private static let withoutParameters: [ObjectIdentifier: SignatureScheme] = [
        ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2): .ecdsa(.sha256),
        ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3): .ecdsa(.sha384),
        ObjectIdentifier(1, 2, 840, 10045, 4, 3, 4): .ecdsa(.sha512),
        ObjectIdentifier(1, 3, 101, 112): .ed25519,
    ]
    private static let withNull: [ObjectIdentifier: SignatureScheme] = [
        ObjectIdentifier(1, 2, 840, 113549, 1, 1, 11): .rsaPKCS1(.sha256),
        ObjectIdentifier(1, 2, 840, 113549, 1, 1, 12): .rsaPKCS1(.sha384),
        ObjectIdentifier(1, 2, 840, 113549, 1, 1, 13): .rsaPKCS1(.sha512),
    ]
    private static let hashes: [ObjectIdentifier: HashAlgorithm] = [
        ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1): .sha256,
        ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2): .sha384,
        ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 3): .sha512,
    ]

    /// Reads an AlgorithmIdentifier; SHA-1, MD5 and what is not listed above are refused.
    public init(_ element: DERElement, _ field: String) throws(FormatError) {
        var fields = try element.fields(field)
        let identifier = try fields.next(.objectIdentifier, field).objectIdentifier(field)
        if let scheme = Self.withoutParameters[identifier] {
            self = scheme
        } else if let scheme = Self.withNull[identifier] {
            try fields.next(.null, field + ".parameters").null(field + ".parameters")
            self = scheme
        } else if identifier == Self.pss {
            self = try Self.pss(fields.next(.sequence, field + ".parameters"), field + ".parameters")
        } else {
            throw element.error(
                field, found: "algorithm \(identifier)",
                expected: "ECDSA, RSASSA-PSS or RSASSA-PKCS1-v1_5 with SHA-256, SHA-384 or SHA-512, or Ed25519")
        }
        try fields.finish(field)
    }

    /// RSASSA-PSS-params; what is left out stands for SHA-1, which is refused.
    private static func pss(_ element: DERElement, _ field: String) throws(FormatError) -> SignatureScheme {
        var fields = try element.fields(field)
        let hashPart = try fields.next(.context(0), field + ".hashAlgorithm")
        let hash = try hash(hashPart.explicit(.sequence, field + ".hashAlgorithm"), field + ".hashAlgorithm")
        let generator = try fields.next(.context(1), field + ".maskGenAlgorithm")
            .explicit(.sequence, field + ".maskGenAlgorithm")
        var inner = try generator.fields(field + ".maskGenAlgorithm")
        let identifier = try inner.next(.objectIdentifier, field).objectIdentifier(field + ".maskGenAlgorithm")
        let maskHash = try Self.hash(inner.next(.sequence, field), field + ".maskGenAlgorithm")
        try inner.finish(field + ".maskGenAlgorithm")
        guard identifier == mgf1, maskHash == hash else {
            throw generator.error(
                field + ".maskGenAlgorithm", found: "\(identifier) with \(maskHash.rawValue)",
                expected: "MGF1 with \(hash.rawValue)")
        }
        let salt = try fields.next(.context(2), field + ".saltLength").explicit(.integer, field + ".saltLength")
        let saltByteCount = try salt.number(field + ".saltLength", 0...512)
        // AMD writes the default out, which DER forbids; nothing can be hidden in it.
        if let trailer = try fields.optional(.context(3), field + ".trailerField") {
            _ = try trailer.explicit(.integer, field + ".trailerField").number(field + ".trailerField", 1...1)
        }
        try fields.finish(field)
        return .rsaPSS(hash, saltByteCount: saltByteCount)
    }

    /// A hash's AlgorithmIdentifier, with NULL parameters or none (RFC 4055, §2.1).
    static func hash(_ element: DERElement, _ field: String) throws(FormatError) -> HashAlgorithm {
        var fields = try element.fields(field)
        let identifier = try fields.next(.objectIdentifier, field).objectIdentifier(field)
        guard let hash = hashes[identifier] else {
            throw element.error(field, found: "hash \(identifier)", expected: "SHA-256, SHA-384 or SHA-512")
        }
        if let parameters = try fields.optional(.null, field) { try parameters.null(field) }
        try fields.finish(field)
        return hash
    }

    public var description: String {
        switch self {
        case .ecdsa(let hash): "ecdsa-\(hash.rawValue)"
        case .rsaPSS(let hash, let salt): "rsa-pss-\(hash.rawValue)-salt\(salt)"
        case .rsaPKCS1(let hash): "rsa-pkcs1-\(hash.rawValue)"
        case .ed25519: "ed25519"
        }
    }
}
