private import CLibCrypto

/// A signature algorithm that Assay makes and accepts; the curve fixes the hash.
public enum KeyAlgorithm: String, Sendable, CaseIterable, Hashable {
    /// ECDSA on NIST P-384 with SHA-384.
    case p384 = "ecdsa-p384"
    /// ECDSA on NIST P-256 with SHA-256.
    case p256 = "ecdsa-p256"
    /// Ed25519 (RFC 8032).
    case ed25519

    /// What every SubjectPublicKeyInfo of the algorithm starts with, up to the point or key bytes (RFC 5480, RFC 8410).
    ///
    /// Compressed points and explicit curve parameters begin otherwise and are refused: a key has one encoding, so that
    /// counting distinct encodings counts distinct keys.
    var encodingPrefix: [UInt8] {
        switch self {
        case .p384:
            [
                0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81,
                0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
            ]
        case .p256:
            [
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
                0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
            ]
        case .ed25519: [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        }
    }

    /// Bytes of one coordinate; half of a raw r‖s signature.
    var coordinateByteCount: Int {
        switch self {
        case .p384: 48
        case .p256, .ed25519: 32
        }
    }

    /// Bytes of a whole SubjectPublicKeyInfo.
    var encodingByteCount: Int {
        encodingPrefix.count + (self == .ed25519 ? 32 : 2 * coordinateByteCount)
    }

    /// libcrypto's name of the key type and, for ECDSA, of the curve.
    var libraryNames: (type: String, group: String?) {
        switch self {
        case .p384: ("EC", "P-384")
        case .p256: ("EC", "P-256")
        case .ed25519: ("ED25519", nil)
        }
    }

    /// The hash that the signature scheme runs over the message; nil where it hashes by itself.
    var messageHash: OpaquePointer? {
        switch self {
        case .p384: unsafe EVP_sha384()
        case .p256: unsafe EVP_sha256()
        case .ed25519: nil
        }
    }
}
