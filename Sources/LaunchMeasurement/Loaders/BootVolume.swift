private import Bytes
public import DiskFormats
internal import Files

/// The files of an EFI system partition by path, found without regard to case, as firmware finds them.
public struct BootVolume: Sendable {
    /// A file: its path as the directory has it (`EFI/BOOT/BOOTX64.EFI`) and its bytes.
    struct File: Sendable {
        var path: String
        var contents: ByteSource

        /// The last part of the path.
        var name: String { String(path.split(separator: "/").last ?? "") }
    }

    private let files: [String: File]
    private let directories: Set<String>
    /// Number of the partition in the disk's table, from 1.
    let partition: Int
    /// Serial number of the file system as GRUB and udev write it: `1234-ABCD`.
    let serial: String

    /// Whether the disk has an XBOOTLDR partition, in which systemd's boot loader looks for entries too.
    let hasExtendedPartition: Bool

    /// - Parameters:
    ///   - tree: what the file system holds; contents stay where they are.
    ///   - partition: number of its partition in the disk's table, from 1.
    ///   - serial: the volume's serial number.
    ///   - hasExtendedPartition: whether the disk has an XBOOTLDR partition too.
    public init(_ tree: FileTree, partition: Int = 1, serial: UInt32 = 0, hasExtendedPartition: Bool = false) throws {
        self.hasExtendedPartition = hasExtendedPartition
        var files: [String: File] = [:]
        var directories: Set<String> = []
        for (path, entry) in tree.sorted {
            let text = String(decoding: path.bytes, as: UTF8.self)
            switch entry.kind {
            case .directory: directories.insert(Self.folded(text))
            case .file(let content):
                files[Self.folded(text)] = File(path: text, contents: try content.source(named: text))
            default: break
            }
        }
        self.files = files
        self.directories = directories
        self.partition = partition
        let digits = String(serial, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: 8 - digits.utf8.count) + digits
        self.serial = padded.prefix(4) + "-" + padded.suffix(4)
    }

    /// Upper-case letters of ASCII as lower-case ones, slashes of both kinds as one, none at either end.
    private static func folded(_ path: String) -> String {
        path.replacing("\\", with: "/").split(separator: "/").joined(separator: "/").asciiLowercased
    }

    /// The file at a path, with slashes of either kind.
    func file(_ path: String) -> File? { files[Self.folded(path)] }

    func hasDirectory(_ path: String) -> Bool { directories.contains(Self.folded(path)) }

    /// The files right inside a directory, in the order of their names.
    func list(_ directory: String) -> [File] {
        let prefix = Self.folded(directory) + "/"
        return files.filter { key, _ in key.hasPrefix(prefix) && !key.dropFirst(prefix.count).contains("/") }
            .sorted { $0.key < $1.key }.map(\.value)
    }
}

extension String {
    /// Letters of ASCII in lower case; others as they are.
    var asciiLowercased: String {
        String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
}

extension FileTree.Content {
    /// The bytes as a source, which reads them where they are.
    fileprivate func source(named name: String) throws -> ByteSource {
        switch self {
        case .bytes(let bytes): return ByteSource(bytes, name: name)
        case .range(let path, let offset, let count):
            return try ByteSource(path: path).window(at: offset, count: count, name).named(name)
        case .pieces(let pieces):
            return ByteSource(joining: try pieces.map { try $0.source(named: name) }, name: name)
        case .compressed, .squashFS:
            // Not on a volume that firmware reads.
            var bytes: [UInt8] = []
            try forEachChunk { bytes += [UInt8](copying: $0) }
            return ByteSource(bytes, name: name)
        }
    }
}
