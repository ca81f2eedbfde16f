public import Bytes
public import Hashing

/// The subject key of a certificate: a `PublicKey`, or an RSA key, which Assay only verifies with.
public struct CertificateKey: Sendable {
    /// What kind of key it is.
    public enum Kind: Hashable, Sendable {
        case signing(PublicKey)
        case rsa(bits: Int)
    }

    public let kind: Kind
    /// SubjectPublicKeyInfo in DER.
    public let encoding: [UInt8]
    let rsaKey: LibraryKey?

    static let rsaEncryption = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 1)

    /// A key from a SubjectPublicKeyInfo (RFC 5280, §4.1.2.7).
    ///
    /// RSA moduli have 2048 to 16384 bits: below nothing is proven, above a signature costs more than an answer is worth.
    public init(_ element: DERElement, _ field: String) throws(FormatError) {
        encoding = element.encoding
        if let key = try? PublicKey(encoding: element.encoding, source: element.source) {
            kind = .signing(key)
            rsaKey = nil
            return
        }
        var fields = try element.fields(field)
        let algorithm = try fields.next(.sequence, field + ".algorithm")
        var parts = try algorithm.fields(field + ".algorithm")
        let identifier = try parts.next(.objectIdentifier, field + ".algorithm")
            .objectIdentifier(field + ".algorithm")
        guard identifier == Self.rsaEncryption else {
            throw element.error(
                field, found: "key algorithm \(identifier)", expected: "RSA, ECDSA P-256 or P-384, or Ed25519")
        }
        try parts.next(.null, field + ".algorithm").null(field + ".algorithm")
        try parts.finish(field + ".algorithm")
        let bits = try fields.next(.bitString, field + ".subjectPublicKey")
        try fields.finish(field)
        kind = .rsa(bits: try Self.bitCount(bits, field + ".subjectPublicKey"))
        guard let key = LibraryKey.parse(publicEncoding: element.encoding) else {
            throw element.error(field, found: "an RSA key that libcrypto refuses", expected: "an RSA key")
        }
        rsaKey = key
    }

    /// Reads one SubjectPublicKeyInfo: DER, or one PEM block `PUBLIC KEY`.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        var encoding = bytes
        if PEM.isText(bytes) {
            let blocks = try PEM.blocks(bytes, label: "PUBLIC KEY", source: source)
            guard blocks.count == 1, let only = blocks.first else {
                throw FormatError(
                    source: source, field: "PEM", found: "\(blocks.count) blocks", expected: "one PUBLIC KEY")
            }
            encoding = only.1
        }
        try self.init(DERElement(encoding, .sequence, "key", source: source), "key")
    }

    /// An RSA key from modulus and public exponent, most significant byte first.
    public init(rsaModulus modulus: [UInt8], exponent: [UInt8], source: String) throws(FormatError) {
        let numbers = DER.sequence(DER.integer(magnitude: modulus), DER.integer(magnitude: exponent))
        let algorithm = DER.sequence(DER.objectIdentifier(Self.rsaEncryption), DER.element(.null, []))
        try self.init(DER.sequence(algorithm, DER.bitString(numbers)), source: source)
    }

    private static func bitCount(_ element: DERElement, _ field: String) throws(FormatError) -> Int {
        let key = try DERElement(
            element.bitStringBytes(field), .sequence, field, source: element.source, base: element.contentOffset + 1)
        var fields = try key.fields(field)
        let modulus = try fields.next(.integer, field + ".modulus").magnitude(field + ".modulus")
        let exponent = try fields.next(.integer, field + ".publicExponent").magnitude(field + ".publicExponent")
        try fields.finish(field)
        let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        guard (2048...16384).contains(bits), modulus.last.map({ $0 & 1 }) == 1 else {
            throw element.error(
                field + ".modulus", found: "\(bits) bits", expected: "an odd number of 2048 to 16384 bits")
        }
        guard (1...4).contains(exponent.count), exponent.last.map({ $0 & 1 }) == 1, exponent != [1] else {
            throw element.error(
                field + ".publicExponent", found: exponent.prefix(8).hex, expected: "an odd number from 3 to 2^32")
        }
        return bits
    }

    /// The key if it is one that Assay signs with.
    public var publicKey: PublicKey? {
        if case .signing(let key) = kind { key } else { nil }
    }

    /// SHA-256 of the encoding: how roots are pinned.
    public var digest: Digest { .of(encoding, .sha256) }

    /// Whether `signature` over `message` is this key's by `scheme`. A scheme of another kind of key never is.
    public func accepts(_ signature: [UInt8], of message: [UInt8], scheme: SignatureScheme) -> Bool {
        switch (scheme, kind) {
        case (.rsaPSS(let hash, let salt), .rsa):
            rsaKey?.acceptsRSA(signature, of: message, hash: hash, saltByteCount: salt) ?? false
        case (.rsaPKCS1(let hash), .rsa):
            rsaKey?.acceptsRSA(signature, of: message, hash: hash, saltByteCount: nil) ?? false
        case (.ecdsa(let hash), .signing(let key)) where key.algorithm != .ed25519:
            key.accepts(signature, of: message, hash: hash)
        case (.ed25519, .signing(let key)) where key.algorithm == .ed25519: key.isValid(signature, of: message)
        default: false
        }
    }
}

extension CertificateKey: Hashable {
    public static func == (a: CertificateKey, b: CertificateKey) -> Bool { a.encoding == b.encoding }
    public func hash(into hasher: inout Hasher) { hasher.combine(encoding) }
}

extension CertificateKey: CustomStringConvertible {
    public var description: String {
        switch kind {
        case .signing(let key): key.algorithm.rawValue
        case .rsa(let bits): "rsa-\(bits)"
        }
    }
}
