public import Archives
internal import Bytes
internal import Files

/// One member of a layer (image-spec, layer.md) with a clean path.
public struct OCILayerEntry: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case directory
        /// A file; `reader` has its bytes while the entry is visited.
        case file(size: Int)
        case symlink([UInt8])
        /// Another name of a file of this layer or of one below.
        case hardLink([[UInt8]])
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
        case fifo
        /// `.wh.NAME`: what lower layers have under the path is gone.
        case whiteout
        /// `.wh..wh..opq` in the directory of the path: what lower layers have in it is gone.
        case opaque
    }

    /// Names from the root on; empty for the root itself. A whiteout's path is that of what it hides.
    public var path: [[UInt8]]
    public var kind: Kind
    public var mode: UInt16
    public var uid: UInt32
    public var gid: UInt32
    public var xattrs: [TarEntry.Attribute]
    /// The path for messages.
    public var displayPath: String { "/" + String(decoding: Array(path.joined(separator: [0x2F])), as: UTF8.self) }
}

/// Reads an uncompressed layer and refuses what no image may hold.
///
/// - Names are relative; `..`, names of more than 255 bytes and paths of more than 4095 are refused. A hard link's
///   target follows the same rules; a symbolic link's target may be anything, as it is only followed in the guest.
/// - `.wh.` hides one name of lower layers, `.wh..wh..opq` all that they have in the directory; neither may hide the
///   root, and other names that start with `.wh..wh.` are refused.
/// - No path comes twice in a layer, except directories (the last one counts) and whiteouts beside what replaces them.
public struct OCILayerReader: Sendable {
    /// The layer, for errors.
    public var source: String
    private static let whiteout = Array(".wh.".utf8)
    private static let reserved = Array(".wh..wh.".utf8)
    private static let opaque = Array(".wh..wh..opq".utf8)

    public init(source: String) { self.source = source }

    /// Gives `body` every member of the archive in the file at `path`, in stored order.
    public func forEachEntry(
        of path: String, _ body: (OCILayerEntry, inout ArchiveReader) throws -> Void
    ) throws {
        let file = try MappedFile(path)
        var seen: Set<[[UInt8]]> = []
        try file.withBytes { (bytes: RawSpan) throws in
            try TarArchive.forEachEntry(in: bytes, source: source, limits: OCIImage.Layer.expansion) { member, reader in
                let entry = try entry(of: member)
                switch entry.kind {
                case .directory, .whiteout, .opaque: break
                default:
                    guard seen.insert(entry.path).inserted else {
                        throw error(member, "the same path twice", expected: "one entry for a path in a layer")
                    }
                }
                try body(entry, &reader)
            }
        }
    }

    private func entry(of member: TarEntry) throws(FormatError) -> OCILayerEntry {
        var path = try names(member.path, of: member)
        let kind: OCILayerEntry.Kind
        if let name = path.last, name.starts(with: Self.whiteout) {
            path.removeLast()
            kind = try whiteout(name, &path, member)
        } else {
            kind = try self.kind(of: member)
        }
        if path.isEmpty, ![.directory, .opaque].contains(kind) {
            throw error(member, "something else in place of the root", expected: "a directory")
        }
        return OCILayerEntry(
            path: path, kind: kind, mode: member.mode, uid: member.uid, gid: member.gid, xattrs: member.xattrs)
    }

    private func whiteout(
        _ name: [UInt8], _ path: inout [[UInt8]], _ member: TarEntry
    ) throws(FormatError) -> OCILayerEntry.Kind {
        if name == Self.opaque { return .opaque }
        guard !name.starts(with: Self.reserved) else {
            throw error(member, "a reserved name", expected: ".wh..wh..opq or .wh. and a name")
        }
        let hidden = Array(name.dropFirst(Self.whiteout.count))
        guard !hidden.isEmpty, hidden != [0x2E], hidden != [0x2E, 0x2E] else {
            throw error(member, "a whiteout of the directory itself", expected: ".wh. and the name of an entry")
        }
        path.append(hidden)
        return .whiteout
    }

    private func kind(of member: TarEntry) throws(FormatError) -> OCILayerEntry.Kind {
        switch member.kind {
        case .directory: return .directory
        case .file(let size): return .file(size: size)
        case .symlink(let target):
            guard (1...4095).contains(target.count) else {
                throw error(member, "a link of \(target.count) bytes", expected: "1 to 4095 bytes")
            }
            return .symlink(target)
        case .hardLink(let target):
            let names = try names(target, of: member)
            guard !names.isEmpty else { throw error(member, "a hard link to the root", expected: "a file's path") }
            return .hardLink(names)
        case .characterDevice(0, 0):
            throw error(
                member, "a device 0:0, the whiteout of an overlay file system", expected: "a file named .wh.NAME")
        case .characterDevice(let major, let minor): return .characterDevice(major: major, minor: minor)
        case .blockDevice(let major, let minor): return .blockDevice(major: major, minor: minor)
        case .fifo: return .fifo
        }
    }

    private func names(_ path: [UInt8], of member: TarEntry) throws(FormatError) -> [[UInt8]] {
        guard path.first != UInt8(ascii: "/") else {
            throw error(member, "an absolute path", expected: "a path relative to the root")
        }
        guard path.count <= 4095 else {
            throw error(member, "a path of \(path.count) bytes", expected: "at most 4095")
        }
        let names = path.split(separator: UInt8(ascii: "/")).map { Array($0) }.filter { $0 != [0x2E] }
        guard !names.contains([0x2E, 0x2E]) else {
            throw error(member, "'..' in a path", expected: "a path inside the root")
        }
        guard names.allSatisfy({ $0.count <= 255 }) else {
            throw error(member, "a name of more than 255 bytes", expected: "at most 255")
        }
        return names
    }

    private func error(_ member: TarEntry, _ found: String, expected: String) -> FormatError {
        FormatError(source: source, field: member.displayPath, found: found, expected: expected)
    }
}
