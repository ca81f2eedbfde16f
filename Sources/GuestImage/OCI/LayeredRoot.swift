private import Archives
private import Bytes
public import DiskFormats
public import Files
private import Hashing
public import Packages

/// The root that a definition's layers come to, with the process that the image is made to run.
public struct LayeredRoot: Sendable {
    public var tree: FileTree
    /// Configuration of the last OCI image among the layers.
    public var configuration: OCIConfiguration?
    /// Packages that the layers' package manager lists.
    public var packages: [InstalledPackage]

    /// Where the root keeps the image's process for its init: words of a POSIX shell.
    public static let processPath: FileTree.Path = "usr/lib/assay/process"

    /// Unpacks the layers of a resolved definition; nil if its root is made of packages.
    ///
    /// - Parameter scratch: a directory for files' bytes, which the caller removes after the tree.
    public init?(
        _ definition: ImageDefinition, sources: PackageSources, scratch: String,
        progress: @escaping ProgressSink = { _ in }
    ) throws {
        guard !definition.root.layers.isEmpty else { return nil }
        var merge = LayerMerge(epoch: definition.epoch, keepsDevices: definition.root.devices == .keep)
        configuration = nil
        for (number, layer) in definition.root.layers.enumerated() {
            let folder = "\(scratch)/layers-\(number)"
            try FileSystem.makeDirectory(folder)
            switch layer {
            case .image(let place, let digest, let platform):
                let (reader, image) = try sources.image(place, digest, platform)
                try OCIRootTree(reader: reader, image: image, scratch: folder, progress: progress).add(to: &merge)
                configuration = image.configuration
            case .archive(let place, let digest):
                progress("unpacking \(place)")
                let bytes = try sources.file(place, digest)
                try OCIRootTree.add(archive: bytes, named: place, scratch: folder, to: &merge)
            }
        }
        tree = merge.tree()
        packages = try InstalledPackage.list(in: tree)
        try addProcess(epoch: definition.epoch)
    }

    /// Adds the process's file unless the layers have one of their own there.
    private mutating func addProcess(epoch: UInt32) throws(ImageError) {
        guard let configuration, tree[Self.processPath] == nil else { return }
        let text = ProcessScript(configuration).text
        tree[Self.processPath] = FileTree.Entry(
            .file(.bytes(Array(text.utf8))), mode: 0o644, mtime: Int64(epoch))
        try tree.addParents(epoch: Int64(epoch))
    }
}

/// An image's process as a POSIX shell takes it: `user`, `directory`, the exported variables, and the words in `"$@"`.
struct ProcessScript {
    private let configuration: OCIConfiguration

    init(_ configuration: OCIConfiguration) { self.configuration = configuration }

    var text: String {
        var lines = ["user=\(Self.quoted(configuration.user ?? ""))"]
        lines += configuration.environment.compactMap { setting in
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isName(parts[0]) else { return nil }
            return "export \(parts[0])=\(Self.quoted(String(parts[1])))"
        }
        lines.append("directory=\(Self.quoted(configuration.workingDirectory ?? "/"))")
        lines.append(
            "set -- " + (configuration.entrypoint + configuration.command).map(Self.quoted).joined(separator: " "))
        return lines.map { $0 + "\n" }.joined()
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: #"'\''"#) + "'" }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
    }
}

/// A package as the package manager of an unpacked root lists it.
public struct InstalledPackage: Sendable, Hashable {
    public var name: String
    public var version: String
    public var architecture: String
    /// The source package and its version.
    public var source: String

    /// What `var/lib/dpkg/status` and `var/lib/dpkg/status.d/*` list as installed, sorted; empty without them.
    static func list(in tree: FileTree) throws -> [InstalledPackage] {
        var result: Set<InstalledPackage> = []
        let folder: FileTree.Path = "var/lib/dpkg/status.d"
        for (path, entry) in tree.sorted where path == "var/lib/dpkg/status" || path.parent == folder {
            guard case .file(let content) = entry.kind, content.count <= 64 << 20, !path.name.hasSuffix(".md5sums")
            else { continue }
            var bytes: [UInt8] = []
            try content.forEachChunk { (chunk: RawSpan) in
                unsafe chunk.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            }
            for stanza in try ControlStanza.parse(bytes, source: path.description) {
                if let package = InstalledPackage(stanza) { result.insert(package) }
            }
        }
        return result.sorted { ($0.name, $0.architecture, $0.version) < ($1.name, $1.architecture, $1.version) }
    }

    private init?(_ stanza: ControlStanza) {
        if let status = stanza["Status"], !status.hasSuffix(" installed") { return nil }
        guard let name = stanza["Package"], let version = stanza["Version"] else { return nil }
        self.name = name
        self.version = version
        architecture = stanza["Architecture"] ?? ""
        source = stanza["Source"] ?? name
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
