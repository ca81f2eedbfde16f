private import Bytes
private import Dispatch
private import Synchronization

extension BlockHasher {
    /// The digests of `count` blocks that `read` brings in, packed in block order.
    ///
    /// Workers, one a core, each read runs of blocks into a buffer of their own and hash them, so that memory does not
    /// grow with the file. `read` is called from several threads; its first error is thrown.
    ///
    /// - Parameter read: fills the buffer with whole blocks from block `first` on.
    public func digests(
        count: Int, workers: Int = BlockHasher.cores,
        read: @Sendable (_ first: Int, _ buffer: inout [UInt8]) throws -> Void
    ) throws -> [UInt8] {
        // Buffers of 256 KiB stay in the processor's cache.
        let run = max(1, min(256, (256 << 10) / max(1, blockSize)))
        let size = algorithm.byteCount
        let runs = (count + run - 1) / run
        let workers = max(1, min(workers, runs))
        var result = [UInt8](repeating: 0, count: count * size)
        let failure = Mutex<(any Error)?>(nil)
        unsafe result.withUnsafeMutableBytes { output in
            guard let base = output.baseAddress else { return }
            // Workers write disjoint ranges of `output`.
            nonisolated(unsafe) let to = unsafe base
            withoutActuallyEscaping(read) { read in
                DispatchQueue.concurrentPerform(iterations: workers) { worker in
                    var buffer = [UInt8](repeating: 0, count: min(run, count) * blockSize)
                    for index in stride(from: worker, to: runs, by: workers) {
                        let first = index * run
                        let blocks = min(run, count - first)
                        if buffer.count != blocks * blockSize { buffer = Array(buffer.prefix(blocks * blockSize)) }
                        do { try read(first, &buffer) } catch {
                            failure.withLock { $0 = $0 ?? error }
                            return
                        }
                        unsafe buffer.withUnsafeBytes { input in
                            guard let input = input.baseAddress else { return }
                            unsafe hash(input, count: blocks, into: to + first * size)
                        }
                    }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return result
    }
}
