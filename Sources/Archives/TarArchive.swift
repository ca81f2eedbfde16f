internal import Bytes
private import CLibArchive

/// One member of a tar archive (POSIX.1-2001 ustar and pax, GNU long names). Names are bytes as stored.
public struct TarEntry: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case directory
        /// A file; the reader has its `size` bytes.
        case file(size: Int)
        /// A symbolic link and its target.
        case symlink([UInt8])
        /// Another name of the member that was stored under this path.
        case hardLink([UInt8])
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
        case fifo
    }

    /// The member's path as stored, e.g. `./usr/bin/env`.
    public var path: [UInt8]
    public var kind: Kind
    /// Permission bits with setuid, setgid and sticky (07777).
    public var mode: UInt16
    public var uid: UInt32
    public var gid: UInt32
    /// Seconds since 1970.
    public var mtime: Int64
    /// Extended attributes in stored order.
    public var xattrs: [Attribute]

    public struct Attribute: Sendable, Hashable {
        public var name: [UInt8]
        public var value: [UInt8]
    }

    /// The path for messages.
    public var displayPath: String { String(decoding: path, as: UTF8.self) }
}

/// Reads tar archives. What a name may be is the caller's to judge: nothing is written anywhere.
public enum TarArchive {
    /// Gives `body` every member in stored order with a reader for its bytes.
    public static func forEachEntry(
        in bytes: [UInt8], compression: Compression, source: String, limits: ExpansionLimits,
        _ body: (TarEntry, inout ArchiveReader) throws -> Void
    ) throws {
        if compression == .gzip {
            // Its checksum stands at the end; the form is rare and small here, so it is decoded whole.
            let plain = try compression.decompress(bytes, source: source, limits: limits)
            return try forEachEntry(in: plain, compression: .none, source: source, limits: limits, body)
        }
        try forEachEntry(span: bytes.raw, compression: compression, source: source, limits: limits, body)
    }

    /// The same over bytes that are not compressed, such as those of a mapped file.
    public static func forEachEntry(
        in bytes: RawSpan, source: String, limits: ExpansionLimits,
        _ body: (TarEntry, inout ArchiveReader) throws -> Void
    ) throws {
        try forEachEntry(span: bytes, compression: .none, source: source, limits: limits, body)
    }

    private static func forEachEntry(
        span bytes: RawSpan, compression: Compression, source: String, limits: ExpansionLimits,
        _ body: (TarEntry, inout ArchiveReader) throws -> Void
    ) throws {
        try ArchiveReader.withReader(
            over: bytes, compression: compression, format: .tar, source: source, limits: limits
        ) { reader in
            while try reader.nextHeader() { try body(try reader.entry(), &reader) }
        }
    }
}

extension TarEntry {
    /// Takes over libarchive's header.
    init(_ header: OpaquePointer, source: String) throws(FormatError) {
        guard let path = unsafe Self.bytes(archive_entry_pathname(header)), !path.isEmpty else {
            throw FormatError(source: source, field: "member name", found: "none", expected: "a name")
        }
        let name = String(decoding: path, as: UTF8.self)
        self.path = path
        kind = try unsafe Self.kind(header, source: source, name: name)
        mode = UInt16(truncatingIfNeeded: unsafe archive_entry_perm(header)) & 0o7777
        guard let uid = UInt32(exactly: unsafe archive_entry_uid(header)),
            let gid = UInt32(exactly: unsafe archive_entry_gid(header))
        else {
            throw FormatError(source: source, field: "\(name): owner", found: "", expected: "32-bit uid and gid")
        }
        self.uid = uid
        self.gid = gid
        mtime = Int64(unsafe archive_entry_mtime(header))
        xattrs = unsafe Self.xattrs(header)
    }

    private static func kind(_ header: OpaquePointer, source: String, name: String) throws(FormatError) -> Kind {
        if let target = unsafe bytes(archive_entry_hardlink(header)) { return .hardLink(target) }
        let major = UInt32(truncatingIfNeeded: unsafe archive_entry_rdevmajor(header))
        let minor = UInt32(truncatingIfNeeded: unsafe archive_entry_rdevminor(header))
        // The S_IF values of stat(2), which libarchive uses on every system.
        switch unsafe UInt32(archive_entry_filetype(header)) {
        case 0o040000: return .directory
        case 0o100000: return .file(size: Int(clamping: unsafe archive_entry_size(header)))
        case 0o120000:
            guard let target = unsafe bytes(archive_entry_symlink(header)) else {
                throw FormatError(source: source, field: "\(name): link target", found: "none", expected: "a path")
            }
            return .symlink(target)
        case 0o020000: return .characterDevice(major: major, minor: minor)
        case 0o060000: return .blockDevice(major: major, minor: minor)
        case 0o010000: return .fifo
        case let other:
            throw FormatError(
                source: source, field: "\(name): type", found: "0\(String(other, radix: 8))",
                expected: "file, directory, link, device or fifo")
        }
    }

    private static func xattrs(_ header: OpaquePointer) -> [Attribute] {
        guard unsafe archive_entry_xattr_reset(header) > 0 else { return [] }
        var result: [Attribute] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var count = 0
        while unsafe archive_entry_xattr_next(header, &name, &value, &count) == ARCHIVE_OK {
            let stored = unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: count))
            result.append(Attribute(name: unsafe bytes(name) ?? [], value: stored))
        }
        return result
    }

    /// A C string's bytes, whatever their encoding.
    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
        guard let text = unsafe text else { return nil }
        var result: [UInt8] = []
        var index = 0
        while unsafe text[index] != 0 {
            result.append(UInt8(bitPattern: unsafe text[index]))
            index += 1
        }
        return result
    }
}
