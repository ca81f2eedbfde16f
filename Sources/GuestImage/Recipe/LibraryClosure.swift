private import Bytes
internal import DiskFormats

/// Copies programs with their loader and libraries from a tree of packages.
struct LibraryClosure {
    private let packages: FileTree
    private(set) var tree: FileTree
    private var done: Set<FileTree.Path> = []

    /// Where the loader of Debian amd64 looks without configuration, after usr-merge.
    static let directories = ["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"]
    private static let largest = 256 << 20

    /// Adds to `tree`, which has the links of usr-merge.
    init(from packages: FileTree, into tree: FileTree) {
        self.packages = packages
        self.tree = tree
    }

    /// Adds a program and, if it is dynamic, all that it needs to start.
    mutating func add(_ program: FileTree.Path) throws {
        try add(program, neededBy: nil)
    }

    private mutating func add(_ path: FileTree.Path, neededBy: FileTree.Path?) throws {
        try addLinks(on: path)
        let file = packages.resolved(path)
        guard done.insert(file).inserted else { return }
        guard var entry = packages[file], case .file(let content) = entry.kind else {
            throw ImageError(
                path.description, neededBy.map { "is needed by \($0), but no package has it" } ?? "no package has it",
                hint: "add the package that ships it to 'packages' of the initrd")
        }
        let bytes = try content.bytes(limit: Self.largest)
        entry.kind = .file(content)
        tree[file] = entry
        guard ELFImage.isELF(bytes) else { return }
        let image = try bytes.withReader(source: file.description) { (reader) throws(FormatError) in
            try ELFImage(parsing: &reader)
        }
        if let interpreter = image.interpreter {
            try add(packages.mergedPath(FileTree.Path(interpreter)), neededBy: file)
        }
        for library in image.needed { try add(try find(library, neededBy: file), neededBy: file) }
    }

    private func find(_ library: [UInt8], neededBy: FileTree.Path) throws(ImageError) -> FileTree.Path {
        for directory in Self.directories {
            let path = FileTree.Path(components: FileTree.Path(directory).components + [library])
            if packages[path] != nil { return path }
        }
        throw ImageError(
            neededBy.description,
            "needs the library \(String(decoding: library, as: UTF8.self)), which no package has in a default folder",
            hint: "add the package that ships it to 'packages' of the initrd")
    }

    /// Copies the symbolic links that a path leads through, such as a library's name by its interface version.
    private mutating func addLinks(on path: FileTree.Path) throws(ImageError) {
        var path = path
        for _ in 0..<40 {
            guard let entry = packages[path], case .symlink(let target) = entry.kind else { return }
            tree[path] = entry
            let base = target.first == UInt8(ascii: "/") ? [] : path.parent.components
            path = packages.mergedPath(
                FileTree.Path(components: Self.normalized(base + FileTree.Path(target).components)))
        }
        throw ImageError(path.description, "is a link that leads to itself")
    }

    private static func normalized(_ names: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for name in names {
            if name == Array("..".utf8) { result = Array(result.dropLast()) } else { result.append(name) }
        }
        return result
    }
}

extension FileTree {
    /// A path with `lib64` and the like written as the place in `usr` that they are links to.
    func mergedPath(_ path: Path) -> Path {
        guard let first = path.components.first,
            PackageMerge.mergedDirectories.contains(String(decoding: first, as: UTF8.self))
        else { return path }
        return Path(components: [Array("usr".utf8)] + path.components)
    }
}
