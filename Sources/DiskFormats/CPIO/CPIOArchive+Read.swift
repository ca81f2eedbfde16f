private import Bytes
public import Files

extension CPIOArchive {
    /// More members than any initrd has; an archive beyond that is refused.
    public static let memberLimit = 1 << 20

    /// The members of one newc archive or of several in a row with zero bytes between them, as Linux accepts them.
    ///
    /// Trailers are left out. Throws `FormatError` on what is neither a member nor zeros: a compressed archive must be
    /// decompressed before.
    public static func members(of source: ByteSource) throws -> [CPIOMember] {
        var members: [CPIOMember] = []
        var offset = try skipZeros(in: source, from: 0)
        while offset < source.count {
            let (more, end) = try archive(of: source, at: offset, limit: memberLimit - members.count)
            members += more
            offset = try skipZeros(in: source, from: end)
        }
        return members
    }

    /// The members of the archive at `offset`, and where it ends.
    static func archive(
        of source: ByteSource, at offset: Int, limit: Int = memberLimit
    ) throws -> (members: [CPIOMember], end: Int) {
        var members: [CPIOMember] = []
        var offset = offset
        while true {
            let (member, next) = try member(of: source, at: offset)
            offset = next
            if member.name == trailerName { return (members, offset) }
            guard members.count < limit else {
                throw FormatError(
                    source: source.name, offset: source.base + offset, field: "cpio archive",
                    found: "more than \(memberLimit) members", expected: "fewer")
            }
            members.append(member)
        }
    }

    private static func member(of source: ByteSource, at offset: Int) throws -> (CPIOMember, next: Int) {
        var member = CPIOMember()
        let (nameSize, fileSize) = try source.withReader(at: offset, count: headerByteCount, "cpio header") {
            (reader) throws in try header(&reader, into: &member)
        }
        let nameOffset = offset + headerByteCount
        var name = try source.read(at: nameOffset, count: nameSize, "cpio name")
        guard name.popLast() == 0, !name.contains(0), !name.isEmpty else {
            throw FormatError(
                source: source.name, offset: source.base + nameOffset, field: "cpio name",
                found: name.hex, expected: "a name with one NUL at its end")
        }
        member.name = name
        let data = (nameOffset + nameSize - offset).roundedUp(toMultipleOf: 4) + offset
        _ = try source.window(at: data, count: fileSize, "cpio data of \(String(decoding: name, as: UTF8.self))")
        member.data = data..<data + fileSize
        // The very last member of a file may lack its padding.
        return (member, min(source.count, data + fileSize.roundedUp(toMultipleOf: 4)))
    }

    private static func header(
        _ reader: inout ByteReader, into member: inout CPIOMember
    ) throws(FormatError) -> (nameSize: Int, fileSize: Int) {
        let magic = try reader.bytes(6, "cpio magic")
        guard magic == Self.magic else {
            throw reader.error(
                "cpio magic", found: magic.hex, expected: "070701 in ASCII (newc)", at: 0,
                hint: "decompress the archive first; other cpio kinds are not initrds")
        }
        member.inode = try number(&reader, "ino")
        member.mode = try number(&reader, "mode")
        member.uid = try number(&reader, "uid")
        member.gid = try number(&reader, "gid")
        member.linkCount = try number(&reader, "nlink")
        member.mtime = try number(&reader, "mtime")
        let fileSize = try number(&reader, "filesize")
        _ = try number(&reader, "devmajor")
        _ = try number(&reader, "devminor")
        member.deviceMajor = try number(&reader, "rdevmajor")
        member.deviceMinor = try number(&reader, "rdevminor")
        let nameSize = try number(&reader, "namesize")
        guard nameSize > 1, nameSize <= longestName else {
            throw reader.error("namesize", found: "\(nameSize)", expected: "2 to \(longestName)", at: 94)
        }
        _ = try number(&reader, "check")
        return (Int(nameSize), Int(fileSize))
    }

    private static func number(_ reader: inout ByteReader, _ field: String) throws(FormatError) -> UInt32 {
        let start = reader.position
        let digits = try reader.bytes(8, field)
        guard let bytes = [UInt8](hex: String(decoding: digits, as: UTF8.self)), bytes.count == 4 else {
            throw reader.error(field, found: digits.hex, expected: "eight hex digits", at: start)
        }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The offset of the next byte that is not zero.
    static func skipZeros(in source: ByteSource, from start: Int) throws -> Int {
        var offset = start
        while offset < source.count {
            let piece = try source.read(at: offset, count: min(4096, source.count - offset), "padding")
            if let index = piece.firstIndex(where: { $0 != 0 }) { return offset + index }
            offset += piece.count
        }
        return offset
    }
}
