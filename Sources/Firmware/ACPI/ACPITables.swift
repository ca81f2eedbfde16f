public import Bytes

/// Tables one after the other, as QEMU's item `etc/acpi/tables` holds them before firmware links them.
public struct ACPITables: Hashable, Sendable {
    /// QEMU pads the item with zeros to a multiple of this many bytes (`ACPI_BUILD_TABLE_SIZE`).
    public static let blockSize = 0x20000
    /// Largest item that is read.
    public static let maximumByteCount = 1 << 24
    /// The item's name.
    public static let itemName = "etc/acpi/tables"

    /// In the order of the item.
    public var tables: [ACPITable]

    public init(tables: [ACPITable]) { self.tables = tables }

    /// Reads tables up to the end or up to padding, which must be zeros.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        guard reader.remaining <= Self.maximumByteCount else {
            throw reader.error("tables", found: "\(reader.remaining) bytes", expected: "at most 16 MiB")
        }
        tables = []
        while !reader.isAtEnd {
            if !tables.isEmpty, try reader.next("padding") == 0 { break }
            guard tables.count < 256 else {
                throw reader.error("tables", found: "more than 256 tables", expected: "at most 256")
            }
            tables.append(try ACPITable(parsing: &reader))
        }
        guard !tables.isEmpty else {
            throw reader.error("tables", found: "none", expected: "an ACPI table")
        }
        try reader.expectZeros(reader.remaining, "padding")
    }

    /// Reads an item's bytes.
    public init(_ bytes: [UInt8], source: String = itemName) throws(FormatError) {
        self = try bytes.withReader(source: source) { (reader) throws(FormatError) in
            try ACPITables(parsing: &reader)
        }
    }

    /// Every table with its offset in the item.
    public var placed: [(offset: Int, table: ACPITable)] {
        var offset = 0
        return tables.map { table in
            defer { offset += table.bytes.count }
            return (offset, table)
        }
    }

    /// The bytes without padding.
    public var unpadded: [UInt8] { tables.flatMap(\.bytes) }

    /// The item's bytes as QEMU pads them.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(unpadded)
        writer.pad(toMultipleOf: Self.blockSize)
        return writer.bytes
    }

    /// The only table with this signature; nil if there is none or several.
    public subscript(signature: String) -> ACPITable? {
        let found = tables.filter { $0.signature == signature }
        return found.count == 1 ? found.first : nil
    }

    /// Replaces the table that has the same signature.
    mutating func replace(_ table: ACPITable) {
        guard let index = tables.firstIndex(where: { $0.signature == table.signature }) else { return }
        tables[index] = table
    }
}

extension ByteReader {
    /// The next byte, which stays unread.
    func next(_ field: String) throws(FormatError) -> UInt8 {
        var window = try window(at: position, count: 1, field)
        return try window.read(field)
    }
}
