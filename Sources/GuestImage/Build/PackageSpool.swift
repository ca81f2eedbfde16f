internal import Bytes
internal import DiskFormats
private import Files
internal import Packages

/// Unpacks packages into one scratch file each, so that the trees made of them hold names and places, not contents.
struct PackageSpool {
    private let directory: String
    /// Each package's name by its scratch file.
    private(set) var packages: [String: String] = [:]

    /// A spool whose files go below `directory`, which the caller removes.
    init(directory: String) {
        self.directory = directory
    }

    /// Names and metadata of a package's files; the bytes go into the spool.
    mutating func unpack(_ package: DebianPackage) throws -> PackageFiles {
        let file = try OutputFile("\(directory)/\(package.name).files")
        packages[file.path] = package.name
        var entries: [(path: FileTree.Path, entry: FileTree.Entry)] = []
        try package.forEachEntry { member in
            let kind: FileTree.Kind
            switch member.kind {
            case .directory: kind = .directory
            case .symlink(let target): kind = .symlink(target)
            case .hardLink(let target): kind = .hardLink(FileTree.Path(target))
            case .file(let bytes):
                kind = .file(.range(path: file.path, offset: file.count, count: bytes.count))
                try file.append(bytes)
            }
            let entry = FileTree.Entry(kind, mode: member.mode, uid: member.uid, gid: member.gid)
            entries.append((FileTree.Path(member.path), entry))
        }
        try file.commit(durable: false)
        return PackageFiles(package: package.name, entries: entries, scripts: package.scripts, control: package.control)
    }
}
