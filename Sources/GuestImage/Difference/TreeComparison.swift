private import Bytes
internal import DiskFormats
private import Hashing

/// Compares two trees path by path.
struct TreeComparison {
    private let old, new: FileTree
    /// The one time that all entries of a tree have; nil if they differ.
    private let oldTime, newTime: Int64?

    init(_ old: FileTree, _ new: FileTree) {
        (self.old, self.new) = (old, new)
        (oldTime, newTime) = (Self.time(of: old), Self.time(of: new))
    }

    private static func time(of tree: FileTree) -> Int64? {
        let times = Set(tree.sorted.map(\.entry.mtime))
        return times.count == 1 ? times.first : nil
    }

    /// What one path says; the tree itself has the empty path.
    typealias Difference = (path: FileTree.Path, change: ImageDifference.Change, aspects: [ImageDifference.Aspect])

    func differences() throws -> [Difference] {
        var result: [Difference] = []
        if let oldTime, let newTime, oldTime != newTime {
            result.append(
                (.root, .changed, [.init("all times", timestamp(oldTime), timestamp(newTime))]))
        }
        let (left, right) = (entries(of: old), entries(of: new))
        var (i, j) = (0, 0)
        while i < left.count || j < right.count {
            let order = i == left.count ? 1 : j == right.count ? -1 : Self.order(left[i].key, right[j].key)
            if order < 0 {
                result.append((left[i].path, .removed, [try Self.summary(of: left[i].path, in: old, isOld: true)]))
                i += 1
            } else if order > 0 {
                result.append((right[j].path, .added, [try Self.summary(of: right[j].path, in: new, isOld: false)]))
                j += 1
            } else {
                let aspects = try aspects(left[i].path, right[j].path)
                if !aspects.isEmpty { result.append((right[j].path, .changed, aspects)) }
                (i, j) = (i + 1, j + 1)
            }
        }
        return result
    }

    private static func order(_ a: FileTree.Path, _ b: FileTree.Path) -> Int { a < b ? -1 : b < a ? 1 : 0 }

    /// Paths in order. Modules of two kernel releases face each other: where each tree has one release, its name does not
    /// count.
    private func entries(of tree: FileTree) -> [(key: FileTree.Path, path: FileTree.Path)] {
        let paths = tree.sorted.map(\.path)
        guard let (one, other) = renamedRelease else { return paths.map { ($0, $0) } }
        return paths.map { path -> (key: FileTree.Path, path: FileTree.Path) in
            var key = path
            for (index, name) in path.components.enumerated()
            where index > 1 && path.components[index - 1] == Self.modules && (name == one || name == other) {
                key.components[index] = [UInt8(ascii: "*")]
            }
            return (key, path)
        }.sorted { $0.key < $1.key }
    }

    private static let modules = Array("modules".utf8)

    private var renamedRelease: ([UInt8], [UInt8])? {
        guard let one = Self.release(of: old), let other = Self.release(of: new), one != other else { return nil }
        return (one, other)
    }

    /// The only directory in `/lib/modules` or `/usr/lib/modules`.
    private static func release(of tree: FileTree) -> [UInt8]? {
        let places: [FileTree.Path] = ["lib/modules", "usr/lib/modules"]
        let names = tree.sorted.filter { places.contains($0.path.parent) && $0.entry.kind == .directory }
            .map(\.path.name)
        return Set(names).count == 1 ? names.first : nil
    }
}

extension TreeComparison {
    private func aspects(_ oldPath: FileTree.Path, _ newPath: FileTree.Path) throws -> [ImageDifference.Aspect] {
        guard let left = old[oldPath], let right = new[newPath] else { return [] }
        var aspects: [ImageDifference.Aspect] = []
        func note(_ name: String, _ a: String, _ b: String) {
            if a != b { aspects.append(.init(name, a, b)) }
        }
        if oldPath != newPath { note("path", "\(oldPath)", "\(newPath)") }
        note("kind", Self.kind(left), Self.kind(right))
        note("mode", Self.octal(left.mode), Self.octal(right.mode))
        note("owner", "\(left.uid):\(left.gid)", "\(right.uid):\(right.gid)")
        if oldTime == nil || newTime == nil { note("time", timestamp(left.mtime), timestamp(right.mtime)) }
        note("other name of", Self.link(left), Self.link(right))
        note("target", Self.target(left), Self.target(right))
        note("device", Self.device(left), Self.device(right))
        for name in Set(left.xattrs.keys).union(right.xattrs.keys).sorted() {
            note("xattr \(name)", left.xattrs[name]?.hex ?? "absent", right.xattrs[name]?.hex ?? "absent")
        }
        if let one = Self.content(of: oldPath, in: old), let other = Self.content(of: newPath, in: new) {
            let name = String(decoding: newPath.name, as: UTF8.self)
            if let aspect = try ContentComparison(name).aspect(.init(one), .init(other)) { aspects.append(aspect) }
        }
        return aspects
    }

    /// A file's contents, for a hard link those of the file that it names.
    private static func content(of path: FileTree.Path, in tree: FileTree) -> FileTree.Content? {
        switch tree[path]?.kind {
        case .file(let content): content
        case .hardLink(let first):
            if case .file(let content) = tree[first]?.kind { content } else { nil }
        default: nil
        }
    }

    /// One line on an entry that only one tree has.
    private static func summary(
        of path: FileTree.Path, in tree: FileTree, isOld: Bool
    ) throws -> ImageDifference.Aspect {
        guard let entry = tree[path] else { return .init("entry", nil, nil) }
        var words = [kind(entry), octal(entry.mode), "\(entry.uid):\(entry.gid)"]
        if let content = content(of: path, in: tree) { words.append("\(content.count) bytes") }
        for text in [target(entry), device(entry), link(entry)] where !text.isEmpty { words.append(text) }
        let text = words.joined(separator: " ")
        return isOld ? .init("entry", text, nil) : .init("entry", nil, text)
    }

    private static func kind(_ entry: FileTree.Entry) -> String {
        switch entry.kind {
        case .directory: "directory"
        case .file, .hardLink: "file"
        case .symlink: "link"
        case .characterDevice: "character device"
        case .blockDevice: "block device"
        case .fifo: "FIFO"
        case .socket: "socket"
        }
    }

    private static func link(_ entry: FileTree.Entry) -> String {
        if case .hardLink(let path) = entry.kind { "\(path)" } else { "" }
    }

    private static func target(_ entry: FileTree.Entry) -> String {
        if case .symlink(let target) = entry.kind { "-> " + String(decoding: target, as: UTF8.self) } else { "" }
    }

    private static func device(_ entry: FileTree.Entry) -> String {
        switch entry.kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor): "\(major):\(minor)"
        default: ""
        }
    }

    private static func octal(_ mode: UInt16) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
