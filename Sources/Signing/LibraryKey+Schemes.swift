private import Bytes
private import CLibCrypto
import Hashing

extension HashAlgorithm {
    /// libcrypto's implementation for a signature; nil for hashes that no accepted scheme uses.
    fileprivate var signatureHash: OpaquePointer? {
        switch self {
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        default: nil
        }
    }
}

extension LibraryKey {
    /// Whether an RSA signature holds: PSS with MGF1 over the same hash and exactly this salt length, or PKCS#1 v1.5 if
    /// there is no salt.
    func acceptsRSA(_ signature: [UInt8], of message: [UInt8], hash: HashAlgorithm, saltByteCount: Int?) -> Bool {
        guard let digest = unsafe hash.signatureHash, let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        let key = unsafe pointer
        var keyContext: OpaquePointer?
        guard unsafe EVP_DigestVerifyInit(context, &keyContext, digest, nil, key) == 1 else { return false }
        let padding = saltByteCount == nil ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING
        guard unsafe EVP_PKEY_CTX_set_rsa_padding(keyContext, padding) == 1 else { return false }
        if let saltByteCount {
            guard unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(keyContext, digest) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, Int32(clamping: saltByteCount)) == 1
            else { return false }
        }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

extension PublicKey {
    /// Whether an ECDSA signature in DER holds with a hash that need not be the curve's own.
    func accepts(_ signature: [UInt8], of message: [UInt8], hash: HashAlgorithm) -> Bool {
        guard let digest = unsafe hash.signatureHash else { return false }
        return unsafe libraryKey.accepts(signature, of: message, hash: digest)
    }
}
