public import Bytes

/// An SMBIOS structure table (DMTF DSP0134, section 6): structures of a header, fields and a set of strings.
public struct SMBIOSTable: Hashable, Sendable {
    public var structures: [Structure]

    public init(_ structures: [Structure]) { self.structures = structures }

    /// One structure.
    ///
    /// | size | field |
    /// |---|---|
    /// | 1 | type |
    /// | 1 | length of the formatted area with these four bytes |
    /// | 2 | handle |
    /// | n | fields |
    /// | m | strings, each ended by NUL; one more NUL after the last, two if there are none |
    public struct Structure: Hashable, Sendable {
        /// The formatted area, header included: at least 4 bytes, `formatted[1]` of them.
        public var formatted: [UInt8]
        /// The strings' bytes without the final NUL; strings are counted from 1.
        public var strings: [[UInt8]]

        public init(formatted: [UInt8], strings: [[UInt8]]) {
            self.formatted = formatted
            self.strings = strings
        }

        public var type: UInt8 { formatted[0] }

        /// The structure's bytes.
        public var encoded: [UInt8] {
            var bytes = formatted
            for string in strings { bytes += string + [0] }
            bytes += strings.isEmpty ? [0, 0] : [0]
            return bytes
        }
    }

    /// Reads structures up to the end of `reader`, or up to and with the end-of-table structure (type 127).
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        structures = []
        while !reader.isAtEnd {
            let structure = try Structure(parsing: &reader)
            structures.append(structure)
            if structure.type == 127 { break }
        }
    }

    public var encoded: [UInt8] { structures.flatMap(\.encoded) }
}

extension SMBIOSTable.Structure {
    init(parsing reader: inout ByteReader) throws(FormatError) {
        let start = reader.position
        let header = try reader.bytes(4, "SMBIOS structure header")
        guard header[1] >= 4 else {
            throw reader.error(
                "SMBIOS structure length", found: "\(header[1])", expected: "at least 4", at: start + 1)
        }
        formatted = header + (try reader.bytes(Int(header[1]) - 4, "SMBIOS structure of type \(header[0])"))
        strings = []
        while true {
            var string: [UInt8] = []
            while true {
                let byte = try reader.read("SMBIOS string", as: UInt8.self)
                if byte == 0 { break }
                string.append(byte)
            }
            if string.isEmpty {
                if strings.isEmpty { try reader.expectZeros(1, "end of the SMBIOS string set") }
                return
            }
            strings.append(string)
        }
    }
}
