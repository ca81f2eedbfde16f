private import Bytes
public import Files

extension CPIOArchive {
    /// How an initrd is written.
    public enum Compression: String, Sendable, CaseIterable {
        case none
        /// LZ4 in the legacy frame, by our own encoder.
        case lz4
    }

    /// Appends the archive of a tree to a file, compressed as asked.
    ///
    /// Linux unpacks archives in a row, each compressed or not; early microcode must come first and must not be
    /// compressed.
    public static func write(
        _ tree: FileTree, epoch: UInt32, compression: Compression, to file: OutputFile
    ) throws {
        switch compression {
        case .none: try write(tree, epoch: epoch, to: file)
        case .lz4:
            var frame = try LZ4FrameWriter(file)
            try write(tree, epoch: epoch) { try frame.append($0) }
            try frame.finish()
        }
    }

    /// Whom microcode is for, as CPUID names it; Linux finds it by this name.
    public enum MicrocodeVendor: String, Sendable, CaseIterable {
        case amd = "AuthenticAMD"
        case intel = "GenuineIntel"
    }

    /// The tree of early microcode (Linux, Documentation/arch/x86/microcode.rst): one file a vendor, of all its blobs
    /// in byte order of their names.
    ///
    /// Its archive, uncompressed, stands in front of the initrd's own.
    public static func earlyMicrocode(
        _ blobs: [MicrocodeVendor: [(name: [UInt8], content: FileTree.Content)]]
    ) -> FileTree {
        var tree = FileTree()
        for path in ["kernel", "kernel/x86", "kernel/x86/microcode"] {
            tree[FileTree.Path(path)] = .init(.directory, mode: 0o755)
        }
        for (vendor, files) in blobs where !files.isEmpty {
            let sorted = files.sorted { $0.name.lexicographicallyPrecedes($1.name) }.map(\.content)
            tree[FileTree.Path("kernel/x86/microcode/\(vendor.rawValue).bin")] = .init(
                .file(sorted.count == 1 ? sorted[0] : .pieces(sorted)), mode: 0o644)
        }
        return tree
    }
}

/// One archive of an initrd.
public struct InitrdArchive: Sendable {
    /// Its place in the initrd, in bytes, compressed if it is.
    public var range: Range<Int>
    /// How it is compressed; nil if it is not.
    public var compression: InitrdCompression?
    /// Its bytes without compression, where the members' data is.
    public var contents: ByteSource
    public var members: [CPIOMember]
}

/// Compressions that Linux undoes around an initrd, by their first bytes.
public enum InitrdCompression: String, Sendable, CaseIterable {
    case gzip, xz, zstd, lz4, bzip2, lzma, lzo

    /// What a stream starts with.
    public var magic: [UInt8] {
        switch self {
        case .gzip: [0x1F, 0x8B]
        case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
        case .lz4: LZ4LegacyFrame.magic
        case .bzip2: Array("BZh".utf8)
        case .lzma: [0x5D, 0x00, 0x00]
        case .lzo: [0x89, 0x4C, 0x5A, 0x4F]
        }
    }

    /// Decompresses a whole stream that gives at most `limit` bytes; `source` names it in errors.
    public typealias Decompressor =
        @Sendable (_ compression: InitrdCompression, _ stream: [UInt8], _ source: String, _ limit: Int) throws ->
        [UInt8]
}

extension CPIOArchive {
    /// Largest compressed archive that is read, in bytes, before and after.
    public static let compressedLimit = 1 << 30

    /// The archives of an initrd in their order, each compressed or not.
    ///
    /// A compressed archive goes up to the initrd's end. LZ4 is undone here, everything else by `decompressor`, which
    /// refuses what it does not know.
    public static func archives(
        of source: ByteSource, decompressor: InitrdCompression.Decompressor
    ) throws -> [InitrdArchive] {
        var result: [InitrdArchive] = []
        var offset = try skipZeros(in: source, from: 0)
        while offset < source.count {
            let head = try source.read(at: offset, count: min(6, source.count - offset), "first bytes of an archive")
            if let compression = InitrdCompression.allCases.first(where: { head.starts(with: $0.magic) }) {
                let contents = try plain(of: source, from: offset, compression, decompressor)
                result.append(
                    InitrdArchive(
                        range: offset..<source.count, compression: compression, contents: contents,
                        members: try members(of: contents)))
                return result
            }
            let (members, end) = try archive(of: source, at: offset)
            result.append(InitrdArchive(range: offset..<end, compression: nil, contents: source, members: members))
            offset = try skipZeros(in: source, from: end)
        }
        return result
    }

    private static func plain(
        of source: ByteSource, from offset: Int, _ compression: InitrdCompression,
        _ decompressor: InitrdCompression.Decompressor
    ) throws -> ByteSource {
        let count = source.count - offset
        guard count <= compressedLimit else {
            throw FormatError(
                source: source.name, offset: source.base + offset, field: "compressed archive",
                found: "\(count) bytes", expected: "at most \(compressedLimit)")
        }
        let stream = try source.read(at: offset, count: count, "compressed archive")
        let name = "\(source.name) (\(compression.rawValue))"
        let plain =
            compression == .lz4
            ? try LZ4LegacyFrame.decode(stream, source: source.name, limit: compressedLimit)
            : try decompressor(compression, stream, source.name, compressedLimit)
        return ByteSource(plain, name: name)
    }
}
