private import Bytes
private import Dispatch
import Files
private import Synchronization

/// The covered blocks of a device as rows of words.
struct BlockRows: Sendable {
    let parity: VerityParity
    let data: InputFile
    let hash: InputFile

    init(_ parity: VerityParity, data: InputFile, hash: InputFile) {
        self.parity = parity
        self.data = data
        self.hash = hash
    }

    /// Fills `buffer` with covered blocks from `first` on; what is behind the last one is zero.
    func read(from first: Int, into buffer: inout [UInt8]) throws {
        let size = parity.blockSize
        let dataBlocks = parity.area.parameters.dataBlocks
        let count = buffer.count / size
        let inData = max(0, min(count, dataBlocks - first))
        let inHash = max(0, min(count - inData, parity.coveredBlocks - first - inData))
        // Nearly always the whole buffer is on one side.
        if inData == count { return try fill(&buffer, data, at: first * size) }
        if inHash == count { return try fill(&buffer, hash, at: hashOffset(first)) }
        var bytes = [UInt8](repeating: 0, count: inData * size)
        try fill(&bytes, data, at: first * size)
        var tree = [UInt8](repeating: 0, count: inHash * size)
        if inHash > 0 { try fill(&tree, hash, at: hashOffset(first + inData)) }
        buffer = bytes + tree + [UInt8](repeating: 0, count: (count - inData - inHash) * size)
    }

    /// Where a covered block of the hash device stands on it, in bytes.
    func hashOffset(_ block: Int) -> Int {
        parity.area.treeOffset + (block - parity.area.parameters.dataBlocks) * parity.blockSize
    }

    private func fill(_ buffer: inout [UInt8], _ file: InputFile, at offset: Int) throws {
        guard try file.read(at: offset, into: &buffer) == buffer.count else {
            throw FileError("read", file.path, reason: "ends inside the covered blocks at byte \(offset)")
        }
    }

    /// The words of a row, byte by byte: 255 blocks, the parity's bytes behind the message's.
    func words(ofRow row: Int, parityFile: InputFile) throws -> [[UInt8]] {
        var block = [UInt8](repeating: 0, count: parity.blockSize)
        var words = [[UInt8]](
            repeating: [UInt8](repeating: 0, count: ReedSolomonCode.wordLength), count: parity.blockSize)
        for index in 0..<255 - parity.roots {
            try read(from: row + index * parity.rounds, into: &block)
            for column in block.indices { words[column][index] = block[column] }
        }
        let size = parity.blockSize * parity.roots
        let stored = try parityFile.read(at: parity.offset + row * size, count: size)
        for (index, byte) in stored.enumerated() {
            words[index / parity.roots][255 - parity.roots + index % parity.roots] = byte
        }
        return words
    }

    /// Computes parity, some rows at a time on each worker, and hands it over in order.
    func forEachParity(workers: Int, _ body: (_ row: Int, _ bytes: [UInt8]) throws -> Void) throws {
        let batch = max(1, (128 << 10) / parity.blockSize)
        let workers = max(1, min(workers, (parity.rounds + batch - 1) / batch))
        for start in stride(from: 0, to: parity.rounds, by: batch * workers) {
            let jobs = (0..<workers).compactMap { worker -> Range<Int>? in
                let first = start + worker * batch
                return first < parity.rounds ? first..<min(first + batch, parity.rounds) : nil
            }
            let results = Mutex<[Result<[UInt8], any Error>?]>(Array(repeating: nil, count: jobs.count))
            DispatchQueue.concurrentPerform(iterations: jobs.count) { job in
                let result = Result { try parity(ofRows: jobs[job]) }
                results.withLock { $0[job] = result }
            }
            for (job, result) in zip(jobs, results.withLock({ $0 })) {
                if let bytes = try result?.get() { try body(job.lowerBound, bytes) }
            }
        }
    }

    private func parity(ofRows rows: Range<Int>) throws -> [UInt8] {
        var register = ParityRegister(parity.code, columns: rows.count * parity.blockSize)
        var buffer = [UInt8](repeating: 0, count: rows.count * parity.blockSize)
        for index in 0..<255 - parity.roots {
            try read(from: rows.lowerBound + index * parity.rounds, into: &buffer)
            register.feed(buffer)
        }
        return register.parity
    }
}
