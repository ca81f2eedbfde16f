public import DiskFormats
internal import Hashing
public import Packages

/// The files of one package as it ships them, before anything is merged.
public struct PackageFiles: Sendable {
    /// The package's name.
    public var package: String
    /// Paths without a leading slash, as shipped, and their entries.
    public var entries: [(path: FileTree.Path, entry: FileTree.Entry)]
    /// Its maintainer scripts, none of which is run.
    public var scripts: [MaintainerScript]
    /// What it says of itself.
    public var control: ControlStanza?

    public init(
        package: String, entries: [(path: FileTree.Path, entry: FileTree.Entry)], scripts: [MaintainerScript] = [],
        control: ControlStanza? = nil
    ) {
        self.package = package
        self.entries = entries
        self.scripts = scripts
        self.control = control
    }
}

/// Unpacks packages into one tree by rule.
///
/// - `bin`, `sbin`, `lib` and `lib64` are links into `usr`; what a package ships there lands in `usr`.
/// - Every time is the image's epoch; owners and modes are the package's.
/// - Of a directory that several packages ship, the package with the lowest name decides mode and owner; a directory
///   that none ships is root's, mode 0755.
/// - Two packages may ship the same path if it is the same file; anything else is an error.
/// - Maintainer scripts are not run; `ScriptRule` and `TreeEdits` say what stands for them.
struct PackageMerge {
    private var owners: [FileTree.Path: String] = [:]
    private(set) var tree = FileTree()
    private let epoch: Int64

    static let mergedDirectories = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"]
    private static let merged = Set(mergedDirectories.map { Array($0.utf8) })
    private static let usr = Array("usr".utf8)

    /// The tree of some packages; their order does not matter.
    static func tree(of packages: [PackageFiles], epoch: UInt32) throws -> FileTree {
        var merge = PackageMerge(epoch: Int64(epoch))
        let sorted = packages.sorted { Array($0.package.utf8).lexicographicallyPrecedes(Array($1.package.utf8)) }
        for package in sorted { try merge.add(package) }
        try merge.completeDirectories()
        return merge.tree
    }

    private init(epoch: Int64) {
        self.epoch = epoch
        tree[.root] = FileTree.Entry(.directory, mode: 0o755, mtime: epoch)
    }

    private mutating func add(_ package: PackageFiles) throws {
        for (shipped, original) in package.entries {
            if shipped == .root { continue }
            if shipped.components.count == 1, Self.merged.contains(shipped.name) {
                try requireMergeable(shipped, original, package.package)
                continue
            }
            let path = Self.rewritten(shipped)
            var entry = original
            entry.mtime = epoch
            switch entry.kind {
            case .hardLink(let target): entry.kind = .hardLink(Self.rewritten(target))
            case .characterDevice, .blockDevice, .fifo:
                throw ImageError(
                    "package \(package.package)", "ships \(path), which is a device or a pipe",
                    hint: "no package of Debian does; check where this one comes from")
            default: break
            }
            try place(entry, at: path, package.package)
        }
    }

    private mutating func place(_ entry: FileTree.Entry, at path: FileTree.Path, _ package: String) throws {
        guard let present = tree[path] else {
            tree[path] = entry
            owners[path] = package
            return
        }
        if present.kind == .directory, entry.kind == .directory { return }
        guard try Self.same(present, entry) else {
            throw ImageError(
                path.description, "is in package \(owners[path] ?? "?") and in package \(package), and differs",
                hint: "leave one of the packages out")
        }
    }

    private static func same(_ a: FileTree.Entry, _ b: FileTree.Entry) throws -> Bool {
        guard a.mode == b.mode, a.uid == b.uid, a.gid == b.gid, a.xattrs == b.xattrs else { return false }
        guard case .file(let first) = a.kind, case .file(let second) = b.kind else { return a.kind == b.kind }
        return try first.count == second.count && first.digest() == second.digest()
    }

    /// A top-level `lib` and the like may be a directory, or the link that we make anyway.
    private func requireMergeable(_ path: FileTree.Path, _ entry: FileTree.Entry, _ package: String) throws {
        switch entry.kind {
        case .directory: return
        case .symlink(let target) where FileTree.Path(target) == FileTree.Path(components: [Self.usr, path.name]):
            return
        default:
            throw ImageError("package \(package)", "ships \(path), which is neither a directory nor a link to /usr")
        }
    }

    private static func rewritten(_ path: FileTree.Path) -> FileTree.Path {
        guard let first = path.components.first, merged.contains(first) else { return path }
        return FileTree.Path(components: [usr] + path.components)
    }

    /// Gives every entry its directories and refuses paths that lead through something else.
    private mutating func completeDirectories() throws {
        try tree.addParents(epoch: epoch) { path in owners[path].map { "package \($0)" } }
    }
}

extension FileTree {
    /// Adds the missing directories above all entries, mode 0755, root's.
    mutating func addParents(epoch: Int64, owner: (Path) -> String? = { _ in nil }) throws(ImageError) {
        for (path, _) in sorted where path != .root {
            var parent = path.parent
            while true {
                if let entry = self[parent] {
                    guard entry.kind == .directory else {
                        throw ImageError(
                            owner(path) ?? path.description,
                            "\(path) lies below \(parent), which is not a directory",
                            hint: "write the path with the link resolved")
                    }
                    break
                }
                self[parent] = Entry(.directory, mode: 0o755, mtime: epoch)
                parent = parent.parent
            }
        }
    }

    /// Adds the links `bin`, `lib`, `lib64` and `sbin` into `usr`, and the directories that they lead to.
    mutating func addMergedLinks(epoch: Int64) throws(ImageError) {
        for name in ["bin", "lib", "lib64", "sbin"] {
            let path = Path(name)
            guard self[path] == nil else {
                throw ImageError(path.description, "is taken, but it is a link to /usr/\(name) in every image")
            }
            self[path] = Entry(.symlink(Array("usr/\(name)".utf8)), mode: 0o777, mtime: epoch)
            let target = Path("usr/\(name)")
            if self[target] == nil { self[target] = Entry(.directory, mode: 0o755, mtime: epoch) }
        }
    }
}

extension FileTree.Content {
    /// SHA-256 of the bytes.
    func digest() throws -> Digest {
        var hash = Hash(.sha256)
        try forEachChunk { (chunk: RawSpan) in hash.update(chunk) }
        return hash.finish()
    }
}
