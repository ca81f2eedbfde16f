internal import Bytes
private import EventLogs
import Firmware
import Trace

extension BootEvents {
    /// The TD HOB, which edk2 measures before anything else. The event data holds its address.
    mutating func tdHandoffBlock(_ block: TDHandoffBlock) throws {
        var data = ByteWriter()
        data.append(UInt8(9))
        data.append(text: "TdxTable\0")
        data.append(UInt64(1))
        data.append(GUID.handoffBlockList.bytes)
        data.append(block.address)
        try append(
            "TD HOB", pcr: 1, .handoffTables2,
            content: [.init("TD HOB without its end", .literal(block.measuredBytes))],
            data: data.bytes, origin: "QEMU's memory map; edk2 hashes it up to the end block")
    }

    /// The variable store as the firmware's file has it.
    mutating func configurationVolume(_ metadata: TDVFMetadata) throws {
        for section in metadata.sections where section.kind == .cfv {
            var data = ByteWriter()
            data.append(UInt8(41))
            data.append(text: "Fv(XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX)\0")
            data.append(section.address)
            data.append(section.memorySize)
            try append(
                "variable store (CFV)", pcr: 1, .platformFirmwareBlob2,
                content: [try contents.whole(TDXMeasurement.SourceName.variables)], data: data.bytes,
                origin: "edk2: CFV section of the TDVF metadata")
        }
    }

    /// fw_cfg items that edk2 caches early: those that the machine has, and that have the size which edk2 expects of a
    /// number, or any bytes at all where it expects text.
    mutating func firmwareConfiguration(_ items: [String: [UInt8]]) throws {
        let order: [(name: String, size: Int?)] = [
            ("etc/extra-pci-roots", 8), ("BootMenu", 2), ("etc/boot-menu-wait", 2), ("etc/reserved-memory-end", 8),
            ("opt/ovmf/X-PciMmio64Mb", nil), ("bootorder", nil),
        ]
        for (name, size) in order {
            guard let item = items[name], !item.isEmpty, size == nil || item.count == size else { continue }
            var data = ByteWriter()
            data.append(text: "QEMU FW CFG\0")
            data.append(text: name)
            data.append(repeating: 0, count: 56 - name.utf8.count)
            try append(
                "fw_cfg \(name)", pcr: 1, .platformConfigFlags, content: [try contents.whole(name)], data: data.bytes,
                origin: "edk2 from stable202505: cached fw_cfg items")
        }
    }
}

extension GUID {
    /// EFI_HOB_LIST (UEFI PI 1.8, volume 2, section 3.5).
    static var handoffBlockList: GUID {
        guard let guid = GUID("7739f24c-93d7-11d4-9a3a-0090273fc14d") else {
            preconditionFailure("the constant is a GUID")
        }
        return guid
    }
}
