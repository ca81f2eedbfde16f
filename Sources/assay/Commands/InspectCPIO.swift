import DiskFormats
import Documents
import Files
import Hashing

extension FileRecognizer {
    /// An initrd: one cpio archive or several in a row, not compressed.
    static let cpio = FileRecognizer(
        kind: "cpio archive",
        matches: { $0.begins(with: "070701") },
        describe: { file in
            let source = ByteSource(file.file)
            let members = try CPIOArchive.members(of: source).map { member in
                Value.object([
                    ("name", .string(String(decoding: member.name, as: UTF8.self))),
                    ("mode", .string("0" + String(member.mode, radix: 8))), ("uid", .count(Int(member.uid))),
                    ("gid", .count(Int(member.gid))), ("inode", .count(Int(member.inode))),
                    ("mtime", .count(Int(member.mtime))), ("size", .count(member.data.count)),
                ])
            }
            return [
                ("size", .count(source.count)), ("sha256", .string(try source.digest(.sha256).hex)),
                ("members", .array(of: members)),
            ]
        })
}

extension ByteSource {
    /// The digest of all bytes, read in pieces.
    func digest(_ algorithm: HashAlgorithm) throws -> Digest {
        var hash = Hash(algorithm)
        try forEachChunk { hash.update($0) }
        return hash.finish()
    }
}
