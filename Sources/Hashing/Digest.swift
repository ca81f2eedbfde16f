private import Bytes

/// A hash function by the name that Linux and cryptsetup give it.
///
/// Platforms measure with the SHA-1 and SHA-2 ones in `registers`; the others exist for dm-verity images of others.
public enum HashAlgorithm: String, Sendable, CaseIterable, Hashable {
    case sha1, sha256, sha384, sha512
    case md5, ripemd160, sha224
    case sha3x224 = "sha3-224"
    case sha3x256 = "sha3-256"
    case sha3x384 = "sha3-384"
    case sha3x512 = "sha3-512"
    case blake2s256 = "blake2s-256"
    case blake2b512 = "blake2b-512"

    /// What PCR banks, RTMRs and launch digests are made with.
    public static let registers: [HashAlgorithm] = [.sha1, .sha256, .sha384, .sha512]

    /// Digest size in bytes.
    public var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1, .ripemd160: 20
        case .sha224, .sha3x224: 28
        case .sha256, .sha3x256, .blake2s256: 32
        case .sha384, .sha3x384: 48
        case .sha512, .sha3x512, .blake2b512: 64
        }
    }

    /// TPM_ALG_ID (TCG Algorithm Registry, table 3); nil for a hash that has none.
    public var tpmIdentifier: UInt16? {
        switch self {
        case .sha1: 0x0004
        case .sha256: 0x000B
        case .sha384: 0x000C
        case .sha512: 0x000D
        case .sha3x256: 0x0027
        case .sha3x384: 0x0028
        case .sha3x512: 0x0029
        case .md5, .ripemd160, .sha224, .sha3x224, .blake2s256, .blake2b512: nil
        }
    }
}

/// A digest: its algorithm and exactly that algorithm's number of bytes.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    public let algorithm: HashAlgorithm
    public let bytes: [UInt8]

    /// A digest from its bytes; nil if their number is not the algorithm's.
    public init?(_ algorithm: HashAlgorithm, bytes: some Collection<UInt8>) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = Array(bytes)
    }

    /// A digest from lower- or upper-case hex; nil if it is not hex of the right length.
    public init?(_ algorithm: HashAlgorithm, hex: some StringProtocol) {
        guard let bytes = [UInt8](hex: hex) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    init(unchecked algorithm: HashAlgorithm, _ bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// All zero bytes: what a register holds before the first extend.
    public static func zero(_ algorithm: HashAlgorithm) -> Digest {
        Digest(unchecked: algorithm, Array(repeating: 0, count: algorithm.byteCount))
    }

    /// Lower-case hex.
    public var hex: String { bytes.hex }
    public var description: String { hex }

    /// H(self ‖ digest): how a PCR (TPM 2.0 part 1, §17) or an RTMR (TDX module, TDG.MR.RTMR.EXTEND) takes a digest.
    public func extended(by digest: Digest) -> Digest {
        .of(bytes + digest.bytes, algorithm)
    }
}

extension Digest {
    /// The digest of some bytes.
    public static func of(_ bytes: some Collection<UInt8>, _ algorithm: HashAlgorithm) -> Digest {
        var hash = Hash(algorithm)
        hash.update(bytes)
        return hash.finish()
    }

    /// The digest of a span.
    public static func of(_ bytes: RawSpan, _ algorithm: HashAlgorithm) -> Digest {
        var hash = Hash(algorithm)
        hash.update(bytes)
        return hash.finish()
    }
}
