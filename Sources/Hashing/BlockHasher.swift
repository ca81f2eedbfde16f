private import CLibCrypto
private import CShims
private import Dispatch
private import Glibc

/// Hashes many blocks of one size, each with the same salt: the inner loop of dm-verity and of page measurements.
///
/// SHA-256 runs on the processor's SHA instructions, two blocks interleaved, where it has them; everything else goes
/// through libcrypto. Blocks are spread over all cores; digests come out in block order.
public struct BlockHasher: Sendable {
    public let algorithm: HashAlgorithm
    /// Block size in bytes.
    public let blockSize: Int
    public let salt: [UInt8]
    /// H(block ‖ salt) (dm-verity type 0) instead of H(salt ‖ block).
    public let saltLast: Bool
    private let useShaInstructions: Bool

    /// A hasher for blocks of `blockSize` bytes.
    public init(
        _ algorithm: HashAlgorithm, blockSize: Int, salt: [UInt8] = [], saltLast: Bool = false,
        allowShaInstructions: Bool = true
    ) {
        self.algorithm = algorithm
        self.blockSize = blockSize
        self.salt = salt
        self.saltLast = saltLast
        useShaInstructions = allowShaInstructions && algorithm == .sha256 && assay_sha_ni() != 0
    }

    private static let blocksPerTask = 256

    /// Processors that this process may use.
    public static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The digests of all whole blocks in `data`, packed one after another; a partial last block is left out.
    public func digests(of data: RawSpan) -> [UInt8] {
        let count = data.byteCount / max(1, blockSize)
        let size = algorithm.byteCount
        var result = [UInt8](repeating: 0, count: count * size)
        unsafe data.withUnsafeBytes { input in
            unsafe result.withUnsafeMutableBytes { output in
                guard count > 0, let input = input.baseAddress, let output = output.baseAddress else { return }
                // Tasks write disjoint ranges of `output`.
                nonisolated(unsafe) let from = unsafe input
                nonisolated(unsafe) let to = unsafe output
                let tasks = (count + Self.blocksPerTask - 1) / Self.blocksPerTask
                let work: @Sendable (Int) -> Void = { task in
                    let first = task * Self.blocksPerTask
                    unsafe hash(
                        from + first * blockSize, count: min(Self.blocksPerTask, count - first),
                        into: to + first * size)
                }
                if tasks == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: tasks, execute: work) }
            }
        }
        return result
    }

    func hash(_ input: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer) {
        if useShaInstructions {
            unsafe salt.withUnsafeBufferPointer { salt in
                unsafe assay_sha256_blocks(
                    input.assumingMemoryBound(to: UInt8.self), blockSize, count, salt.baseAddress, salt.count,
                    saltLast ? 1 : 0, output.assumingMemoryBound(to: UInt8.self))
            }
            return
        }
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        defer { unsafe EVP_MD_CTX_free(context) }
        let implementation = unsafe algorithm.implementation
        unsafe salt.withUnsafeBufferPointer { salt in
            for index in 0..<count {
                unsafe EVP_DigestInit_ex2(context, implementation, nil)
                if !saltLast { unsafe EVP_DigestUpdate(context, salt.baseAddress, salt.count) }
                unsafe EVP_DigestUpdate(context, input + index * blockSize, blockSize)
                if saltLast { unsafe EVP_DigestUpdate(context, salt.baseAddress, salt.count) }
                unsafe EVP_DigestFinal_ex(
                    context, (output + index * algorithm.byteCount).assumingMemoryBound(to: UInt8.self), nil)
            }
        }
    }
}
