private import Archives
internal import Bytes
internal import DiskFormats

/// The modules of one kernel package and what each needs.
///
/// `modules.dep` is made by depmod on the target and is in no package; the same facts are in each module's `.modinfo`.
struct KernelModules {
    /// Release of the kernel, e.g. `6.12.117+deb13-cloud-amd64`.
    let release: String
    /// Path of each module's file by its name, hyphens written as underscores.
    private let files: [String: FileTree.Path]
    private let builtIn: Set<String>
    private let tree: FileTree

    /// A module ready to be loaded.
    struct Module {
        var name: String
        /// Path of the unpacked file, `….ko`.
        var path: FileTree.Path
        var contents: [UInt8]
    }

    /// Finds the modules in a kernel package's tree, which has those of exactly one kernel.
    init(_ tree: FileTree, package: String) throws {
        let entries = tree.sorted
        let top = FileTree.Path("usr/lib/modules")
        let releases = entries.filter { $0.path.parent == top && $0.entry.kind == .directory }.map(\.path)
        guard let folder = releases.first, releases.count == 1 else {
            throw ImageError(
                "package \(package)", "has \(releases.count) folders in /usr/lib/modules, expected one",
                hint: "name the package of one kernel image in 'kernel'")
        }
        var files: [String: FileTree.Path] = [:]
        for (path, entry) in entries where path.components.starts(with: folder.components) {
            guard case .file = entry.kind, let name = Self.moduleName(path) else { continue }
            files[name] = path
        }
        release = String(decoding: folder.name, as: UTF8.self)
        self.files = files
        self.tree = tree
        var builtIn: Set<String> = []
        if case .file(let content)? = tree[
            FileTree.Path(components: folder.components + [Array("modules.builtin".utf8)])]?
            .kind
        {
            let text = String(decoding: try content.bytes(limit: 1 << 20), as: UTF8.self)
            for line in text.split(separator: "\n") {
                if let name = Self.moduleName(FileTree.Path(String(line))) { builtIn.insert(name) }
            }
        }
        self.builtIn = builtIn
    }

    /// The named modules in an order in which they can be loaded: each after all that it depends on.
    ///
    /// Names of what is built into the kernel are passed over.
    func closure(of names: [String], excluding loaded: Set<String> = []) throws -> [Module] {
        var done = loaded
        var result: [Module] = []
        for name in names { try visit(Self.normalized(name), neededBy: nil, &done, path: [], &result) }
        return result
    }

    private func visit(
        _ name: String, neededBy: String?, _ done: inout Set<String>, path: [String], _ result: inout [Module]
    ) throws {
        guard !done.contains(name), !builtIn.contains(name) else { return }
        guard !path.contains(name) else {
            throw ImageError("module \(name)", "depends on itself through \(path.joined(separator: ", "))")
        }
        guard let file = files[name] else {
            let reason = neededBy.map { "is needed by \($0) and" } ?? "is named in the definition and"
            throw ImageError(
                "module \(name)", "\(reason) is neither a module of kernel \(release) nor built into it",
                hint: "check the spelling; modules lie below /usr/lib/modules/\(release)")
        }
        let module = try unpack(name, file)
        for dependency in try Self.dependencies(of: module) {
            try visit(dependency, neededBy: name, &done, path: path + [name], &result)
        }
        done.insert(name)
        result.append(module)
    }

    private func unpack(_ name: String, _ file: FileTree.Path) throws -> Module {
        guard case .file(let content)? = tree[file]?.kind else {
            throw ImageError("module \(name)", "is not a file: \(file)")
        }
        let stored = String(decoding: file.name, as: UTF8.self)
        let contents = try Compression(fileName: stored).decompress(
            try content.bytes(limit: Self.largest), source: stored,
            limits: ExpansionLimits(byteCount: Self.largest, ratio: 1000))
        let plain = stored.hasSuffix(".ko") ? stored : String(stored[..<(stored.lastIndex(of: ".") ?? stored.endIndex)])
        let path = FileTree.Path(components: file.parent.components + [Array(plain.utf8)])
        return Module(name: name, path: path, contents: contents)
    }

    /// No module of a distribution comes near.
    private static let largest = 64 << 20

    /// `depends=` of the module's `.modinfo`, which is a row of `key=value` with a NUL after each.
    static func dependencies(of module: Module) throws(FormatError) -> [String] {
        try module.contents.withReader(source: "\(module.name).ko") { (file) throws(FormatError) in
            let image = try ELFImage(parsing: &file)
            guard let range = image.section(".modinfo") else {
                throw file.error(".modinfo", found: "no such section", expected: "the facts of a kernel module")
            }
            let key = "depends="
            let lines = module.contents[range].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let line = lines.first(where: { $0.hasPrefix(key) }) else {
                throw file.error(".modinfo", found: "no depends=", expected: "depends= with a list")
            }
            return line.dropFirst(key.count).split(separator: ",").map { normalized(String($0)) }
        }
    }

    private static func moduleName(_ path: FileTree.Path) -> String? {
        let name = String(decoding: path.name, as: UTF8.self)
        for suffix in [".ko", ".ko.xz", ".ko.zst", ".ko.gz"] where name.hasSuffix(suffix) {
            return normalized(String(name.dropLast(suffix.count)))
        }
        return nil
    }

    /// The kernel takes hyphens and underscores in module names for the same.
    static func normalized(_ name: String) -> String {
        String(name.map { $0 == "-" ? "_" : $0 })
    }
}

extension FileTree.Content {
    /// All bytes, refused beyond `limit`.
    func bytes(limit: Int) throws -> [UInt8] {
        guard count <= limit else {
            throw ImageError("a file of \(count) bytes", "is larger than the \(limit) bytes that are read whole")
        }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        try forEachChunk { (chunk: RawSpan) in result.append(contentsOf: [UInt8](copying: chunk)) }
        return result
    }
}
