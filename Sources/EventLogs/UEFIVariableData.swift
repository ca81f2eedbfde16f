public import Bytes

/// `UEFI_VARIABLE_DATA` (PFP, section 10.4.2.6): the event data of every event about a UEFI variable.
///
/// | size | field |
/// |---|---|
/// | 16 | vendor GUID |
/// | 8 | number of UTF-16 units of the name, without NUL |
/// | 8 | size of the data in bytes |
/// | 2n | name |
/// | m | data |
public struct UEFIVariableData: Hashable, Sendable {
    public var vendor: GUID
    public var name: String
    /// The variable's value; empty for one that does not exist.
    public var data: [UInt8]

    public init(vendor: GUID, name: String, data: [UInt8] = []) {
        self.vendor = vendor
        self.name = name
        self.data = data
    }

    public init(parsing reader: inout ByteReader) throws(FormatError) {
        vendor = try reader.guid("UEFI_VARIABLE_DATA.VariableName")
        let units = try reader.read("UEFI_VARIABLE_DATA.UnicodeNameLength", as: UInt64.self)
        let size = try reader.read("UEFI_VARIABLE_DATA.VariableDataLength", as: UInt64.self)
        guard units <= 1024, let dataSize = Int(exactly: size) else {
            throw reader.error(
                "UEFI_VARIABLE_DATA", found: "a name of \(units) units and \(size) bytes of data",
                expected: "a name of at most 1024 units and data inside the event", at: reader.position - 16)
        }
        name = try reader.utf16(units: Int(units), "UEFI_VARIABLE_DATA.UnicodeName")
        data = try reader.bytes(dataSize, "UEFI_VARIABLE_DATA.VariableData")
        try reader.finish("UEFI_VARIABLE_DATA")
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(vendor.bytes)
        writer.append(UInt64(name.utf16.count))
        writer.append(UInt64(data.count))
        writer.append(utf16: name)
        writer.append(data)
        return writer.bytes
    }
}

extension ByteReader {
    /// Reads `units` UTF-16LE units; lone surrogates become U+FFFD.
    mutating func utf16(units: Int, _ field: String) throws(FormatError) -> String {
        var values: [UInt16] = []
        values.reserveCapacity(min(units, remaining / 2))
        for _ in 0..<units { values.append(try read(field)) }
        return String(decoding: values, as: UTF16.self)
    }

    /// Reads UTF-16LE up to a NUL unit, which is consumed.
    mutating func utf16Terminated(_ field: String) throws(FormatError) -> String {
        var values: [UInt16] = []
        while true {
            let unit = try read(field, as: UInt16.self)
            if unit == 0 { return String(decoding: values, as: UTF16.self) }
            values.append(unit)
        }
    }
}
