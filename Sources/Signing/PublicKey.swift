private import Bytes
public import Hashing

/// A public key, known by its SubjectPublicKeyInfo (RFC 5280, §4.1).
///
/// Two values are equal exactly if they are the same key: every algorithm has one accepted encoding.
public struct PublicKey: Sendable {
    public let algorithm: KeyAlgorithm
    /// SubjectPublicKeyInfo in DER.
    public let encoding: [UInt8]
    let libraryKey: LibraryKey

    /// Largest PEM text that is read, in bytes.
    public static let maximumTextSize = 16 << 10

    /// A key from SubjectPublicKeyInfo in DER; `source` names it in errors.
    public init(encoding: [UInt8], source: String) throws(SigningError) {
        guard
            let algorithm = KeyAlgorithm.allCases.first(where: {
                encoding.count == $0.encodingByteCount && encoding.starts(with: $0.encodingPrefix)
            })
        else { throw SigningError(source, .unsupportedKey) }
        guard let key = LibraryKey.parse(publicEncoding: encoding) else { throw SigningError(source, .malformedKey) }
        self.algorithm = algorithm
        self.encoding = encoding
        libraryKey = key
    }

    /// A key from one PEM block `PUBLIC KEY`.
    public init(pem text: String, source: String) throws(SigningError) {
        guard text.utf8.count <= Self.maximumTextSize else {
            throw SigningError(source, .tooLarge(found: text.utf8.count, limit: Self.maximumTextSize))
        }
        let pem = try PEM(text, source: source)
        guard pem.label == "PUBLIC KEY" else {
            throw SigningError(source, .wrongLabel(found: pem.label, expected: "PUBLIC KEY"))
        }
        try self.init(encoding: pem.bytes, source: source)
    }

    /// The PEM text.
    public var pem: String { PEM(label: "PUBLIC KEY", bytes: encoding).text }

    /// SHA-256 of the encoding.
    public var digest: Digest { .of(encoding, .sha256) }

    /// The key's identifier: lower-case hex SHA-256 of the encoding.
    public var id: String { digest.hex }

    /// Whether `signature` is this key's over `message`.
    ///
    /// ECDSA signatures are DER (SEC 1, appendix C.8); raw r‖s, as in DSSE's own test vector, counts too. Both forms of
    /// one signature, and its mirror image (r, n−s), are valid: signature bytes are never an identity.
    public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        if unsafe libraryKey.accepts(signature, of: message, hash: algorithm.messageHash) { return true }
        guard algorithm != .ed25519, signature.count == 2 * algorithm.coordinateByteCount else { return false }
        let half = signature.count / 2
        let encoded = DER.ecdsaSignature(r: signature[..<half], s: signature[half...])
        return unsafe libraryKey.accepts(encoded, of: message, hash: algorithm.messageHash)
    }
}

extension PublicKey: Hashable {
    public static func == (a: PublicKey, b: PublicKey) -> Bool { a.encoding == b.encoding }
    public func hash(into hasher: inout Hasher) { hasher.combine(encoding) }
}

extension PublicKey: CustomStringConvertible {
    public var description: String { "\(algorithm.rawValue) \(id)" }
}
