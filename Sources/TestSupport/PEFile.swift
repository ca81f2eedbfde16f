import Bytes
import Files

/// A PE32+ file made field by field from the format's table, for tests.
public struct PEFile {
    public struct Section {
        public var name: String
        public var data: [UInt8]
        /// Nil: the size of `data`.
        public var virtualSize: Int?

        public init(name: String, data: [UInt8], virtualSize: Int? = nil) {
            self.name = name
            self.data = data
            self.virtualSize = virtualSize
        }
    }

    public var sections: [Section] = []
    public var headerSize = 0x400
    public var dllCharacteristics: UInt16 = 0x100
    public var certificates: [UInt8] = []
    public var overlay: [UInt8] = []
    public var symbolTable: UInt32 = 0
    public static let peOffset = 0x80
    public static let optionalOffset = peOffset + 24
    public static let tableOffset = optionalOffset + 240

    public init(sections: [Section] = []) { self.sections = sections }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(text: "MZ")
        writer.append(repeating: 0, count: 0x3A)
        writer.append(UInt32(Self.peOffset))
        writer.append(repeating: 0, count: Self.peOffset - writer.count)
        writer.append(text: "PE\0\0")
        writer.append(UInt16(0x8664))
        writer.append(UInt16(sections.count))
        for field: UInt32 in [0x6000_0000, symbolTable, 0] { writer.append(field) }
        writer.append(UInt16(240))
        writer.append(UInt16(0x22E))
        appendOptionalHeader(&writer)
        var offset = headerSize
        var address = 0x1000
        for section in sections {
            let raw = section.data.count.roundedUp(toMultipleOf: 512)
            writer.append(text: section.name)
            writer.append(repeating: 0, count: 8 - section.name.utf8.count)
            let size = section.virtualSize ?? section.data.count
            for field in [size, address, raw, raw == 0 ? 0 : offset, 0, 0, 0] { writer.append(UInt32(field)) }
            writer.append(UInt32(0x4000_0040))
            offset += raw
            address = (address + size).roundedUp(toMultipleOf: 4096)
        }
        writer.append(repeating: 0, count: headerSize - writer.count)
        for section in sections {
            writer.append(section.data)
            writer.pad(toMultipleOf: 512)
        }
        writer.append(overlay)
        if !certificates.isEmpty {
            let entry = Self.optionalOffset + 112 + 32
            writer.replace(at: entry, with: UInt32(writer.count))
            writer.replace(at: entry + 4, with: UInt32(certificates.count))
            writer.append(certificates)
        }
        return writer.bytes
    }

    private func appendOptionalHeader(_ writer: inout ByteWriter) {
        writer.append(UInt16(0x20B))
        writer.append(repeating: 14, count: 2)
        for field: UInt32 in [512, 512, 0, 0x1000, 0x1000] { writer.append(field) }
        writer.append(UInt64(0x1_4000_0000))
        for field: UInt32 in [0x1000, 0x200, 0, 0, 0, 0, 0x10000, UInt32(headerSize), 0xC0FFEE] { writer.append(field) }
        writer.append(UInt16(10))
        writer.append(dllCharacteristics)
        for _ in 0..<4 { writer.append(UInt64(0x1000)) }
        writer.append(UInt32(0))
        writer.append(UInt32(16))
        writer.append(repeating: 0, count: 128)
    }

    /// A stub with room in its headers and an `.sbat` section.
    public static var stub: PEFile {
        PEFile(sections: [
            Section(name: ".text", data: [UInt8](repeating: 0xCC, count: 700)),
            Section(name: ".sbat", data: Array("sbat,1,SBAT Version,sbat,1,u\nstub,1,S,s,257,u\n\0".utf8)),
            Section(name: ".reloc", data: [1, 2, 3]),
        ])
    }
}
