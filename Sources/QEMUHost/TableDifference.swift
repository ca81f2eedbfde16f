private import Bytes

/// Names the place at which two captures of an item part.
public enum TableDifference {
    /// One line: item, table and offset of the first byte that differs, and both values; nil if they are equal.
    public static func describe(_ name: String, pinned: [UInt8], found: [UInt8]) -> String? {
        guard pinned != found else { return nil }
        guard pinned.count == found.count else {
            return "\(name): pinned \(pinned.count) bytes, found \(found.count)"
        }
        guard let offset = zip(pinned, found).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset else {
            return nil
        }
        let count = zip(pinned, found).count { $0 != $1 }
        var text = "\(name)+\(hexadecimal(offset))"
        if name == "etc/acpi/tables", let table = table(at: offset, in: pinned) { text += " (\(table))" }
        if name == "etc/table-loader" { text += " (command \(offset / 128 + 1))" }
        return text + ": pinned \(hexadecimal(pinned[offset])), found \(hexadecimal(found[offset])); "
            + "\(count) bytes differ"
    }

    /// The ACPI table that holds `offset`, by walking headers of signature and u32 length from the start.
    private static func table(at offset: Int, in tables: [UInt8]) -> String? {
        var start = 0
        while start + 8 <= tables.count {
            let signature = tables[start..<start + 4]
            let length = tables[start + 4..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard signature.allSatisfy({ (0x20...0x7E).contains($0) }), length >= 8, length <= tables.count - start
            else { return nil }
            if offset < start + length {
                return "\(String(decoding: signature, as: UTF8.self))+\(hexadecimal(offset - start))"
            }
            start += length
        }
        return nil
    }
}
