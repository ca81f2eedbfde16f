private import Bytes
internal import DiskFormats
internal import Files

extension PartComparison {
    /// Two file systems or archives of one kind.
    mutating func compareTrees(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        note(place, try superblock(old, new))
        let (left, right) = (try tree(of: old), try tree(of: new))
        for (path, change, aspects) in try TreeComparison(left, right).differences() {
            let inside = path == .root ? place : place + ["\(path)"]
            if let inner = try nested(path, left, right, in: (old, new)) {
                note(inside, aspects.filter { $0.name != "content" })
                try compare(inner.0, inner.1, at: inside)
            } else {
                note(inside, aspects, change)
            }
        }
    }

    private func tree(of part: ComparedPart) throws -> FileTree {
        switch (part.kind, part.file) {
        case (.erofs, let file?): return try EROFSReader(file, in: part.range).tree()
        case (.fat, let file?): return try FATReader(file, in: part.range).tree()
        case (.cpio, _): return try part.cpioTree()
        default:
            throw FormatError(
                source: part.source.name, field: part.kind.rawValue, found: "it inside another file",
                expected: "it in a partition or a file of its own")
        }
    }

    private func superblock(_ old: ComparedPart, _ new: ComparedPart) throws -> [ImageDifference.Aspect] {
        guard old.kind == .erofs, let one = old.file, let other = new.file else { return [] }
        let (left, right) = (
            try EROFSReader(one, in: old.range).superblock, try EROFSReader(other, in: new.range).superblock
        )
        let fields: [(String, String, String)] = [
            ("UUID", uuidText(left.uuid), uuidText(right.uuid)),
            ("volume name", text(left.volumeName), text(right.volumeName)),
            ("epoch", timestamp(left.epoch), timestamp(right.epoch)),
            ("features", hexadecimal(left.incompatibleFeatures), hexadecimal(right.incompatibleFeatures)),
        ]
        return fields.filter { $0.1 != $0.2 }.map { .init($0.0, $0.1, $0.2) }
    }

    /// A file in both trees that is a boot program or an archive itself.
    private func nested(
        _ path: FileTree.Path, _ left: FileTree, _ right: FileTree, in parts: (ComparedPart, ComparedPart)
    ) throws -> (ComparedPart, ComparedPart)? {
        guard let old = try Self.part(path, left, parts.0), let new = try Self.part(path, right, parts.1),
            old.kind == new.kind, old.kind == .pe || old.kind == .cpio
        else { return nil }
        return (old, new)
    }

    private static func part(_ path: FileTree.Path, _ tree: FileTree, _ outer: ComparedPart) throws -> ComparedPart? {
        guard case .file(.range(let name, let offset, let count)) = tree[path]?.kind, let file = outer.file,
            file.path == name
        else { return nil }
        let window = try ByteSource(file).window(at: offset, count: count, "\(path)")
        return try ComparedPart(window, in: file, name: String(decoding: path.name, as: UTF8.self))
    }
}

/// Text for people; bytes that are no UTF-8 are repaired.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func uuidText(_ bytes: [UInt8]) -> String { GUID(textOrder: bytes)?.description ?? bytes.hex }

extension ComparedPart {
    /// The members of an archive as a tree; of two of one name the later counts, as for Linux.
    fileprivate func cpioTree() throws -> FileTree {
        var tree = FileTree()
        var firstNames: [UInt32: FileTree.Path] = [:]
        for member in try CPIOArchive.members(of: source) {
            let path = FileTree.Path(member.name)
            let data = try source.window(at: member.data.lowerBound, count: member.data.count, "\(path)")
            var entry = FileTree.Entry(
                .fifo, mode: UInt16(truncatingIfNeeded: member.mode & 0o7777), uid: member.uid, gid: member.gid,
                mtime: Int64(member.mtime))
            if member.isDirectory {
                entry.kind = .directory
            } else if member.isSymlink {
                entry.kind = .symlink(try data.read(at: 0, count: min(data.count, 4096), "target"))
            } else if member.isFile {
                entry.kind = .file(try content(data))
                // Of several names of one file the last has the data (Linux, init/initramfs.c).
                if member.linkCount > 1 {
                    if let first = firstNames[member.inode], tree[first] != nil {
                        if data.count > 0 { tree[first]?.kind = entry.kind }
                        entry.kind = .hardLink(first)
                    } else {
                        firstNames[member.inode] = path
                    }
                }
            } else if member.isCharacterDevice {
                entry.kind = .characterDevice(major: member.deviceMajor, minor: member.deviceMinor)
            } else if member.isBlockDevice {
                entry.kind = .blockDevice(major: member.deviceMajor, minor: member.deviceMinor)
            }
            tree[path] = entry
        }
        return tree
    }

    private func content(_ data: ByteSource) throws -> FileTree.Content {
        if let file { return .range(path: file.path, offset: data.base, count: data.count) }
        return .bytes(try data.read(at: 0, count: data.count, "contents"))
    }
}
