private import CLibCrypto

/// A hash being computed; it is used up by `finish`.
@safe public struct Hash: ~Copyable {
    private let algorithm: HashAlgorithm
    private let context: OpaquePointer

    /// An empty hash.
    public init(_ algorithm: HashAlgorithm) {
        guard let context = unsafe EVP_MD_CTX_new(),
            unsafe EVP_DigestInit_ex2(context, algorithm.implementation, nil) == 1
        else {
            // Only memory exhaustion or a libcrypto without SHA gets here; no input can.
            preconditionFailure("libcrypto refuses to start \(algorithm)")
        }
        self.algorithm = algorithm
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Adds bytes without copying them.
    public mutating func update(_ bytes: RawSpan) {
        let context = unsafe context
        unsafe bytes.withUnsafeBytes { unsafe _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// Adds bytes.
    public mutating func update(_ bytes: some Collection<UInt8>) {
        let context = unsafe context
        let done: Void? = bytes.withContiguousStorageIfAvailable {
            unsafe _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count)
        }
        if done == nil { update(Array(bytes)) }
    }

    /// The same hash with everything that was added, to be continued in another way.
    public borrowing func copy() -> Hash {
        let copy = Hash(algorithm)
        // Both contexts exist and are of one algorithm; a copy can fail for want of memory alone.
        guard unsafe EVP_MD_CTX_copy_ex(copy.context, context) == 1 else { preconditionFailure("out of memory") }
        return copy
    }

    /// The digest of everything that was added.
    public consuming func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: algorithm.byteCount)
        let context = unsafe context
        unsafe bytes.withUnsafeMutableBufferPointer { unsafe _ = EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
        return Digest(unchecked: algorithm, bytes)
    }
}

extension HashAlgorithm {
    /// libcrypto's implementation, a constant that lives as long as the process.
    var implementation: OpaquePointer? {
        switch self {
        case .md5: unsafe EVP_md5()
        case .ripemd160: unsafe EVP_ripemd160()
        case .sha1: unsafe EVP_sha1()
        case .sha224: unsafe EVP_sha224()
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        case .sha3x224: unsafe EVP_sha3_224()
        case .sha3x256: unsafe EVP_sha3_256()
        case .sha3x384: unsafe EVP_sha3_384()
        case .sha3x512: unsafe EVP_sha3_512()
        case .blake2s256: unsafe EVP_blake2s256()
        case .blake2b512: unsafe EVP_blake2b512()
        }
    }
}
