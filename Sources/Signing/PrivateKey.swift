private import Bytes
private import CLibCrypto

/// A private key. It signs and writes itself to PKCS#8, and appears in no message.
public struct PrivateKey: Sendable {
    public let publicKey: PublicKey
    private let key: LibraryKey

    private init(_ key: LibraryKey, source: String) throws(SigningError) {
        guard let encoding = key.publicEncoding else { throw SigningError(source, .unsupportedKey) }
        publicKey = try PublicKey(encoding: encoding, source: source)
        self.key = key
    }

    /// Makes a new key from the system's random numbers.
    public static func generate(_ algorithm: KeyAlgorithm) throws(SigningError) -> PrivateKey {
        guard let key = LibraryKey.generate(algorithm) else {
            throw SigningError("new key", .library(operation: "generate a key"))
        }
        return try PrivateKey(key, source: "new key")
    }

    /// A key from one PEM block: `PRIVATE KEY`, or `ENCRYPTED PRIVATE KEY` with its passphrase (RFC 5208, RFC 5958), or
    /// `EC PRIVATE KEY` (RFC 5915), as `openssl ecparam -genkey` writes it, with or without its `EC PARAMETERS`.
    public init(pem text: String, passphrase: String? = nil, source: String) throws(SigningError) {
        try self.init(try Self.libraryKey(pem: text, passphrase: passphrase, source: source), source: source)
    }

    /// The key of one PEM block, of whatever algorithm.
    static func libraryKey(
        pem text: String, passphrase: String?, source: String
    ) throws(SigningError) -> LibraryKey {
        guard text.utf8.count <= PublicKey.maximumTextSize else {
            throw SigningError(source, .tooLarge(found: text.utf8.count, limit: PublicKey.maximumTextSize))
        }
        let pem = try PEM(Self.withoutParameters(text), source: source)
        let information: OpaquePointer?
        switch pem.label {
        case "PRIVATE KEY": unsafe information = Self.information(pem.bytes)
        case "EC PRIVATE KEY":
            guard let wrapped = try? Self.wrapped(pem.bytes, source) else { throw SigningError(source, .malformedKey) }
            unsafe information = Self.information(wrapped)
        case "RSA PRIVATE KEY": unsafe information = Self.information(Self.wrapped(rsa: pem.bytes))
        case "ENCRYPTED PRIVATE KEY":
            guard let passphrase else { throw SigningError(source, .passphraseMissing) }
            unsafe information = try Self.decrypted(pem.bytes, passphrase, source)
        default: throw SigningError(source, .wrongLabel(found: pem.label, expected: "PRIVATE KEY"))
        }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        defer { ERR_clear_error() }
        guard let information = unsafe information, let key = unsafe LibraryKey(owning: EVP_PKCS82PKEY(information))
        else { throw SigningError(source, .malformedKey) }
        return key
    }

    /// An RSAPrivateKey (RFC 8017, appendix A.1.2) in PKCS#8.
    private static func wrapped(rsa bytes: [UInt8]) -> [UInt8] {
        let algorithm = DER.sequence(DER.objectIdentifier(CertificateKey.rsaEncryption), DER.element(.null, []))
        return DER.sequence(DER.integer(0), algorithm, DER.octetString(bytes))
    }

    /// The text behind the `EC PARAMETERS` block that openssl puts in front of a key; they stand in the key again.
    private static func withoutParameters(_ text: String) -> String {
        let end = "-----END EC PARAMETERS-----"
        guard text.hasPrefix("-----BEGIN EC PARAMETERS-----"), let range = text.firstRange(of: end) else { return text }
        return String(text[range.upperBound...])
    }

    /// An ECPrivateKey (RFC 5915) in PKCS#8; its curve must be named inside.
    private static func wrapped(_ bytes: [UInt8], _ source: String) throws(FormatError) -> [UInt8] {
        let key = try DERElement(bytes, .sequence, "ECPrivateKey", source: source)
        var fields = try key.fields("ECPrivateKey")
        _ = try fields.next(.integer, "version").number("version", 1...1)
        _ = try fields.next(.octetString, "privateKey")
        let curve = try fields.next(.context(0), "parameters").explicit(.objectIdentifier, "parameters")
        _ = try fields.optional(.context(1), "publicKey")
        try fields.finish("ECPrivateKey")
        let algorithm = DER.sequence(
            DER.objectIdentifier(ObjectIdentifier(1, 2, 840, 10045, 2, 1)), curve.encoding)
        return DER.sequence(DER.integer(0), algorithm, DER.octetString(bytes))
    }

    private static func information(_ bytes: [UInt8]) -> OpaquePointer? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var next = buffer.baseAddress
            return unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &next, buffer.count)
        }
    }

    private static func decrypted(
        _ bytes: [UInt8], _ passphrase: String, _ source: String
    ) throws(SigningError) -> OpaquePointer? {
        let box = unsafe bytes.withUnsafeBufferPointer { buffer in
            var next = buffer.baseAddress
            return unsafe d2i_X509_SIG(nil, &next, buffer.count)
        }
        guard let box = unsafe box else { throw SigningError(source, .malformedKey) }
        defer { unsafe X509_SIG_free(box) }
        let information = unsafe PKCS8_decrypt(box, passphrase, Int32(passphrase.utf8.count))
        ERR_clear_error()
        guard let information = unsafe information else { throw SigningError(source, .passphraseWrong) }
        return unsafe information
    }

    /// Rounds of PBKDF2 with HMAC-SHA-256 for an encrypted key.
    private static let derivationRounds: Int32 = 600_000

    /// The key as PKCS#8 in PEM, encrypted with AES-256 if there is a passphrase. This is the secret itself: it goes into
    /// a file with mode 0600 and nowhere else.
    public func pem(passphrase: String? = nil) throws(SigningError) -> String {
        let source = "private key \(publicKey.id)"
        let failure = SigningError(source, .library(operation: "encode the key"))
        let pointer = unsafe key.pointer
        guard let information = unsafe EVP_PKEY2PKCS8(pointer) else { throw failure }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(information) }
        guard let passphrase else {
            let bytes = unsafe Self.encoded { unsafe i2d_PKCS8_PRIV_KEY_INFO(information, $0) }
            guard let bytes else { throw failure }
            return PEM(label: "PRIVATE KEY", bytes: bytes).text
        }
        guard
            let parameters = unsafe PKCS5_pbe2_set_iv(
                EVP_aes_256_cbc(), Self.derivationRounds, nil, 0, nil, NID_hmacWithSHA256),
            let box = unsafe PKCS8_set0_pbe(passphrase, Int32(passphrase.utf8.count), information, parameters)
        else { throw failure }
        defer { unsafe X509_SIG_free(box) }
        guard let bytes = unsafe Self.encoded({ unsafe i2d_X509_SIG(box, $0) }) else { throw failure }
        return PEM(label: "ENCRYPTED PRIVATE KEY", bytes: bytes).text
    }

    /// Runs one of libcrypto's `i2d` functions: once for the size, once for the bytes.
    private static func encoded(
        _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) -> [UInt8]? {
        let size = write(nil)
        guard size > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var next = buffer.baseAddress
            return unsafe write(&next)
        }
        return written == size ? bytes : nil
    }

    /// Signs `message`: ECDSA in DER, or Ed25519's 64 bytes.
    public func sign(_ message: [UInt8]) throws(SigningError) -> [UInt8] {
        guard let signature = unsafe key.sign(message, hash: publicKey.algorithm.messageHash) else {
            throw SigningError("private key \(publicKey.id)", .library(operation: "sign"))
        }
        return signature
    }

    /// Signs `message` with ECDSA and gives r‖s, each as long as a coordinate, most significant byte first.
    public func signRaw(_ message: [UInt8]) throws(SigningError) -> [UInt8] {
        let size = publicKey.algorithm.coordinateByteCount
        guard publicKey.algorithm != .ed25519, let raw = DER.ecdsaNumbers(try sign(message), byteCount: size) else {
            throw SigningError("private key \(publicKey.id)", .unsupportedKey)
        }
        return raw
    }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "private key of \(publicKey)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [("publicKey", publicKey)]) }
}
