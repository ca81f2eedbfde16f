private import Bytes

extension SMBIOSTable {
    /// The version strings that OVMF puts into its type 0 structure.
    public struct FirmwareIdentity: Hashable, Sendable {
        public var vendor, version, date: String

        public init(vendor: String, version: String, date: String) {
            self.vendor = vendor
            self.version = version
            self.date = date
        }
    }

    /// The table that OVMF installs from QEMU's: QEMU's structures without their end, OVMF's type 0 (unless QEMU has
    /// one), and an end-of-table structure with handle 0xFEFF.
    public func installed(by firmware: FirmwareIdentity) -> SMBIOSTable {
        var result = structures.filter { $0.type != 127 }
        if !result.contains(where: { $0.type == 0 }) { result.append(.firmware(firmware)) }
        result.append(Structure(formatted: [127, 4, 0xFF, 0xFE], strings: []))
        return SMBIOSTable(result)
    }
}

extension SMBIOSTable.Structure {
    /// BIOS information (DSP0134, section 7.1) as OVMF's SmbiosPlatformDxe fills it in: strings 1 to 3, segment 0xE800,
    /// "characteristics not supported", UEFI and virtual machine in the extension bytes, no release numbers.
    static func firmware(_ identity: SMBIOSTable.FirmwareIdentity) -> SMBIOSTable.Structure {
        let formatted: [UInt8] = [
            0x00, 0x1A, 0x00, 0x00, 0x01, 0x02, 0x00, 0xE8, 0x03, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x1C, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00,
        ]
        return SMBIOSTable.Structure(
            formatted: formatted,
            strings: [identity.vendor, identity.version, identity.date].map { Array($0.utf8) })
    }
}

extension SMBIOSTable {
    /// The table with EAX and EDX of CPUID leaf 1 in every processor structure (type 4, Processor ID at offset 8); EDX
    /// stays what it is if `features` is nil.
    public func withProcessorIdentity(signature: UInt32, features: UInt32?) -> SMBIOSTable {
        var identity = ByteWriter()
        identity.append(signature)
        if let features { identity.append(features) }
        var result = self
        for index in structures.indices where structures[index].type == 4 {
            guard structures[index].formatted.count >= 16 else { continue }
            result.structures[index].formatted.replaceSubrange(8..<8 + identity.count, with: identity.bytes)
        }
        return result
    }
}
