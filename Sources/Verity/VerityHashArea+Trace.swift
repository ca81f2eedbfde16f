private import Bytes
private import Documents
public import Hashing
public import Trace

extension VerityHashArea {
    /// How the root hash comes about: salt and top hash block (or the one data block), and the tree below it.
    ///
    /// - Parameter data: the artifact that holds the data from its first byte on.
    /// - Parameter hash: the artifact that holds this area.
    public func trace(of root: Digest, data: String, hash: String) -> TraceNode {
        let levels = parameters.levels
        let top: TraceNode.Source =
            levels.isEmpty
            ? .range(artifact: data, offset: 0, count: parameters.dataBlockSize)
            : .range(artifact: hash, offset: treeOffset, count: parameters.hashBlockSize)
        let salt = TraceNode(id: "verity/salt", name: "salt", source: .literal(parameters.salt))
        let block = TraceNode(
            id: "verity/top", name: levels.isEmpty ? "data block 0" : "top hash block", source: top,
            children: levels.indices.reversed().map { level in
                TraceNode(
                    id: "verity/level-\(level)",
                    name: level == 0
                        ? "digests of the data blocks" : "digests of the hash blocks of level \(level - 1)",
                    source: .range(
                        artifact: hash,
                        offset: treeOffset + parameters.firstBlock(ofLevel: level) * parameters.hashBlockSize,
                        count: levels[level] * parameters.hashBlockSize))
            })
        return TraceNode(
            id: "verity", name: "dm-verity root hash", origin: "Linux, admin-guide/device-mapper/verity.rst",
            operation: .concatenation, digest: root, details: facts,
            children: parameters.format == .normal ? [salt, block] : [block, salt])
    }

    private var facts: [(name: String, value: Value)] {
        [
            ("format", .count(Int(parameters.format.rawValue))),
            ("dataBlockSize", .count(parameters.dataBlockSize)), ("hashBlockSize", .count(parameters.hashBlockSize)),
            ("dataBlocks", .count(parameters.dataBlocks)), ("salt", .string(parameters.salt.hex)),
        ]
    }
}
