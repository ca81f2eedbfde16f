private import Bytes
public import Files
public import Hashing

/// A dm-verity hash tree: built in one pass over the data, checked block by block.
///
/// Level 0 holds the digests of the data blocks, each further level the digests of the blocks of the one below, until
/// one block is left; the root hash is that block's digest. A single data block has no tree: its digest is the root.
public struct VerityTree: Sendable {
    public let parameters: VerityParameters
    /// Data blocks hashed at a time.
    static let window = 1 << 16

    public init(_ parameters: VerityParameters) { self.parameters = parameters }

    /// Hashes the data and writes the tree to `output` from `treeOffset` on; gives the root hash.
    ///
    /// - Parameter treeOffset: start of the tree in bytes.
    /// - Parameter dataOffset: start of the data in bytes.
    public func build(
        over data: InputFile, dataOffset: Int = 0, to output: OutputFile, treeOffset: Int,
        workers: Int = BlockHasher.cores
    ) throws -> Digest {
        try build(over: data, dataOffset: dataOffset, workers: workers) { offset, bytes throws(FileError) in
            try output.write(bytes, at: treeOffset + offset)
        }
    }

    /// The root hash alone.
    public func rootHash(
        of data: InputFile, dataOffset: Int = 0, workers: Int = BlockHasher.cores
    ) throws -> Digest {
        try build(over: data, dataOffset: dataOffset, workers: workers) { _, _ in }
    }

    /// Hashes the data and gives runs of hash blocks to `write` with their offset in the tree; returns the root hash.
    public func build(
        over data: InputFile, dataOffset: Int = 0, workers: Int = BlockHasher.cores,
        write: (Int, [UInt8]) throws -> Void
    ) throws -> Digest {
        try requireData(data, dataOffset)
        let levels = parameters.levels
        var pending = [[UInt8]](repeating: [], count: levels.count + 1)
        var next = levels.indices.map { parameters.firstBlock(ofLevel: $0) }

        func add(_ digests: [UInt8], to level: Int, isLast: Bool) throws {
            pending[level] += digests
            guard level < levels.count else { return }
            let blocks = takeBlocks(from: &pending[level], isLast: isLast)
            guard !blocks.isEmpty || isLast else { return }
            if !blocks.isEmpty { try write(next[level] * parameters.hashBlockSize, blocks) }
            next[level] += blocks.count / parameters.hashBlockSize
            let above = parameters.hasher(blockSize: parameters.hashBlockSize).digests(of: blocks.raw)
            try add(above, to: level + 1, isLast: isLast)
        }

        for start in stride(from: 0, to: parameters.dataBlocks, by: Self.window) {
            let count = min(Self.window, parameters.dataBlocks - start)
            let digests = try leafDigests(of: data, dataOffset, start..<start + count, workers)
            try add(digests, to: 0, isLast: start + count == parameters.dataBlocks)
        }
        guard let root = Digest(parameters.algorithm, bytes: pending[levels.count]) else {
            throw VerityError(.parameter, "the tree of \(parameters.dataBlocks) blocks has no single root")
        }
        return root
    }

    /// Turns digests into whole hash blocks, the last one padded if nothing follows; the rest stays pending.
    private func takeBlocks(from pending: inout [UInt8], isLast: Bool) -> [UInt8] {
        let whole = parameters.digestsPerBlock * parameters.algorithm.byteCount
        var blocks: [UInt8] = []
        var done = 0
        while pending.count - done >= whole || (isLast && done < pending.count) {
            let end = min(done + whole, pending.count)
            blocks += hashBlock(pending[done..<end])
            done = end
        }
        pending.removeFirst(done)
        return blocks
    }

    /// A hash block from its packed digests.
    private func hashBlock(_ digests: ArraySlice<UInt8>) -> [UInt8] {
        let size = parameters.algorithm.byteCount
        var block: [UInt8] = []
        block.reserveCapacity(parameters.hashBlockSize)
        for start in stride(from: digests.startIndex, to: digests.endIndex, by: size) {
            block += digests[start..<start + size]
            block += repeatElement(0, count: parameters.digestStride - size)
        }
        block += repeatElement(0, count: parameters.hashBlockSize - block.count)
        return block
    }

    func requireData(_ data: InputFile, _ offset: Int) throws(VerityError) {
        let (bytes, overflow) = parameters.dataBlocks.multipliedReportingOverflow(by: parameters.dataBlockSize)
        guard !overflow, offset >= 0, offset <= data.size, bytes <= data.size - offset else {
            throw VerityError(
                .parameter,
                "\(data.path): \(data.size) bytes, fewer than \(parameters.dataBlocks) blocks of "
                    + "\(parameters.dataBlockSize) bytes need")
        }
    }

    /// The digests of some data blocks, packed.
    func leafDigests(of data: InputFile, _ offset: Int, _ blocks: Range<Int>, _ workers: Int) throws -> [UInt8] {
        let size = parameters.dataBlockSize
        return try parameters.hasher(blockSize: size).digests(count: blocks.count, workers: workers) { first, buffer in
            let at = offset + (blocks.lowerBound + first) * size
            guard try data.read(at: at, into: &buffer) == buffer.count else {
                throw FileError("read", data.path, reason: "ends inside the data at byte \(at)")
            }
        }
    }
}
