private import Bytes
public import Files
public import Hashing

extension VerityTree {
    /// Checks data and tree against a root hash, from the root down; the error names the first block that does not
    /// fit. What is compared is what was read: no block is read twice.
    public func verify(
        _ data: InputFile, dataOffset: Int = 0, tree: InputFile, treeOffset: Int, root: Digest,
        workers: Int = BlockHasher.cores
    ) throws {
        try forEachMismatch(data, dataOffset: dataOffset, tree: tree, treeOffset: treeOffset, root: root, workers) {
            error, _ in throw error
        }
    }

    /// Gives `report` every block that does not fit, with the digest that it must have; what hangs below a hash block
    /// that does not fit is left out.
    func forEachMismatch(
        _ data: InputFile, dataOffset: Int = 0, tree: InputFile, treeOffset: Int, root: Digest, _ workers: Int,
        _ report: (VerityError, _ wanted: [UInt8]) throws -> Void
    ) throws {
        try requireData(data, dataOffset)
        try withoutActuallyEscaping(report) { report in
            let walk = VerityWalk(
                parameters: parameters, data: data, dataOffset: dataOffset, tree: tree, treeOffset: treeOffset,
                leafDigests: { try leafDigests(of: data, dataOffset, $0, workers) }, report: report)
            try walk.check(level: parameters.levels.count - 1, first: 0, wanted: root.bytes)
        }
    }
}

/// One descent from the root to the data. A batch of blocks is checked with all that hangs below it before the next
/// one is read, so that memory does not grow with the tree.
private struct VerityWalk {
    let parameters: VerityParameters
    let data: InputFile
    let dataOffset: Int
    let tree: InputFile
    let treeOffset: Int
    let leafDigests: (Range<Int>) throws -> [UInt8]
    let report: (VerityError, _ wanted: [UInt8]) throws -> Void

    /// Checks the blocks from `first` on of a level (-1: data) that must have the digests `wanted`, and all below them.
    func check(level: Int, first: Int, wanted: [UInt8]) throws {
        let size = parameters.algorithm.byteCount
        let count = wanted.count / size
        let batch = level < 0 ? VerityTree.window : max(1, (1 << 20) / parameters.hashBlockSize)
        for start in stride(from: 0, to: count, by: batch) {
            let end = min(start + batch, count)
            let digests = Array(wanted[start * size..<end * size])
            if level < 0 {
                for index in differing(try leafDigests(first + start..<first + end), digests) {
                    try report(mismatch(dataBlock: first + start + index), digest(index, of: digests))
                }
            } else {
                try checkHashBlocks(level: level, first + start..<first + end, wanted: digests)
            }
        }
    }

    private func checkHashBlocks(level: Int, _ blocks: Range<Int>, wanted: [UInt8]) throws {
        let start = offset(level, blocks.lowerBound)
        let size = blocks.count * parameters.hashBlockSize
        guard start <= tree.size, size <= tree.size - start else {
            throw VerityError(
                .mismatch, "\(tree.path): \(tree.size) bytes, too short for level \(level) of the tree",
                hint: "check block sizes, data blocks and hash offset")
        }
        let bytes = try tree.read(at: start, count: size)
        let found = parameters.hasher(blockSize: parameters.hashBlockSize).digests(of: bytes.raw)
        var next = 0
        for index in differing(found, wanted) {
            try report(mismatch(level, blocks.lowerBound + index), digest(index, of: wanted))
            try descend(from: level, blocks, next..<index, bytes)
            next = index + 1
        }
        try descend(from: level, blocks, next..<blocks.count, bytes)
    }

    /// Goes on below some of the hash blocks that were read.
    private func descend(from level: Int, _ blocks: Range<Int>, _ part: Range<Int>, _ bytes: [UInt8]) throws {
        guard !part.isEmpty else { return }
        let size = parameters.hashBlockSize
        let first = blocks.lowerBound + part.lowerBound
        let below = (level == 0 ? parameters.dataBlocks : parameters.levels[level - 1])
        let firstBelow = first * parameters.digestsPerBlock
        let held = Array(bytes[part.lowerBound * size..<part.upperBound * size])
        let digests = try digests(in: held, level, first, count: below - firstBelow)
        try check(level: level - 1, first: firstBelow, wanted: digests)
    }

    /// Indices of the digests that differ.
    private func differing(_ found: [UInt8], _ wanted: [UInt8]) -> [Int] {
        guard found != wanted else { return [] }
        let size = parameters.algorithm.byteCount
        return (0..<wanted.count / size).filter {
            found[$0 * size..<($0 + 1) * size] != wanted[$0 * size..<($0 + 1) * size]
        }
    }

    private func digest(_ index: Int, of digests: [UInt8]) -> [UInt8] {
        let size = parameters.algorithm.byteCount
        return Array(digests[index * size..<(index + 1) * size])
    }

    private func offset(_ level: Int, _ block: Int) -> Int {
        treeOffset + (parameters.firstBlock(ofLevel: level) + block) * parameters.hashBlockSize
    }

    private func mismatch(dataBlock block: Int) -> VerityError {
        let offset = dataOffset + block * parameters.dataBlockSize
        return VerityError(
            .mismatch,
            "\(data.path): data block \(block), at byte \(offset), does not fit "
                + (parameters.levels.isEmpty ? "the root hash" : "the tree"),
            at: .data(block: block, offset: offset))
    }

    private func mismatch(_ level: Int, _ block: Int) -> VerityError {
        let isTop = level == parameters.levels.count - 1
        return VerityError(
            .mismatch,
            "\(tree.path): hash block \(block) of level \(level), at byte \(offset(level, block)), does not fit "
                + (isTop ? "the root hash" : "level \(level + 1)"),
            at: .hash(level: level, block: block, offset: offset(level, block)),
            hint: isTop ? "the root hash, the salt or a size may also be another than the tree was made with" : nil)
    }

    /// The digests in hash blocks from `first` on, packed, `count` at most; the padding around them must be zero.
    private func digests(in blocks: [UInt8], _ level: Int, _ first: Int, count: Int) throws(VerityError) -> [UInt8] {
        let size = parameters.algorithm.byteCount
        let padding = parameters.digestStride - size
        var result: [UInt8] = []
        result.reserveCapacity(min(count, blocks.count / parameters.digestStride) * size)
        for start in stride(from: 0, to: blocks.count, by: parameters.hashBlockSize) {
            let here = min(parameters.digestsPerBlock, count - result.count / size)
            var end = start
            var isClean = true
            for _ in 0..<here {
                result += blocks[end..<end + size]
                if padding > 0 { isClean = isClean && isZero(blocks[end + size..<end + size + padding]) }
                end += parameters.digestStride
            }
            guard isClean, isZero(blocks[end..<start + parameters.hashBlockSize]) else {
                let block = first + start / parameters.hashBlockSize
                throw VerityError(
                    .mismatch,
                    "\(tree.path): hash block \(block) of level \(level), at byte \(offset(level, block)), "
                        + "has padding that is not zero",
                    at: .hash(level: level, block: block, offset: offset(level, block)))
            }
        }
        return result
    }

    private func isZero(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 == 0 } }
}
