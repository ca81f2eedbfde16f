internal import Bytes

/// The `ar` container of a .deb (deb(5)): members one after another, each with a header of 60 bytes of text.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 16 | name, padded with spaces, perhaps a slash at its end |
/// | 16 | 12 | time, decimal |
/// | 28 | 6 | owner |
/// | 34 | 6 | group |
/// | 40 | 8 | mode, octal |
/// | 48 | 10 | size in bytes, decimal |
/// | 58 | 2 | `` `\n `` |
enum UnixArchive {
    struct Member {
        var name: String
        /// Where its data lies in the archive.
        var range: Range<Int>
    }

    private static let magic = [UInt8]("!<arch>\n".utf8)

    /// Every member in order. Padding to even offsets must be a newline; nothing may follow the last member.
    static func members(of bytes: [UInt8], source: String) throws(FormatError) -> [Member] {
        try bytes.withReader(source: source) { (reader) throws(FormatError) in
            try reader.expect("ar magic", bytes: magic)
            var members: [Member] = []
            while !reader.isAtEnd { members.append(try member(&reader)) }
            return members
        }
    }

    private static func member(_ reader: inout ByteReader) throws(FormatError) -> Member {
        let start = reader.position
        let name = try text(&reader, 16, "ar member name")
        try reader.skip(32, "ar member header")
        let digits = try text(&reader, 10, "ar member size")
        guard let size = Int(digits), size >= 0, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw reader.error("ar member size", found: "'\(digits)'", expected: "decimal digits", at: start + 48)
        }
        try reader.expect("end of the ar member header", bytes: [0x60, 0x0A])
        let data = reader.position
        guard size <= reader.remaining else {
            throw reader.error(
                "member \(name)", found: "\(reader.remaining) bytes left", expected: "\(size) bytes",
                hint: "the file is cut short")
        }
        try reader.skip(size, "member \(name)")
        if !size.isMultiple(of: 2), !reader.isAtEnd { try reader.expect("ar padding", bytes: [0x0A]) }
        return Member(name: name.hasSuffix("/") ? String(name.dropLast()) : name, range: data..<data + size)
    }

    private static func text(_ reader: inout ByteReader, _ count: Int, _ field: String) throws(FormatError) -> String {
        let start = reader.position
        let bytes = try reader.bytes(count, field)
        guard bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw reader.error(field, found: bytes.hex, expected: "printable ASCII", at: start)
        }
        let end = bytes.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}
