public import Bytes
public import Hashing
public import Signing

/// A TPM's signature with what it says of itself (TPMT_SIGNATURE; TPM 2.0 Library, part 2, §11.3.4). Integers are
/// big-endian.
///
///     2 scheme     0x0014 RSASSA, 0x0016 RSAPSS, 0x0018 ECDSA
///     2 hash       0x000B SHA-256, 0x000C SHA-384, 0x000D SHA-512
///     2+n          RSA: the signature; ECDSA: r, and
///     2+n          ECDSA: s
public struct TPMSignature: Hashable, Sendable {
    public let scheme: SignatureScheme
    public let hash: HashAlgorithm
    /// RSA: as it is; ECDSA: in DER.
    public let bytes: [UInt8]

    /// Reads a signature: a TPMT_SIGNATURE, or the bare 256 to 512 bytes of RSASSA with SHA-256, as Azure's tools store it.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        let isBare = [256, 384, 512].contains(bytes.count)
        self = isBare ? TPMSignature(rsassa: bytes) : try TPMSignature(structure: bytes, source: source)
    }

    private init(structure bytes: [UInt8], source: String) throws(FormatError) {
        (scheme, hash, self.bytes) = try bytes.withReader(source: source) { reader throws(FormatError) in
            let name = try reader.read(bigEndian: "sigAlg", as: UInt16.self)
            let hashName = try reader.read(bigEndian: "hash", as: UInt16.self)
            guard let hash = TPMAlgorithm.hash(hashName), hash != .sha1 else {
                throw reader.error(
                    "hash", found: hexadecimal(hashName), expected: "SHA-256, SHA-384 or SHA-512", at: 2)
            }
            let first = try reader.sized("signature")
            let result: (SignatureScheme, HashAlgorithm, [UInt8])
            switch name {
            case TPMAlgorithm.rsassa: result = (.rsaPKCS1(hash), hash, first)
            // A TPM salts as long as the hash, or as the key allows; the former is what all do that were seen.
            case TPMAlgorithm.rsapss: result = (.rsaPSS(hash, saltByteCount: hash.byteCount), hash, first)
            case TPMAlgorithm.ecdsa:
                result = (.ecdsa(hash), hash, DER.ecdsaSignature(r: first, s: try reader.sized("signatureS")))
            default:
                throw reader.error(
                    "sigAlg", found: hexadecimal(name), expected: "0x14 (RSASSA), 0x16 (RSAPSS) or 0x18 (ECDSA)",
                    at: 0)
            }
            try reader.finish("TPMT_SIGNATURE")
            return result
        }
    }

    /// A bare RSASSA-PKCS1-v1_5 signature with SHA-256.
    public init(rsassa bytes: [UInt8]) {
        scheme = .rsaPKCS1(.sha256)
        hash = .sha256
        self.bytes = bytes
    }

    /// Whether it is `key`'s over a quote.
    public func isValid(of quote: TPMQuote, by key: CertificateKey) -> Bool {
        key.accepts(bytes, of: quote.bytes, scheme: scheme)
    }
}
