private import Bytes
public import Files
public import Hashing

/// A dm-verity hash tree: built in one pass over the data, checked block by block.
///
/// Level 0 holds the digests of the data blocks, each further level the digests of the blocks of the one below, until
/// one block is left; the root hash is that block's digest. A single data block has no tree: its digest is the root.
public struct VerityTree: Sendable {
    public let parameters: VerityParameters
    /// Data blocks read and hashed at a time.
    private static let window = 1 << 16

    public init(_ parameters: VerityParameters) { self.parameters = parameters }

    /// Hashes the data and writes the tree to `output` from `treeOffset` on; gives the root hash.
    ///
    /// - Parameter treeOffset: start of the tree in bytes.
    /// - Parameter dataOffset: start of the data in bytes.
    public func build(
        over data: InputFile, dataOffset: Int = 0, to output: OutputFile, treeOffset: Int,
        workers: Int = BlockHasher.cores
    ) throws -> Digest {
        try build(over: data, dataOffset: dataOffset, workers: workers) { block, bytes throws(FileError) in
            try output.write(bytes, at: treeOffset + block * parameters.hashBlockSize)
        }
    }

    /// The root hash alone.
    public func rootHash(
        of data: InputFile, dataOffset: Int = 0, workers: Int = BlockHasher.cores
    ) throws -> Digest {
        try build(over: data, dataOffset: dataOffset, workers: workers) { _, _ in }
    }

    private func build(
        over data: InputFile, dataOffset: Int, workers: Int, write: (Int, [UInt8]) throws -> Void
    ) throws -> Digest {
        try requireData(data, dataOffset)
        let levels = parameters.levels
        var pending = [[UInt8]](repeating: [], count: levels.count + 1)
        var next = levels.indices.map { parameters.firstBlock(ofLevel: $0) }

        func add(_ digests: [UInt8], to level: Int, isLast: Bool) throws {
            pending[level] += digests
            guard level < levels.count else { return }
            let whole = parameters.digestsPerBlock * parameters.algorithm.byteCount
            var done = 0
            var blocks: [UInt8] = []
            while pending[level].count - done >= whole || (isLast && done < pending[level].count) {
                let end = min(done + whole, pending[level].count)
                blocks += hashBlock(pending[level][done..<end])
                done = end
            }
            pending[level].removeFirst(done)
            guard !blocks.isEmpty || isLast else { return }
            try write(next[level], blocks)
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

    private func requireData(_ data: InputFile, _ offset: Int) throws(VerityError) {
        let (bytes, overflow) = parameters.dataBlocks.multipliedReportingOverflow(by: parameters.dataBlockSize)
        guard !overflow, offset >= 0, offset <= data.size, bytes <= data.size - offset else {
            throw VerityError(
                .parameter,
                "\(data.path): \(data.size) bytes, fewer than \(parameters.dataBlocks) blocks of "
                    + "\(parameters.dataBlockSize) bytes need")
        }
    }

    private func leafDigests(
        of data: InputFile, _ offset: Int, _ blocks: Range<Int>, _ workers: Int
    ) throws -> [UInt8] {
        let size = parameters.dataBlockSize
        return try parameters.hasher(blockSize: size).digests(count: blocks.count, workers: workers) { first, buffer in
            let at = offset + (blocks.lowerBound + first) * size
            guard try data.read(at: at, into: &buffer) == buffer.count else {
                throw FileError("read", data.path, reason: "ends inside the data at byte \(at)")
            }
        }
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
}

// MARK: checking

extension VerityTree {
    /// Checks data and tree against a root hash; the error names the first block that does not fit, from the top down.
    public func verify(
        _ data: InputFile, dataOffset: Int = 0, tree: InputFile, treeOffset: Int, root: Digest,
        workers: Int = BlockHasher.cores
    ) throws {
        try requireData(data, dataOffset)
        var wanted = root.bytes
        for (level, count) in parameters.levels.enumerated().reversed() {
            let blocks = try hashBlocks(ofLevel: level, count: count, of: tree, treeOffset)
            let found = parameters.hasher(blockSize: parameters.hashBlockSize).digests(of: blocks.raw)
            try compare(found, wanted) { index in
                let at = treeOffset + (parameters.firstBlock(ofLevel: level) + index) * parameters.hashBlockSize
                return "\(tree.path): hash block \(index) of level \(level), at byte \(at), does not fit "
                    + (level == parameters.levels.count - 1 ? "the root hash" : "level \(level + 1)")
            }
            wanted = try digests(in: blocks, count: level == 0 ? parameters.dataBlocks : parameters.levels[level - 1])
        }
        let size = parameters.algorithm.byteCount
        for start in stride(from: 0, to: parameters.dataBlocks, by: Self.window) {
            let end = min(start + Self.window, parameters.dataBlocks)
            let found = try leafDigests(of: data, dataOffset, start..<end, workers)
            try compare(found, Array(wanted[start * size..<end * size])) { index in
                let block = start + index
                return "\(data.path): data block \(block), at byte \(dataOffset + block * parameters.dataBlockSize), "
                    + "does not fit " + (parameters.levels.isEmpty ? "the root hash" : "the tree")
            }
        }
    }

    private func hashBlocks(ofLevel level: Int, count: Int, of tree: InputFile, _ offset: Int) throws -> [UInt8] {
        let start = offset + parameters.firstBlock(ofLevel: level) * parameters.hashBlockSize
        let size = count * parameters.hashBlockSize
        guard start <= tree.size, size <= tree.size - start else {
            throw VerityError(
                .mismatch, "\(tree.path): \(tree.size) bytes, too short for level \(level) of the tree",
                hint: "check block sizes, data blocks and hash offset")
        }
        return try tree.read(at: start, count: size)
    }

    private func compare(_ found: [UInt8], _ wanted: [UInt8], _ say: (Int) -> String) throws(VerityError) {
        guard found != wanted else { return }
        let size = parameters.algorithm.byteCount
        let first = zip(found, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
        throw VerityError(.mismatch, say(first / size))
    }

    /// The digests of a level's blocks, packed; the padding around them must be zero.
    private func digests(in blocks: [UInt8], count: Int) throws(VerityError) -> [UInt8] {
        let size = parameters.algorithm.byteCount
        var result: [UInt8] = []
        result.reserveCapacity(count * size)
        for block in stride(from: 0, to: blocks.count, by: parameters.hashBlockSize) {
            let here = min(parameters.digestsPerBlock, count - result.count / size)
            var end = block
            for _ in 0..<here {
                result += blocks[end..<end + size]
                try requireZero(blocks[end + size..<end + parameters.digestStride])
                end += parameters.digestStride
            }
            try requireZero(blocks[end..<block + parameters.hashBlockSize])
        }
        return result
    }

    private func requireZero(_ bytes: ArraySlice<UInt8>) throws(VerityError) {
        guard bytes.allSatisfy({ $0 == 0 }) else {
            throw VerityError(.mismatch, "padding of a hash block is not zero")
        }
    }
}
