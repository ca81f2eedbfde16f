public import Bytes

/// One ACPI table (ACPI 6.5, section 5.2.6).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | signature |
/// | 4 | 4 | length in bytes, with the header |
/// | 8 | 1 | revision |
/// | 9 | 1 | checksum: all bytes add up to zero |
/// | 10 | 26 | OEM and creator ids and revisions |
///
/// FACS alone has no more of it than signature and length.
public struct ACPITable: Hashable, Sendable {
    /// Header of all tables but FACS, in bytes.
    public static let headerSize = 36

    /// Four capital letters or digits.
    public var signature: String
    /// The whole table with its header.
    public var bytes: [UInt8]

    /// What the checksum says.
    public enum Checksum: String, Sendable {
        /// The table has none (FACS).
        case none
        /// Zero in a table that is not linked yet: whoever links it fills it in.
        case unset
        case right
        case wrong
    }

    public init(signature: String, bytes: [UInt8]) {
        self.signature = signature
        self.bytes = bytes
    }

    /// Reads the table at the reader's position.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        let start = reader.position
        let name = try reader.bytes(4, "signature")
        guard name.allSatisfy({ (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }) else {
            throw reader.error("signature", found: name.hex, expected: "four capital letters or digits", at: start)
        }
        signature = String(decoding: name, as: UTF8.self)
        let least = signature == "FACS" ? 64 : Self.headerSize
        let length = Int(try reader.read("\(signature).length", as: UInt32.self))
        guard length >= least, length - 8 <= reader.remaining else {
            throw reader.error(
                "\(signature).length", found: "\(length)",
                expected: "\(least) to \(reader.remaining + 8) bytes", at: start + 4)
        }
        try reader.seek(to: start, signature)
        bytes = try reader.bytes(length, signature)
        guard checksum != .wrong else {
            throw reader.error(
                "\(signature).checksum", found: hexadecimal(bytes[9]), expected: hexadecimal(bytes[9] &- sum),
                at: start + 9)
        }
    }

    private var sum: UInt8 { bytes.reduce(0, &+) }

    public var checksum: Checksum {
        if signature == "FACS" { return .none }
        if sum == 0 { return .right }
        return bytes.count > 9 && bytes[9] == 0 ? .unset : .wrong
    }

    /// Writes the number of bytes into the header.
    mutating func updateLength() {
        var writer = ByteWriter()
        writer.append(UInt32(truncatingIfNeeded: bytes.count))
        bytes.replaceSubrange(4..<8, with: writer.bytes)
    }
}
