internal import DiskFormats

extension FileTree {
    /// The text of a file of the tree, links followed.
    func text(_ path: Path) throws -> String {
        guard case .file(let content)? = self[resolved(path)]?.kind else {
            throw ImageError(
                path.description, "is no file of the root's packages", hint: "add the package that ships it")
        }
        let bytes = try content.bytes(limit: 16 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ImageError(path.description, "is not UTF-8")
        }
        return text
    }

    /// Adds a file of root's with this text, unless something is at the path already.
    mutating func addDefault(_ path: Path, _ text: String, mode: UInt16 = 0o644, gid: UInt32 = 0, epoch: UInt32) {
        if self[path] != nil { return }
        self[path] = Entry(.file(.bytes(Array(text.utf8))), mode: mode, gid: gid, mtime: Int64(epoch))
    }

    /// Adds a link, unless something is at the path already.
    mutating func addDefaultLink(_ path: Path, to target: String, epoch: UInt32) {
        if self[path] != nil { return }
        self[path] = Entry(.symlink(Array(target.utf8)), mode: 0o777, mtime: Int64(epoch))
    }
}

extension FileTree.Path {
    /// Whether the last component ends so.
    func hasSuffix(_ text: String) -> Bool { name.suffix(text.utf8.count) == Array(text.utf8)[...] }
}
