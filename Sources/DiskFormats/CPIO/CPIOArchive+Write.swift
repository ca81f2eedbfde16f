public import Bytes
public import Files

/// Why a tree cannot be written as a cpio archive.
public struct CPIOWriteError: ExplainedError, Equatable {
    /// The entry at fault.
    public var path: String
    public var reason: String
    public var hint: String?
    public var description: String { "\(path): cannot be stored in a cpio archive: \(reason)" }
    public var outcome: Outcome { .unusable }
}

extension CPIOArchive {
    /// The archive of a tree.
    ///
    /// The bytes follow from the tree and `epoch` alone. Members come in tree order without the root directory; names
    /// have no leading `./`. Inodes count up from 1 in that order, all names of a hard-linked file share the inode of
    /// the first one, and its data stand with the last one. `nlink` is the number of names, 1 for directories too.
    /// Device numbers are zero but for device nodes, digits are lower case, every time is `epoch`. The trailer (inode
    /// 0, nlink 1) is padded with zeros to a multiple of 4, and nothing follows it.
    public static func write(_ tree: FileTree, epoch: UInt32) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try write(tree, epoch: epoch) { bytes.append(contentsOf: [UInt8](copying: $0)) }
        return bytes
    }

    /// Appends the archive of a tree to a file.
    public static func write(_ tree: FileTree, epoch: UInt32, to file: OutputFile) throws {
        try write(tree, epoch: epoch) { try file.append($0) }
    }

    static func write(_ tree: FileTree, epoch: UInt32, _ sink: (RawSpan) throws -> Void) throws {
        let links = try HardLinks(tree)
        var inodes: [FileTree.Path: UInt32] = [:]
        var next: UInt32 = 1
        for (path, entry) in tree.sorted where path != .root {
            guard tree[path.parent]?.kind == .directory else {
                throw CPIOWriteError(
                    path: path.description, reason: "its parent is not a directory of the tree",
                    hint: "add the directory \(path.parent)")
            }
            let target = links.target(of: path, entry)
            let source = tree[target] ?? entry
            var member = try member(path, source, epoch: epoch)
            member.linkCount = UInt32(clamping: links.names(of: target))
            if let inode = inodes[target] {
                member.inode = inode
            } else {
                member.inode = next
                inodes[target] = next
                next += 1
            }
            try write(member, links.last(of: target) == path ? content(of: source) : nil, sink)
        }
        try sink(trailer().raw)
    }

    private static func write(
        _ member: CPIOMember, _ content: FileTree.Content?, _ sink: (RawSpan) throws -> Void
    ) throws {
        let count = content?.count ?? 0
        guard let size = UInt32(exactly: count) else {
            throw CPIOWriteError(
                path: "/" + String(decoding: member.name, as: UTF8.self), reason: "\(count) bytes are too many",
                hint: "the format ends at 4 GiB - 1; put the file into the root file system")
        }
        try sink(member.header(fileSize: size).raw)
        try content?.forEachChunk(sink)
        let padding = [UInt8](repeating: 0, count: count.roundedUp(toMultipleOf: 4) - count)
        if !padding.isEmpty { try sink(padding.raw) }
    }

    private static func member(
        _ path: FileTree.Path, _ entry: FileTree.Entry, epoch: UInt32
    ) throws(CPIOWriteError) -> CPIOMember {
        func refuse(_ reason: String, _ hint: String) -> CPIOWriteError {
            CPIOWriteError(path: path.description, reason: reason, hint: hint)
        }
        let name = path.bytes
        guard name.count < longestName else {
            throw refuse("a name of \(name.count) bytes", "Linux takes names up to \(longestName - 1) bytes")
        }
        guard name != trailerName else { throw refuse("the format's end mark has this name", "rename it") }
        guard entry.xattrs.isEmpty else {
            throw refuse("it has extended attributes", "an initrd cannot hold them; remove them there")
        }
        if case .symlink(let target) = entry.kind, target.isEmpty || target.count >= longestName {
            throw refuse("a link target of \(target.count) bytes", "Linux takes 1 to \(longestName - 1) bytes")
        }
        var member = CPIOMember()
        member.name = name
        member.mode = type(of: entry) | UInt32(entry.mode & 0o7777)
        member.uid = entry.uid
        member.gid = entry.gid
        member.mtime = epoch
        switch entry.kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            member.deviceMajor = major
            member.deviceMinor = minor
        default: break
        }
        return member
    }

    private static func type(of entry: FileTree.Entry) -> UInt32 {
        switch entry.kind {
        case .directory: FileType.directory
        case .file, .hardLink: FileType.file
        case .symlink: FileType.symlink
        case .characterDevice: FileType.characterDevice
        case .blockDevice: FileType.blockDevice
        case .fifo: FileType.fifo
        case .socket: FileType.socket
        }
    }

    private static func content(of entry: FileTree.Entry) -> FileTree.Content? {
        switch entry.kind {
        case .file(let content): content
        case .symlink(let target): .bytes(target)
        default: nil
        }
    }

    /// The end mark with its padding.
    private static func trailer(upperCase: Bool = false) -> [UInt8] {
        var member = CPIOMember()
        member.name = trailerName
        return member.header(fileSize: 0, upperCase: upperCase)
    }
}

extension CPIOArchive {
    /// The archive that systemd-stub makes for one file and appends to the initrd it hands to the kernel.
    ///
    /// systemd, src/boot/cpio.c: inode 1 is `directory` (mode 040555), inode 2 `directory/name` (mode 0100444), nlink
    /// 1, owner and time 0, lower-case digits; the trailer is a constant with the upper-case `0000000B`. Every member
    /// is padded to a multiple of 4. For `.osrel` the directory is `.extra` and the name `os-release`.
    public static func stubArchive(directory: String, name: String, contents: [UInt8]) -> [UInt8] {
        let frame = stubFrame(directory: directory, name: name, byteCount: contents.count)
        return frame.head + contents + frame.tail
    }

    /// What stands before and after the file's bytes in `stubArchive`.
    public static func stubFrame(
        directory: String, name: String, byteCount: Int
    ) -> (head: [UInt8], tail: [UInt8]) {
        var folder = CPIOMember()
        folder.inode = 1
        folder.mode = FileType.directory | 0o555
        folder.name = Array(directory.utf8)
        var file = CPIOMember()
        file.inode = 2
        file.mode = FileType.file | 0o444
        file.name = Array("\(directory)/\(name)".utf8)
        var writer = ByteWriter()
        writer.append(folder.header(fileSize: 0))
        writer.append(file.header(fileSize: UInt32(clamping: byteCount)))
        // Headers are whole multiples of 4, so padding follows from the file's size alone.
        let padding = byteCount.roundedUp(toMultipleOf: 4) - byteCount
        return (writer.bytes, [UInt8](repeating: 0, count: padding) + trailer(upperCase: true))
    }
}

/// Which names of a tree are one file.
private struct HardLinks {
    private var lastName: [FileTree.Path: FileTree.Path] = [:]
    private var count: [FileTree.Path: Int] = [:]

    init(_ tree: FileTree) throws(CPIOWriteError) {
        for (path, entry) in tree.sorted {
            let target = target(of: path, entry)
            if target != path {
                guard case .file? = tree[target]?.kind else {
                    throw CPIOWriteError(
                        path: path.description,
                        reason: "it is a hard link to \(target), which is not a file of the tree",
                        hint: "link to the file itself")
                }
            }
            lastName[target] = path
            count[target, default: 0] += 1
        }
    }

    func target(of path: FileTree.Path, _ entry: FileTree.Entry) -> FileTree.Path {
        if case .hardLink(let target) = entry.kind { target } else { path }
    }

    func names(of target: FileTree.Path) -> Int { count[target] ?? 1 }
    func last(of target: FileTree.Path) -> FileTree.Path { lastName[target] ?? target }
}
