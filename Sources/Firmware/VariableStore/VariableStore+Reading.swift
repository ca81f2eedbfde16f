public import Bytes

extension VariableStore {
    static let volumeHeaderSize = 0x48
    static let storeHeaderSize = 28
    private static let variableHeaderSize = 60

    /// Reads the store at the start of `reader`, which may hold more than it (a whole firmware image).
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        let size = try Self.storeSize(&reader)
        var store = try reader.slice(size, "variable store")
        variables = []
        var superseded: [Variable] = []
        while store.remaining >= Self.variableHeaderSize {
            let start = store.position
            let marker = try store.read("VARIABLE_HEADER.StartId", as: UInt16.self)
            guard marker != 0xFFFF else { break }
            guard marker == 0x55AA else {
                throw store.error(
                    "VARIABLE_HEADER.StartId", found: hexadecimal(marker), expected: "0x55aa, or 0xffff after the last",
                    at: start)
            }
            let (state, variable) = try Self.variable(&store)
            // A variable that is being replaced counts until its successor is complete.
            switch state {
            case 0x3F: variables.append(variable)
            case 0x3E: superseded.append(variable)
            default: break
            }
            let next = store.position.roundedUp(toMultipleOf: 4)
            guard next <= store.count else { break }
            try store.seek(to: next, "VARIABLE_HEADER")
        }
        for old in superseded where value(old.name, old.vendor) == nil { variables.append(old) }
    }

    /// Reads both headers; gives the number of bytes for variables after them.
    private static func storeSize(_ reader: inout ByteReader) throws(FormatError) -> Int {
        try reader.expectZeros(16, "EFI_FIRMWARE_VOLUME_HEADER.ZeroVector")
        try reader.expect("EFI_FIRMWARE_VOLUME_HEADER.FileSystemGuid", bytes: GUID.nonVolatileVolume.bytes)
        let length = try reader.read("EFI_FIRMWARE_VOLUME_HEADER.FvLength", as: UInt64.self)
        try reader.expect("EFI_FIRMWARE_VOLUME_HEADER.Signature", bytes: Array("_FVH".utf8))
        try reader.skip(4, "EFI_FIRMWARE_VOLUME_HEADER.Attributes")
        let header = try reader.read("EFI_FIRMWARE_VOLUME_HEADER.HeaderLength", as: UInt16.self)
        guard header == volumeHeaderSize, length <= reader.count else {
            throw reader.error(
                "EFI_FIRMWARE_VOLUME_HEADER", found: "a header of \(header), a volume of \(hexadecimal(length)) bytes",
                expected: "\(volumeHeaderSize), at most \(hexadecimal(reader.count))", at: reader.position - 2)
        }
        try reader.skip(volumeHeaderSize - reader.position, "EFI_FIRMWARE_VOLUME_HEADER")
        try reader.expect("VARIABLE_STORE_HEADER.Signature", bytes: GUID.authenticatedVariables.bytes)
        let size = try reader.read("VARIABLE_STORE_HEADER.Size", as: UInt32.self)
        try reader.expect("VARIABLE_STORE_HEADER.Format", UInt8(0x5A))
        try reader.expect("VARIABLE_STORE_HEADER.State", UInt8(0xFE))
        try reader.skip(6, "VARIABLE_STORE_HEADER.Reserved")
        guard size >= storeHeaderSize, Int(size) - storeHeaderSize <= reader.remaining else {
            throw reader.error(
                "VARIABLE_STORE_HEADER.Size", found: hexadecimal(size),
                expected: "\(storeHeaderSize) to \(hexadecimal(reader.remaining + storeHeaderSize))",
                at: reader.position - 12)
        }
        return Int(size) - storeHeaderSize
    }

    /// | size | field of AUTHENTICATED_VARIABLE_HEADER |
    /// |---|---|
    /// | 2, 1, 1 | 0x55AA, state, reserved |
    /// | 4, 8, 16, 4 | attributes, monotonic count, time, public key index |
    /// | 4, 4, 16 | size of the name with NUL, size of the data, vendor GUID |
    private static func variable(
        _ reader: inout ByteReader
    ) throws(FormatError) -> (state: UInt8, variable: Variable) {
        let state = try reader.read("VARIABLE_HEADER.State", as: UInt8.self)
        try reader.skip(1, "VARIABLE_HEADER.Reserved")
        let attributes = try reader.read("VARIABLE_HEADER.Attributes", as: UInt32.self)
        try reader.skip(28, "VARIABLE_HEADER.TimeStamp")
        let nameSize = try reader.read("VARIABLE_HEADER.NameSize", as: UInt32.self)
        let dataSize = try reader.read("VARIABLE_HEADER.DataSize", as: UInt32.self)
        let vendor = try reader.guid("VARIABLE_HEADER.VendorGuid")
        guard nameSize >= 2, nameSize.isMultiple(of: 2) else {
            throw reader.error(
                "VARIABLE_HEADER.NameSize", found: "\(nameSize)", expected: "an even number from 2 on",
                at: reader.position - 24)
        }
        let name = try reader.bytes(Int(nameSize), "variable name")
        let units = stride(from: 0, to: name.count - 2, by: 2).map { UInt16(name[$0]) | UInt16(name[$0 + 1]) << 8 }
        let data = try reader.bytes(Int(dataSize), "variable data")
        return (
            state,
            Variable(
                vendor: vendor, name: String(decoding: units, as: UTF16.self), attributes: attributes, data: data)
        )
    }
}
