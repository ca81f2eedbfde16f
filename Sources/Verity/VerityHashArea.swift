private import Bytes
public import Files
public import Hashing

/// Where superblock and tree stand on a hash device: everything that the format fixes beside the parameters.
public struct VerityHashArea: Sendable, Hashable {
    public let parameters: VerityParameters
    /// UUID of the superblock, 16 bytes in text order; nil if there is none.
    public let uuid: [UInt8]?
    /// Start of the area in bytes, a multiple of 512: the superblock stands there.
    public let offset: Int

    /// An area at `offset` with a superblock of this UUID, or without one.
    public init(_ parameters: VerityParameters, uuid: [UInt8]?, offset: Int = 0) throws(VerityError) {
        guard offset >= 0, offset.isMultiple(of: 512), offset < 1 << 61 else {
            throw VerityError(.parameter, "hash offset \(offset): expected a multiple of 512")
        }
        guard uuid == nil || uuid?.count == 16 else { throw VerityError(.parameter, "the UUID must have 16 bytes") }
        self.parameters = parameters
        self.uuid = uuid
        self.offset = offset
    }

    /// The area that a superblock describes.
    public init(_ superblock: VeritySuperblock, offset: Int = 0) throws(VerityError) {
        try self.init(superblock.parameters, uuid: superblock.uuid, offset: offset)
    }

    /// Start of the tree in bytes.
    public var treeOffset: Int {
        uuid == nil
            ? VeritySuperblock.treeOffset(withoutSuperblockAt: offset, hashBlockSize: parameters.hashBlockSize)
            : VeritySuperblock.treeOffset(after: offset, hashBlockSize: parameters.hashBlockSize)
    }

    /// Start of the tree in hash blocks, as the kernel's table has it.
    public var hashStart: Int { treeOffset / parameters.hashBlockSize }

    /// End of the tree in bytes.
    public var end: Int { treeOffset + parameters.hashBlocks * parameters.hashBlockSize }

    /// Requires that data of the same device, which starts at byte 0, ends before the area.
    public func requireBehindData() throws(VerityError) {
        let data = parameters.dataBlocks * parameters.dataBlockSize
        guard min(offset, treeOffset) >= data else {
            throw VerityError(
                .parameter, "\(data) bytes of data overlap the hash area at byte \(min(offset, treeOffset))",
                hint: "give the number of data blocks, and a hash offset of \(data) or more")
        }
    }

    /// Hashes the data and gives superblock and tree to `write`, the superblock last; returns the root hash.
    ///
    /// - Parameter write: takes an offset on the hash device, in bytes, and what stands there.
    public func build(
        over data: InputFile, workers: Int = BlockHasher.cores, write: (Int, [UInt8]) throws -> Void
    ) throws -> Digest {
        let tree = VerityTree(parameters)
        let root = try tree.build(over: data, workers: workers) { try write(treeOffset + $0, $1) }
        if let uuid {
            // cryptsetup writes it as a whole block, which shows where no tree follows.
            var block = VeritySuperblock(parameters, uuid: uuid).bytes
            block += repeatElement(0, count: min(4096, parameters.hashBlockSize) - block.count)
            try write(offset, Array(block.prefix(max(VeritySuperblock.byteCount, treeOffset - offset))))
        }
        return root
    }

    /// Checks data and tree against a root hash; the error names the first block that does not fit.
    public func verify(
        _ data: InputFile, hash: InputFile, root: Digest, workers: Int = BlockHasher.cores
    ) throws {
        try VerityTree(parameters).verify(data, tree: hash, treeOffset: treeOffset, root: root, workers: workers)
    }

    /// Gives `report` every block of data and tree that does not fit, with the digest that it must have.
    func forEachMismatch(
        _ data: InputFile, hash: InputFile, root: Digest, workers: Int,
        _ report: (VerityError, _ wanted: [UInt8]) throws -> Void
    ) throws {
        try VerityTree(parameters).forEachMismatch(
            data, tree: hash, treeOffset: treeOffset, root: root, workers, report)
    }
}
