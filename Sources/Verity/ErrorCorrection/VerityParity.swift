private import Bytes
public import Files
public import Hashing

/// Forward error correction of a verified device (Linux, admin-guide/device-mapper/verity.rst, `use_fec_from_device`).
///
/// Covered are the data blocks, then the hash device from the tree's first block to its end; the superblock is not.
/// A word takes byte b of the blocks n, n + rounds, n + 2 · rounds …; blocks that are missing at the end count as zero.
/// Its parity, `roots` bytes, stands in the order of (n, b).
public struct VerityParity: Sendable, Hashable {
    public let area: VerityHashArea
    /// Parity bytes a word, 2 to 24: half as many wrong blocks among 255 can be mended, or as many if it is known which.
    public let roots: Int
    /// Start of the parity on its device in bytes.
    public let offset: Int
    /// Blocks of the hash device that are covered, from the tree's first on.
    public let hashBlocks: Int

    /// - Parameter hashEnd: where the covered part of the hash device ends, in bytes: its size, or `offset` where the
    ///   parity is on the same device.
    public init(_ area: VerityHashArea, roots: Int = 2, offset: Int = 0, hashEnd: Int) throws(VerityError) {
        let parameters = area.parameters
        guard (2...24).contains(roots) else {
            throw VerityError(.parameter, "\(roots) parity bytes: expected 2 to 24", hint: "see --fec-roots")
        }
        guard parameters.dataBlockSize == parameters.hashBlockSize else {
            throw VerityError(
                .parameter,
                "blocks of \(parameters.dataBlockSize) bytes of data and \(parameters.hashBlockSize) of the tree: error "
                    + "correction needs one size for both")
        }
        guard offset >= 0, offset.isMultiple(of: parameters.dataBlockSize), offset < 1 << 61 else {
            throw VerityError(
                .parameter, "parity offset \(offset): expected a multiple of the block size \(parameters.dataBlockSize)"
            )
        }
        guard parameters.levels.isEmpty || hashEnd >= area.end else {
            throw VerityError(
                .parameter, "the hash device ends at byte \(hashEnd), inside the tree, which ends at \(area.end)",
                hint: "a parity on the same device must start behind the tree")
        }
        self.area = area
        self.roots = roots
        self.offset = offset
        hashBlocks = max(0, hashEnd - area.treeOffset) / parameters.hashBlockSize
    }

    var blockSize: Int { area.parameters.dataBlockSize }
    var code: ReedSolomonCode { ReedSolomonCode(roots: roots) }

    /// Blocks that are covered, as the kernel's `fec_blocks`.
    public var coveredBlocks: Int { area.parameters.dataBlocks + hashBlocks }

    /// Rows of words; the distance of two blocks that share a word.
    public var rounds: Int { (coveredBlocks + 254 - roots) / (255 - roots) }

    /// Size of the parity in bytes.
    public var byteCount: Int { rounds * blockSize * roots }

    /// Start of the parity in blocks, as the kernel's `fec_start`.
    public var startBlock: Int { offset / blockSize }

    /// The words that the kernel's table takes for this parity.
    public func tableArguments(device: String) -> [String] {
        [
            "use_fec_from_device", device, "fec_roots", "\(roots)", "fec_blocks", "\(coveredBlocks)", "fec_start",
            "\(startBlock)",
        ]
    }

    /// Computes the parity and gives it to `write` in order, with its offset on the device.
    public func build(
        data: InputFile, hash: InputFile, workers: Int = BlockHasher.cores, write: (Int, [UInt8]) throws -> Void
    ) throws {
        let rows = BlockRows(self, data: data, hash: hash)
        try rows.forEachParity(workers: workers) { row, bytes in try write(offset + row * blockSize * roots, bytes) }
    }

    /// Numbers of the parity's blocks, counted from its start, that are not what data and tree give; at most `limit`.
    public func wrongBlocks(
        data: InputFile, hash: InputFile, parity: InputFile, workers: Int = BlockHasher.cores, limit: Int = 1 << 20
    ) throws -> [Int] {
        try requireParity(parity)
        var wrong: [Int] = []
        try BlockRows(self, data: data, hash: hash).forEachParity(workers: workers) { row, bytes in
            let found = try parity.read(at: offset + row * blockSize * roots, count: bytes.count)
            guard found != bytes else { return }
            for start in stride(from: 0, to: bytes.count, by: blockSize)
            where found[start..<start + blockSize] != bytes[start..<start + blockSize] && wrong.count < limit {
                wrong.append(row * roots + start / blockSize)
            }
        }
        return wrong
    }

    func requireParity(_ file: InputFile) throws(VerityError) {
        guard offset <= file.size, byteCount <= file.size - offset else {
            throw VerityError(
                .mismatch,
                "\(file.path): \(file.size) bytes, but \(byteCount) bytes of parity from byte \(offset) on are expected",
                hint: "check --fec-offset and --fec-roots")
        }
    }
}
