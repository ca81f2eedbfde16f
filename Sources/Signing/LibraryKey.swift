private import Bytes
internal import CLibCrypto

/// An EVP_PKEY that is freed with its owner. libcrypto only reads it after it was made.
@safe final class LibraryKey: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes ownership of `pointer`; nil if it is.
    init?(owning pointer: OpaquePointer?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// The key's SubjectPublicKeyInfo in DER; nil if libcrypto cannot write it.
    var publicEncoding: [UInt8]? {
        let key = unsafe pointer
        let size = unsafe i2d_PUBKEY(key, nil)
        guard size > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var next = buffer.baseAddress
            return unsafe i2d_PUBKEY(key, &next)
        }
        return written == size ? bytes : nil
    }

    /// A key from SubjectPublicKeyInfo in DER, all of it.
    static func parse(publicEncoding bytes: [UInt8]) -> LibraryKey? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var next = buffer.baseAddress
            guard let key = unsafe LibraryKey(owning: d2i_PUBKEY(nil, &next, buffer.count)) else { return nil }
            return unsafe next == buffer.baseAddress.map { unsafe $0 + buffer.count } ? key : nil
        }
    }

    /// Makes a new RSA key pair from libcrypto's random numbers.
    static func generateRSA(bits: Int) -> LibraryKey? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1,
            unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(clamping: bits)) == 1,
            unsafe EVP_PKEY_generate(context, &key) == 1
        else { return nil }
        return unsafe LibraryKey(owning: key)
    }

    /// Makes a new key pair from libcrypto's random numbers.
    static func generate(_ algorithm: KeyAlgorithm) -> LibraryKey? {
        let names = algorithm.libraryNames
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, names.type, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { return nil }
        if let group = names.group {
            guard unsafe EVP_PKEY_CTX_set_group_name(context, group) == 1 else { return nil }
        }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_generate(context, &key) == 1 else { return nil }
        return unsafe LibraryKey(owning: key)
    }

    func sign(_ message: [UInt8], hash: OpaquePointer?) -> [UInt8]? {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        defer { unsafe EVP_MD_CTX_free(context) }
        let key = unsafe pointer
        guard unsafe EVP_DigestSignInit(context, nil, hash, nil, key) == 1 else { return nil }
        var size = 0
        guard unsafe EVP_DigestSign(context, nil, &size, message, message.count) == 1 else { return nil }
        var signature = [UInt8](repeating: 0, count: size)
        let signed = unsafe signature.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_DigestSign(context, buffer.baseAddress, &size, message, message.count)
        }
        return signed == 1 && size <= signature.count ? Array(signature.prefix(size)) : nil
    }

    func accepts(_ signature: [UInt8], of message: [UInt8], hash: OpaquePointer?) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let key = unsafe pointer
        guard unsafe EVP_DigestVerifyInit(context, nil, hash, nil, key) == 1 else { return false }
        let result = unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count)
        // A refused signature leaves entries in the thread's error queue; nobody else should find them.
        ERR_clear_error()
        return result == 1
    }
}
