private import Bytes

/// Where everything of a FAT file system lies: contents in path order.
struct FATLayout {
    enum Content {
        /// Positions of the children in `nodes`, in name order.
        case directory([Int])
        case file(FileTree.Content)
    }

    struct Node {
        var path: FileTree.Path
        var content: Content
        /// Size in bytes; a directory's is its entries'.
        var size: Int
        var firstCluster = 0
        var parent: Int
        var names: FATName
        /// Clusters that hold it; none for a root directory with a region of its own.
        var clusters = 0
    }

    private(set) var nodes: [Node] = []
    let shape: FATShape
    let usedClusters: Int

    /// Lays out `tree` for a width; nil stands for the smallest that holds it.
    init(_ tree: FileTree, width: FATWidth?, sectorSize: Int) throws(FATError) {
        var nodes: [Node] = []
        var position: [FileTree.Path: Int] = [:]
        for (path, entry) in tree.sorted {
            let parent = path == .root ? 0 : try Self.parent(of: path, in: nodes, position)
            let siblings = Self.children(of: parent, in: nodes)
            try Self.checkCase(of: path, among: siblings.map { nodes[$0].path })
            let taken = siblings.map { nodes[$0].names.short }
            let names = path == .root ? FATName.root : try FATName(path.name, taken: taken, at: path)
            switch entry.kind {
            case .directory:
                nodes.append(Node(path: path, content: .directory([]), size: 0, parent: parent, names: names))
            case .file(let content):
                guard content.count < 1 << 32 else { throw FATError("\(path): larger than 4 GiB") }
                nodes.append(
                    Node(path: path, content: .file(content), size: content.count, parent: parent, names: names))
            default: throw FATError("\(path): FAT has directories and files alone")
            }
            position[path] = nodes.count - 1
            if path != .root, case .directory(let children) = nodes[parent].content {
                nodes[parent].content = .directory(children + [nodes.count - 1])
            }
        }
        for index in nodes.indices {
            guard case .directory(let children) = nodes[index].content else { continue }
            let own = index == 0 ? 1 : 2
            nodes[index].size = 32 * (own + children.reduce(0) { $0 + 1 + nodes[$1].names.longEntries })
        }
        shape = try Self.shape(for: nodes, width: width, sectorSize: sectorSize)
        var next = 2
        for index in nodes.indices where index > 0 || shape.rootEntries == 0 {
            nodes[index].clusters = (nodes[index].size + shape.clusterSize - 1) / shape.clusterSize
            nodes[index].firstCluster = nodes[index].clusters > 0 ? next : 0
            next += nodes[index].clusters
        }
        self.nodes = nodes
        usedClusters = next - 2
    }

    private static func shape(for nodes: [Node], width: FATWidth?, sectorSize: Int) throws(FATError) -> FATShape {
        let sizes = nodes.dropFirst().map(\.size)
        for width in width.map({ [$0] }) ?? FATWidth.allCases {
            let shape = FATShape(width, sectorSize: sectorSize, rootSize: nodes.first?.size ?? 0, sizes: sizes)
            if let shape { return shape }
        }
        throw FATError(
            "the tree is too large for \(width.map { "FAT\($0.rawValue)" } ?? "FAT")",
            hint: width == nil || width == .fat32 ? nil : "FAT32 holds more")
    }

    private static func parent(
        of path: FileTree.Path, in nodes: [Node], _ position: [FileTree.Path: Int]
    ) throws(FATError) -> Int {
        guard let parent = position[path.parent], case .directory = nodes[parent].content else {
            throw FATError("\(path): its parent is not a directory of the tree", hint: "add \(path.parent)")
        }
        return parent
    }

    /// Names in one directory must differ in more than case: readers compare without it.
    private static func checkCase(of path: FileTree.Path, among siblings: [FileTree.Path]) throws(FATError) {
        let folded = String(decoding: path.name, as: UTF8.self).lowercased()
        for other in siblings where String(decoding: other.name, as: UTF8.self).lowercased() == folded {
            throw FATError("\(path): FAT cannot tell it from \(other)", hint: "rename one of them")
        }
    }

    private static func children(of parent: Int, in nodes: [Node]) -> [Int] {
        guard parent < nodes.count, case .directory(let children) = nodes[parent].content else { return [] }
        return children
    }

    /// Where a node's bytes start in the file system.
    func offset(of node: Node) -> Int {
        node.clusters > 0 ? shape.offset(ofCluster: node.firstCluster) : shape.rootOffset
    }

    /// One table: media byte, end mark, then a rising chain for each node.
    func table() -> [UInt8] {
        let end = shape.width.endOfChain
        var entries = [end & ~7, end]
        entries.reserveCapacity(usedClusters + 2)
        for node in nodes where node.clusters > 0 {
            for cluster in node.firstCluster..<node.firstCluster + node.clusters - 1 {
                entries.append(UInt32(cluster + 1))
            }
            entries.append(end)
        }
        return shape.table(entries)
    }

    /// The entries of a directory: the label in the root, `.` and `..` elsewhere, then the children.
    func directory(_ children: [Int], of node: Node, options: FATWriter.Options) -> [UInt8] {
        let time = FATTime(epoch: options.epoch)
        var out = ByteWriter(capacity: node.size)
        if node.path == .root {
            out.append(FATEntry(name: FATName.padded(options.label), attributes: 0x08, time: time).bytes)
        } else {
            let up = node.parent == 0 ? 0 : nodes[node.parent].firstCluster
            out.append(
                FATEntry(name: FATName.padded("."), attributes: 0x10, cluster: node.firstCluster, time: time).bytes)
            out.append(FATEntry(name: FATName.padded(".."), attributes: 0x10, cluster: up, time: time).bytes)
        }
        for index in children {
            let child = nodes[index]
            out.append(child.names.longEntryBytes)
            switch child.content {
            case .directory:
                out.append(
                    FATEntry(name: child.names.short, attributes: 0x10, cluster: child.firstCluster, time: time).bytes)
            case .file:
                out.append(
                    FATEntry(
                        name: child.names.short, attributes: 0x20, cluster: child.firstCluster, size: child.size,
                        time: time
                    ).bytes)
            }
        }
        return out.bytes
    }
}
