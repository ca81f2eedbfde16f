public import Archives
private import Bytes
private import DiskFormats
private import Files

/// Unpacks packages into one scratch file each, so that the trees made of them hold names and places, not contents.
public struct PackageSpool: Sendable {
    private let directory: String

    /// A spool whose files go below `directory`, which the caller removes.
    public init(directory: String) {
        self.directory = directory
    }

    /// Names and metadata of the tar archive that holds a package's files; the bytes go into the spool.
    ///
    /// Refused are paths that lead out of the tree, extended attributes (no Debian package has any, and tools differ in
    /// what they make of them) and whatever `ArchiveReader` refuses.
    public func unpack(
        package: String, tar: [UInt8], compression: Compression, source: String, limits: ExpansionLimits
    ) throws -> PackageFiles {
        let file = try OutputFile("\(directory)/\(package).files")
        var entries: [(path: FileTree.Path, entry: FileTree.Entry)] = []
        try TarArchive.forEachEntry(in: tar, compression: compression, source: source, limits: limits) {
            member, reader in
            guard member.xattrs.isEmpty else {
                throw ImageError(
                    source, "\(member.displayPath) has extended attributes", hint: "no package of Debian has any")
            }
            let path = try Self.path(member.path, member, source)
            let kind: FileTree.Kind
            switch member.kind {
            case .directory: kind = .directory
            case .symlink(let target): kind = .symlink(target)
            case .hardLink(let target): kind = .hardLink(try Self.path(target, member, source))
            case .characterDevice(let major, let minor): kind = .characterDevice(major: major, minor: minor)
            case .blockDevice(let major, let minor): kind = .blockDevice(major: major, minor: minor)
            case .fifo: kind = .fifo
            case .file:
                let start = file.count
                try reader.forEachChunk { (chunk: RawSpan) throws(FileError) in try file.append(chunk) }
                kind = .file(.range(path: file.path, offset: start, count: file.count - start))
            }
            entries.append((path, FileTree.Entry(kind, mode: member.mode, uid: member.uid, gid: member.gid)))
        }
        try file.commit(durable: false)
        return PackageFiles(package: package, entries: entries)
    }

    private static func path(_ stored: [UInt8], _ member: TarEntry, _ source: String) throws(ImageError)
        -> FileTree.Path
    {
        let path = FileTree.Path(stored)
        guard stored.first != UInt8(ascii: "/"), !path.components.contains(Array("..".utf8)), !stored.contains(0) else {
            throw ImageError(
                source, "\(member.displayPath) leads out of the package's tree", hint: "do not use this package")
        }
        return path
    }
}
