internal import DiskFormats

extension TreeEdits {
    /// What is left of a tree of packages: entries that a pattern leaves out go, unless something below them stays.
    func filtered(_ tree: FileTree) -> FileTree {
        guard !exclude.isEmpty else { return tree }
        var result = FileTree()
        result[.root] = tree[.root]
        var firstLink: [FileTree.Path: FileTree.Path] = [:]
        for (path, original) in tree.sorted where keeps(path) && path != .root {
            var entry = original
            if case .hardLink(let target) = entry.kind, !keeps(target), let source = tree[target] {
                // The name that held the file goes; the first that stays takes its place.
                if let first = firstLink[target] {
                    entry.kind = .hardLink(first)
                } else {
                    entry.kind = source.kind
                    firstLink[target] = path
                }
            }
            result[path] = entry
            var parent = path.parent
            while result[parent] == nil, let directory = tree[parent] {
                result[parent] = directory
                parent = parent.parent
            }
        }
        return result
    }

    /// Adds directories, files and links to a tree; `packages` is what `copy` copies from.
    func apply(to tree: inout FileTree, packages: FileTree, overlays: OverlayFiles, epoch: UInt32) throws {
        let time = Int64(epoch)
        for directory in directories {
            try refuse(in: tree, directory.path, isDirectory: true)
            tree[directory.path] = FileTree.Entry(
                .directory, mode: directory.mode, uid: directory.uid, gid: directory.gid, mtime: time)
        }
        for file in files {
            try refuse(in: tree, file.path, isDirectory: false)
            let content = try content(of: file, packages: packages, overlays: overlays)
            tree[file.path] = FileTree.Entry(
                .file(content), mode: file.mode, uid: file.uid, gid: file.gid, mtime: time)
        }
        for link in links {
            try refuse(in: tree, link.path, isDirectory: false)
            tree[link.path] = FileTree.Entry(.symlink(Array(link.target.utf8)), mode: 0o777, mtime: time)
        }
        try tree.addParents(epoch: time)
    }

    private func refuse(in tree: FileTree, _ path: FileTree.Path, isDirectory: Bool) throws(ImageError) {
        guard let present = tree[path], (present.kind == .directory) != isDirectory else { return }
        let (found, wanted) = isDirectory ? ("a file", "a directory") : ("a directory", "a file or link")
        throw ImageError(
            path.description, "is \(found) of a package, and the definition makes it \(wanted)",
            hint: "exclude the path, or choose another")
    }

    private func content(
        of file: File, packages: FileTree, overlays: OverlayFiles
    ) throws(ImageError) -> FileTree.Content {
        switch file.source {
        case .text(let text): return .bytes(Array(text.utf8))
        case .overlay(let name):
            return .bytes(try overlays.bytes(name))
        case .download(let address, digest: _): return .bytes(try overlays.bytes(address))
        case .package(let path):
            let target = packages.resolved(path)
            guard case .file(let content)? = packages[target]?.kind else {
                throw ImageError(
                    file.path.description, "no package of this part of the image has the file \(path)",
                    hint: "check 'copy', and that the package that ships it is listed")
            }
            return content
        }
    }
}

extension FileTree {
    /// The path with symbolic links followed, as inside the guest; a path that leads nowhere comes back as it ends.
    func resolved(_ path: Path) -> Path {
        var done: [[UInt8]] = []
        var rest = path.components
        // Linux gives up after 40 links, too.
        var links = 40
        while !rest.isEmpty {
            let name = rest.removeFirst()
            if name == Array("..".utf8) {
                done = Array(done.dropLast())
                continue
            }
            let here = FileTree.Path(components: done + [name])
            guard case .symlink(let target)? = self[here]?.kind, links > 0 else {
                done.append(name)
                continue
            }
            links -= 1
            if target.first == UInt8(ascii: "/") { done = [] }
            rest = FileTree.Path(target).components + rest
        }
        let path = FileTree.Path(components: done)
        if case .hardLink(let target)? = self[path]?.kind { return target }
        return path
    }
}
