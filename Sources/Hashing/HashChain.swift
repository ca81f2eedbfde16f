private import CLibCrypto

/// A record that begins with the hash of its former self: the inner loop of launch digests.
///
/// Each step hashes the whole record and puts the digest at its start. Nothing is allocated between steps, so that long
/// chains run at the speed of the hash.
@safe public struct HashChain: ~Copyable {
    private let algorithm: HashAlgorithm
    private let context: OpaquePointer
    private var record: [UInt8]

    /// A chain over `record`, whose first bytes (one digest) are the value before the first step.
    ///
    /// A record that is shorter than a digest is filled up with zeros.
    public init(_ algorithm: HashAlgorithm, record: [UInt8]) {
        guard let context = unsafe EVP_MD_CTX_new(),
            unsafe EVP_DigestInit_ex2(context, algorithm.implementation, nil) == 1
        else {
            // Only memory exhaustion or a libcrypto without SHA gets here; no input can.
            preconditionFailure("libcrypto refuses to start \(algorithm)")
        }
        self.algorithm = algorithm
        unsafe self.context = context
        self.record = record + Array(repeating: 0, count: max(0, algorithm.byteCount - record.count))
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Replaces the digest at the record's start by the hash of the record.
    public mutating func step() {
        let context = unsafe context
        unsafe record.withUnsafeMutableBufferPointer { buffer in
            unsafe _ = EVP_DigestInit_ex2(context, nil, nil)
            unsafe _ = EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
            unsafe _ = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
        }
    }

    /// Overwrites bytes of the record; those beyond its end are left out.
    public mutating func replace(at offset: Int, with bytes: some Collection<UInt8>) {
        for (index, byte) in bytes.enumerated() where record.indices.contains(offset + index) {
            record[offset + index] = byte
        }
    }

    /// The value after the steps so far.
    public var value: Digest { Digest(unchecked: algorithm, Array(record.prefix(algorithm.byteCount))) }

    /// Whether the value is `digest`, without making a copy of it.
    public func isAt(_ digest: Digest) -> Bool {
        digest.algorithm == algorithm && record.starts(with: digest.bytes)
    }
}
