public import Hashing

/// Everything that decides a dm-verity tree beside the data (Linux, admin-guide/device-mapper/verity.rst).
public struct VerityParameters: Sendable, Hashable {
    /// Where the salt goes and how digests are packed; the superblock calls it hash_type.
    public enum Format: UInt32, Sendable, CaseIterable {
        /// Chrome OS: H(block ‖ salt), digests packed one after another.
        case chromeOS = 0
        /// Normal: H(salt ‖ block), each digest padded with zeros to a power of two.
        case normal = 1
    }

    public var algorithm: HashAlgorithm
    public var format: Format
    /// Sizes in bytes, powers of two from 512 to 512 KiB.
    public var dataBlockSize: Int
    public var hashBlockSize: Int
    /// At most 256 bytes.
    public var salt: [UInt8]
    /// Number of data blocks that are covered.
    public var dataBlocks: Int

    /// Parameters for `dataBlocks` blocks; throws if they are outside of what the format has room for.
    public init(
        algorithm: HashAlgorithm = .sha256, format: Format = .normal, dataBlockSize: Int = 4096,
        hashBlockSize: Int = 4096, salt: [UInt8], dataBlocks: Int
    ) throws(VerityError) {
        for (name, size) in [("data", dataBlockSize), ("hash", hashBlockSize)]
        where !(512...512 << 10).contains(size) || size.nonzeroBitCount != 1 {
            throw VerityError(
                .parameter, "\(name) block size \(size): expected a power of two from 512 to 524288")
        }
        guard salt.count <= 256 else { throw VerityError(.parameter, "salt of \(salt.count) bytes: at most 256") }
        guard dataBlocks > 0 else {
            throw VerityError(
                .parameter, "no data blocks: the data is smaller than one block of \(dataBlockSize) bytes")
        }
        guard dataBlocks < 1 << 43 else {
            throw VerityError(.parameter, "\(dataBlocks) data blocks: expected fewer than 2^43")
        }
        guard hashBlockSize >= 2 * algorithm.byteCount else {
            throw VerityError(.parameter, "a hash block of \(hashBlockSize) bytes holds fewer than two digests")
        }
        self.algorithm = algorithm
        self.format = format
        self.dataBlockSize = dataBlockSize
        self.hashBlockSize = hashBlockSize
        self.salt = salt
        self.dataBlocks = dataBlocks
    }

    /// Bytes that one digest takes in a hash block.
    var digestStride: Int {
        guard format == .normal else { return algorithm.byteCount }
        var stride = 1
        while stride < algorithm.byteCount { stride *= 2 }
        return stride
    }

    /// Digests in a hash block, a power of two in either format.
    var digestsPerBlock: Int {
        var count = 1
        while count * 2 * algorithm.byteCount <= hashBlockSize { count *= 2 }
        return count
    }

    /// Hash blocks of each level, the leaves' level first; empty if there is only one data block.
    public var levels: [Int] {
        var result: [Int] = []
        var count = dataBlocks
        while count > 1 {
            count = (count + digestsPerBlock - 1) / digestsPerBlock
            result.append(count)
        }
        return result
    }

    /// Hash blocks of the whole tree.
    public var hashBlocks: Int { levels.reduce(0, +) }

    /// First hash block of a level, counted from the start of the tree: the top level is stored first.
    func firstBlock(ofLevel level: Int) -> Int { levels[(level + 1)...].reduce(0, +) }

    func hasher(blockSize: Int) -> BlockHasher {
        BlockHasher(algorithm, blockSize: blockSize, salt: salt, saltLast: format == .chromeOS)
    }
}
