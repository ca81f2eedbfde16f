public import Bytes

/// A UEFI device path (UEFI 2.10, chapter 10): nodes of type, subtype, u16 length with these four bytes, then data,
/// closed by an end node.
public struct DevicePath: Hashable, Sendable, CustomStringConvertible {
    public var nodes: [Node]

    public init(_ nodes: [Node]) { self.nodes = nodes }

    public struct Node: Hashable, Sendable {
        public var type: UInt8
        public var subtype: UInt8
        /// What follows the four header bytes.
        public var data: [UInt8]

        public init(type: UInt8, subtype: UInt8, data: [UInt8]) {
            self.type = type
            self.subtype = subtype
            self.data = data
        }

        /// `Fv(GUID)`: a firmware volume by name (10.3.5.8).
        public static func firmwareVolume(_ name: GUID) -> Node { Node(type: 4, subtype: 7, data: name.bytes) }
        /// `FvFile(GUID)`: a file in a firmware volume (10.3.5.7).
        public static func firmwareFile(_ name: GUID) -> Node { Node(type: 4, subtype: 6, data: name.bytes) }

        /// `PciRoot(n)`: an ACPI device PNP0A03 with unique id n (10.3.3).
        public static func pciRoot(_ unique: UInt32 = 0) -> Node {
            var writer = ByteWriter()
            writer.append(UInt32(0x0A03_41D0))
            writer.append(unique)
            return Node(type: 2, subtype: 1, data: writer.bytes)
        }

        /// `NVMe(n,EUI)`: a namespace by its number and IEEE EUI-64, 0 if it has none (10.3.4.21).
        public static func nvme(namespace: UInt32, identifier: [UInt8] = [UInt8](repeating: 0, count: 8)) -> Node {
            var writer = ByteWriter()
            writer.append(namespace)
            writer.append(identifier)
            return Node(type: 3, subtype: 23, data: writer.bytes)
        }

        /// `Pci(device,function)` (10.3.2.1).
        public static func pci(device: UInt8, function: UInt8 = 0) -> Node {
            Node(type: 1, subtype: 1, data: [function, device])
        }
    }

    /// Reads nodes up to the end node of the entire path.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        nodes = []
        while true {
            let type = try reader.read("EFI_DEVICE_PATH.Type", as: UInt8.self)
            let subtype = try reader.read("EFI_DEVICE_PATH.SubType", as: UInt8.self)
            let length = try reader.read("EFI_DEVICE_PATH.Length", as: UInt16.self)
            guard length >= 4 else {
                throw reader.error(
                    "EFI_DEVICE_PATH.Length", found: "\(length)", expected: "at least 4", at: reader.position - 2)
            }
            let data = try reader.bytes(Int(length) - 4, "device path node")
            if type == 0x7F, subtype == 0xFF { return }
            nodes.append(Node(type: type, subtype: subtype, data: data))
        }
    }

    /// The nodes and the end node.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        for node in nodes + [Node(type: 0x7F, subtype: 0xFF, data: [])] {
            writer.append(node.type)
            writer.append(node.subtype)
            writer.append(UInt16(clamping: node.data.count + 4))
            writer.append(node.data)
        }
        return writer.bytes
    }

    /// The path as UEFI shells print it, for the nodes that boot paths of virtual machines have.
    public var description: String { nodes.map(\.description).joined(separator: "/") }
}

extension DevicePath.Node: CustomStringConvertible {
    public var description: String {
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            data.dropFirst(offset).prefix(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        func guid(_ offset: Int) -> String {
            GUID(stored: data.dropFirst(offset).prefix(16)).map { "\($0)" } ?? "?"
        }
        switch (type, subtype) {
        case (1, 1) where data.count == 2: return "Pci(\(hexadecimal(data[1])),\(hexadecimal(data[0])))"
        case (1, 3) where data.count >= 20: return "MemoryMapped"
        case (1, 4) where data.count >= 16: return "VenHw(\(guid(0)))"
        case (2, 1) where data.count == 8 && number(0, 4) == 0x0A03_41D0: return "PciRoot(\(hexadecimal(number(4, 4))))"
        case (3, 2) where data.count == 4: return "Scsi(\(number(0, 2)),\(number(2, 2)))"
        case (3, 5) where data.count == 2: return "USB(\(number(0, 1)),\(number(1, 1)))"
        case (3, 11) where data.count == 33: return "MAC(\(data.prefix(6).hex))"
        case (3, 12) where data.count >= 15: return "IPv4"
        case (3, 13) where data.count >= 35: return "IPv6"
        case (3, 18) where data.count == 6: return "Sata(\(number(0, 2)),\(number(2, 2)),\(number(4, 2)))"
        case (3, 23) where data.count == 12: return "NVMe(\(hexadecimal(number(0, 4))),\(data.suffix(8).hex))"
        case (3, 24): return "Uri(\(String(decoding: data, as: UTF8.self)))"
        case (5, 1) where data.count > 4: return "BBS(\(number(0, 2)),\(Array(data.dropFirst(4)).text))"
        case (4, 1) where data.count == 38: return "HD(\(number(0, 4)),GPT,\(guid(20)))"
        case (4, 3) where data.count >= 16: return "VenMedia(\(guid(0)))"
        case (4, 4):
            let units = stride(from: 0, to: data.count - 1, by: 2).map { UInt16(number($0, 2)) }
            return String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
        case (4, 6) where data.count == 16: return "FvFile(\(guid(0)))"
        case (4, 7) where data.count == 16: return "Fv(\(guid(0)))"
        default: return "Path(\(type),\(subtype),\(data.hex))"
        }
    }
}
