extension SMBIOSTable {
    /// The table as edk2 hashes it (SmbiosMeasurementDxe): fields that name one machine or change from boot to boot are
    /// blanked, sizes stay. Structures of a vendor and the types that hold only such fields keep their header alone.
    public var measuredBytes: [UInt8] { structures.flatMap(\.measuredBytes) }
}

/// A field that does not enter the hash.
private enum Blanked {
    /// String number at this offset: the text becomes spaces, the number 0.
    case string(Int)
    /// Bytes that become zero.
    case bytes(Int, Int)
}

extension SMBIOSTable.Structure {
    /// Types of which only the header enters.
    private static let headerOnly: Set<UInt8> = [11, 15, 18, 31, 33]

    private static let blanked: [UInt8: [Blanked]] = [
        1: [.string(0x07), .bytes(0x08, 16), .bytes(0x18, 1)],
        2: [.string(0x07), .string(0x0A)],
        3: [.string(0x07), .string(0x08)],
        4: [
            .string(0x20), .string(0x21), .string(0x22), .bytes(0x11, 1), .bytes(0x16, 2), .bytes(0x23, 1),
            .bytes(0x24, 1), .bytes(0x25, 1), .bytes(0x2A, 2), .bytes(0x2C, 2), .bytes(0x2E, 2),
        ],
        17: [.string(0x18), .string(0x19), .string(0x1A)],
        22: [.string(0x07), .bytes(0x10, 2), .bytes(0x12, 2)],
        23: [.bytes(0x05, 2)],
        27: [.bytes(0x0C, 2)],
        39: [.string(0x08), .string(0x09), .string(0x0A)],
    ]

    fileprivate var measuredBytes: [UInt8] {
        if type >= 128 || Self.headerOnly.contains(type) {
            return formatted.prefix(4) + [UInt8](repeating: 0, count: encoded.count - 4)
        }
        var result = self
        for field in Self.blanked[type] ?? [] {
            switch field {
            case .string(let offset):
                guard offset < formatted.count, formatted[offset] != 0 else { continue }
                let index = Int(formatted[offset]) - 1
                if strings.indices.contains(index) {
                    result.strings[index] = [UInt8](repeating: 0x20, count: strings[index].count)
                }
                result.formatted[offset] = 0
            case .bytes(let offset, let count):
                guard offset + count <= formatted.count else { continue }
                result.formatted.replaceSubrange(offset..<offset + count, with: repeatElement(0, count: count))
            }
        }
        return result.encoded
    }
}
