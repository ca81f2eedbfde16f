import DiskFormats
import Documents
import Files
import Hashing

extension FileRecognizer {
    /// An initrd: one cpio archive or several in a row, of which the last may be compressed.
    static let cpio = FileRecognizer(
        kind: "cpio archive", matches: { $0.begins(with: "070701") }, describe: { try initrd(ByteSource($0.file)) })

    /// An initrd that is compressed from its start.
    static let compressedCPIO = FileRecognizer(
        kind: "compressed cpio archive",
        matches: { file in
            [.gzip, .xz, .zstd, .lz4].contains { (known: InitrdCompression) in
                file.head.starts(with: known.magic)
            }
        },
        describe: { try initrd(ByteSource($0.file)) })

    private static func initrd(_ source: ByteSource) throws -> [(String, Value)] {
        let archives = try CPIOArchive.archives(of: source, decompressor: BlockDecompression.initrd)
        return [
            ("size", .count(source.count)), ("sha256", .string(try source.digest(.sha256).hex)),
            (
                "archives",
                .array(
                    of: archives.map { archive in
                        .object([
                            ("offset", .count(archive.range.lowerBound)), ("size", .count(archive.range.count)),
                            ("compression", .string(archive.compression?.rawValue ?? "none")),
                            ("members", .count(archive.members.count)),
                        ])
                    })
            ),
            ("members", .array(of: archives.flatMap(\.members).map(member))),
        ]
    }

    private static func member(_ member: CPIOMember) -> Value {
        .object([
            ("name", .string(String(decoding: member.name, as: UTF8.self))),
            ("mode", .string("0" + String(member.mode, radix: 8))), ("uid", .count(Int(member.uid))),
            ("gid", .count(Int(member.gid))), ("inode", .count(Int(member.inode))),
            ("mtime", .count(Int(member.mtime))), ("size", .count(member.data.count)),
        ])
    }
}

extension ByteSource {
    /// The digest of all bytes, read in pieces.
    func digest(_ algorithm: HashAlgorithm) throws -> Digest {
        var hash = Hash(algorithm)
        try forEachChunk { hash.update($0) }
        return hash.finish()
    }
}
