private import Archives
private import Bytes
internal import DiskFormats
internal import Packages

/// One tree made of layers, the lowest first, as the image specification says (image-spec, layer.md, "Applying
/// changesets"); the result depends on the layers alone.
///
/// - A layer's whiteouts and opaque marks hide what lower layers have, never what the layer itself has, wherever in it
///   they stand.
/// - A directory over a directory keeps what is in it and takes the new mode and owner; anything else replaces all.
/// - A path may not lead through a link or file that is left of a lower layer: implementations do not agree there.
/// - A hard link may name a file of a lower layer. Names of one file are written under the first of them.
/// - Devices and pipes are refused unless the caller keeps them: the guest's kernel makes its own /dev.
/// - Every time is the image's epoch; missing directories are root's, mode 0755.
struct LayerMerge {
    /// An entry without its name; files keep one through all their names.
    private var entries: [FileTree.Entry] = []
    private var table: [FileTree.Path: Int]
    /// Names in each directory.
    private var children: [FileTree.Path: Set<[UInt8]>] = [:]
    private let epoch: Int64
    private let keepsDevices: Bool
    /// Names that the present layer made.
    private var fresh: Set<FileTree.Path> = []
    private var layer = ""

    init(epoch: UInt32, keepsDevices: Bool) {
        self.epoch = Int64(epoch)
        self.keepsDevices = keepsDevices
        entries = [FileTree.Entry(.directory, mode: 0o755, mtime: Int64(epoch))]
        table = [.root: 0]
    }

    /// A layer's member with the place of its bytes.
    typealias Member = (entry: OCILayerEntry, content: FileTree.Content?)

    /// Puts a layer on top.
    mutating func add(_ members: [Member], named layer: String) throws {
        self.layer = layer
        fresh = []
        for member in members {
            let path = FileTree.Path(components: member.entry.path)
            switch member.entry.kind {
            case .whiteout: remove(path)
            case .opaque: for name in children[path] ?? [] { remove(path.appending(name)) }
            default: break
            }
        }
        for member in members {
            switch member.entry.kind {
            case .whiteout, .opaque: continue
            default: try place(member)
            }
        }
    }

    /// The tree of all layers.
    func tree() -> FileTree {
        var result = FileTree()
        var first: [Int: FileTree.Path] = [:]
        for (path, index) in table.sorted(by: { $0.key < $1.key }) {
            var entry = entries[index]
            if case .file = entry.kind {
                if let name = first[index] { entry.kind = .hardLink(name) } else { first[index] = path }
            }
            result[path] = entry
        }
        return result
    }

    private mutating func place(_ member: Member) throws {
        let path = FileTree.Path(components: member.entry.path)
        try makeParents(of: path, member.entry)
        if case .hardLink(let target) = member.entry.kind {
            return try link(path, to: FileTree.Path(components: target), member.entry)
        }
        let entry = FileTree.Entry(
            try kind(of: member), mode: member.entry.mode, uid: member.entry.uid, gid: member.entry.gid, mtime: epoch,
            xattrs: try xattrs(of: member.entry))
        if entry.kind == .directory, let present = table[path], entries[present].kind == .directory {
            entries[present] = entry
        } else {
            remove(path)
            entries.append(entry)
            insert(path, entries.count - 1)
        }
        fresh.insert(path)
    }

    private func kind(of member: Member) throws(FormatError) -> FileTree.Kind {
        switch member.entry.kind {
        case .file: return .file(member.content ?? .bytes([]))
        case .symlink(let target): return .symlink(target)
        case .characterDevice(let major, let minor):
            try requireDevices(member.entry)
            return .characterDevice(major: major, minor: minor)
        case .blockDevice(let major, let minor):
            try requireDevices(member.entry)
            return .blockDevice(major: major, minor: minor)
        case .fifo:
            try requireDevices(member.entry)
            return .fifo
        default: return .directory
        }
    }

    private func requireDevices(_ entry: OCILayerEntry) throws(FormatError) {
        guard keepsDevices else {
            throw error(
                entry, "a device or pipe", expected: "files, directories and links",
                hint: "the guest makes its own /dev; write 'devices: keep' at the layers to have it anyway")
        }
    }

    private func xattrs(of entry: OCILayerEntry) throws(FormatError) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for attribute in entry.xattrs {
            guard let name = String(validating: attribute.name, as: UTF8.self), name.contains("."),
                name.utf8.count <= 255, !name.utf8.contains(0)
            else { throw error(entry, "an extended attribute without a usable name", expected: "NAMESPACE.NAME") }
            guard !name.hasPrefix("trusted.overlay.") else {
                throw error(entry, "the attribute \(name)", expected: "none of an overlay file system's own")
            }
            guard result.updateValue(attribute.value, forKey: name) == nil else {
                throw error(entry, "the attribute \(name) twice", expected: "one value for a name")
            }
        }
        return result
    }

    private mutating func link(_ path: FileTree.Path, to target: FileTree.Path, _ entry: OCILayerEntry) throws {
        guard let index = table[target], target != path else {
            throw error(entry, "a hard link to \(target)", expected: "a path that is there in this layer or below")
        }
        switch entries[index].kind {
        case .directory: throw error(entry, "a hard link to the directory \(target)", expected: "one to a file")
        case .file:
            remove(path)
            guard table[target] == index else {
                throw error(entry, "a hard link to \(target), which it replaces", expected: "one to another path")
            }
            insert(path, index)
        default:
            // Of what has no bytes a copy is the same.
            let copy = entries[index]
            remove(path)
            entries.append(copy)
            insert(path, entries.count - 1)
        }
        fresh.insert(path)
    }

    /// Makes missing directories above a path, and refuses anything else there.
    private mutating func makeParents(of path: FileTree.Path, _ entry: OCILayerEntry) throws {
        guard path != .root else { return }
        for count in 0..<path.components.count - 1 {
            let parent = FileTree.Path(components: Array(path.components.prefix(count + 1)))
            guard let index = table[parent] else {
                entries.append(FileTree.Entry(.directory, mode: 0o755, mtime: epoch))
                insert(parent, entries.count - 1)
                continue
            }
            guard entries[index].kind == .directory else {
                throw error(
                    entry,
                    "a path through \(parent), which is no directory\(fresh.contains(parent) ? "" : " in a layer below")",
                    expected: "directories on the way")
            }
        }
    }

    private mutating func insert(_ path: FileTree.Path, _ index: Int) {
        table[path] = index
        if path != .root { children[path.parent, default: []].insert(path.name) }
    }

    /// Removes a path and all below it.
    private mutating func remove(_ path: FileTree.Path) {
        guard path != .root, table[path] != nil else { return }
        var open = [path]
        while let next = open.popLast() {
            table[next] = nil
            for name in children.removeValue(forKey: next) ?? [] { open.append(next.appending(name)) }
        }
        children[path.parent]?.remove(path.name)
    }

    private func error(
        _ entry: OCILayerEntry, _ found: String, expected: String, hint: String? = nil
    ) -> FormatError {
        FormatError(source: layer, field: entry.displayPath, found: found, expected: expected, hint: hint)
    }
}

extension FileTree.Path {
    func appending(_ name: [UInt8]) -> FileTree.Path { FileTree.Path(components: components + [name]) }
}
