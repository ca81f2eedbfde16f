/// A keyed digest (RFC 2104).
public enum HMAC {
    /// HMAC of `message` under `key`.
    public static func of(_ message: [UInt8], key: [UInt8], _ algorithm: HashAlgorithm) -> Digest {
        let blockSize = blockByteCount(algorithm)
        let short = key.count > blockSize ? Digest.of(key, algorithm).bytes : key
        let padded = short + [UInt8](repeating: 0, count: blockSize - short.count)
        let inner = Digest.of(padded.map { $0 ^ 0x36 } + message, algorithm)
        return Digest.of(padded.map { $0 ^ 0x5C } + inner.bytes, algorithm)
    }

    /// Bytes that the function takes at a time (FIPS 180-4, §1; FIPS 202, §6.1: the rate).
    private static func blockByteCount(_ algorithm: HashAlgorithm) -> Int {
        switch algorithm {
        case .md5, .ripemd160, .sha1, .sha224, .sha256, .blake2s256: 64
        case .sha384, .sha512, .blake2b512: 128
        case .sha3x224, .sha3x256, .sha3x384, .sha3x512: 200 - 2 * algorithm.byteCount
        }
    }
}
