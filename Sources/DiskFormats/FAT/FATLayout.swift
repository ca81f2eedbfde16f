private import Bytes

/// Where everything of a FAT32 file system lies: one sector a cluster, contents in path order.
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
        var clusters: Int { (size + FATWriter.sectorSize - 1) / FATWriter.sectorSize }
    }

    private(set) var nodes: [Node] = []
    /// Data clusters, used or not.
    let clusters: Int
    let usedClusters: Int
    /// Sectors of one table.
    let tableSectors: Int

    init(_ tree: FileTree) throws(FATError) {
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
        var next = 2
        for index in nodes.indices {
            if case .directory(let children) = nodes[index].content {
                let own = index == 0 ? 1 : 2
                let entries = own + children.reduce(0) { $0 + 1 + nodes[$1].names.longEntries }
                nodes[index].size = entries * 32
            }
            nodes[index].firstCluster = nodes[index].clusters > 0 ? next : 0
            next += nodes[index].clusters
        }
        self.nodes = nodes
        usedClusters = next - 2
        clusters = max(usedClusters, FATWriter.leastClusters)
        guard clusters < 0x0FFF_FFF5 else { throw FATError("the tree is too large for FAT32") }
        tableSectors = ((clusters + 2) * 4 + FATWriter.sectorSize - 1) / FATWriter.sectorSize
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

    /// Size of the file system in sectors.
    var sectors: Int { FATWriter.reservedSectors + 2 * tableSectors + clusters }

    func offset(ofCluster cluster: Int) -> Int {
        (FATWriter.reservedSectors + 2 * tableSectors + cluster - 2) * FATWriter.sectorSize
    }

    /// One table: media byte, end mark, then a rising chain for each node.
    func table() -> [UInt8] {
        var out = ByteWriter(capacity: tableSectors * FATWriter.sectorSize)
        out.append(UInt32(0x0FFF_FFF8))
        out.append(FATWriter.endOfChain)
        for node in nodes where node.clusters > 0 {
            for cluster in node.firstCluster..<node.firstCluster + node.clusters - 1 { out.append(UInt32(cluster + 1)) }
            out.append(FATWriter.endOfChain)
        }
        out.append(repeating: 0, count: tableSectors * FATWriter.sectorSize - out.count)
        return out.bytes
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
