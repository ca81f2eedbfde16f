private import Bytes
private import CLibCrypto
public import Hashing

/// An RSA key that signs what a TPM checks; statements are never signed with it.
///
/// TPMs and systemd's PCR signatures know RSASSA-PKCS1-v1_5 (RFC 8017, §8.2), which needs no random numbers: one message
/// has one signature.
public struct RSAPrivateKey: Sendable {
    public let publicKey: CertificateKey
    private let key: LibraryKey

    /// A key from one PEM block: `PRIVATE KEY`, `RSA PRIVATE KEY`, or `ENCRYPTED PRIVATE KEY` with its passphrase.
    ///
    /// Throws `SigningError` for what is no key, `FormatError` for a key of another kind or size.
    public init(pem text: String, passphrase: String? = nil, source: String) throws {
        try self.init(PrivateKey.libraryKey(pem: text, passphrase: passphrase, source: source), source: source)
    }

    /// Makes a new key of 2048 bits or more from the system's random numbers.
    public static func generate(bits: Int = 2048) throws -> RSAPrivateKey {
        guard (2048...8192).contains(bits), let key = LibraryKey.generateRSA(bits: bits) else {
            throw SigningError("new key", .library(operation: "generate an RSA key of \(bits) bits"))
        }
        return try RSAPrivateKey(key, source: "new key")
    }

    private init(_ key: LibraryKey, source: String) throws {
        guard let encoding = key.publicEncoding else { throw SigningError(source, .unsupportedKey) }
        let publicKey = try CertificateKey(encoding, source: source)
        guard case .rsa = publicKey.kind else {
            throw FormatError(
                source: source, field: "key", found: "\(publicKey)", expected: "an RSA key",
                hint: "make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")
        }
        self.publicKey = publicKey
        self.key = key
    }

    /// Signs `message` with RSASSA-PKCS1-v1_5.
    public func sign(_ message: [UInt8], hash: HashAlgorithm) throws(SigningError) -> [UInt8] {
        guard let digest = unsafe hash.bankHash, let signature = unsafe key.sign(message, hash: digest) else {
            throw SigningError("RSA private key", .library(operation: "sign"))
        }
        return signature
    }
}

extension RSAPrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "private key of \(publicKey) \(publicKey.digest.hex)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [("publicKey", publicKey)]) }
}

extension CertificateKey {
    /// RSAPublicKey in DER (RFC 8017, appendix A.1.1), without the algorithm around it; nil for other kinds of key.
    public var rsaPublicKey: [UInt8]? {
        guard case .rsa = kind, let element = try? DERElement(encoding, .sequence, "key", source: "key"),
            var fields = try? element.fields("key"), (try? fields.next(.sequence, "algorithm")) != nil,
            let bits = try? fields.next(.bitString, "subjectPublicKey")
        else { return nil }
        return try? Array(bits.bitStringBytes("subjectPublicKey"))
    }

    /// Whether `signature` over `message` is this RSA key's by RSASSA-PKCS1-v1_5 with the hash of a PCR bank.
    ///
    /// SHA-1 counts here, since a TPM with such a bank takes it; certificates and statements never rest on it.
    public func acceptsBank(_ signature: [UInt8], of message: [UInt8], hash: HashAlgorithm) -> Bool {
        guard let rsaKey, let digest = unsafe hash.bankHash else { return false }
        return unsafe rsaKey.accepts(signature, of: message, hash: digest)
    }
}

extension HashAlgorithm {
    /// libcrypto's implementation of a PCR bank's hash.
    fileprivate var bankHash: OpaquePointer? {
        switch self {
        case .sha1: unsafe EVP_sha1()
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        default: nil
        }
    }
}
