import Firmware

/// ACPI tables put together by hand, byte by byte as the specification writes them.
enum SyntheticACPI {
    static func package(_ code: [UInt8], _ body: [UInt8]) -> [UInt8] {
        switch body.count {
        case ..<63: code + [UInt8(body.count + 1)] + body
        case ..<4094: code + [0x40 | UInt8((body.count + 2) & 15), UInt8((body.count + 2) >> 4)] + body
        default:
            code
                + [
                    0x80 | UInt8((body.count + 3) & 15), UInt8((body.count + 3) >> 4 & 0xFF),
                    UInt8((body.count + 3) >> 12),
                ] + body
        }
    }

    static func name(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func little(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    static func number(_ value: Int) -> [UInt8] { value < 2 ? [UInt8(value)] : [0x0A, UInt8(value)] }

    static func processor(_ index: Int) -> [UInt8] {
        let id = UInt8(index)
        let digits = String(index, radix: 16, uppercase: true)
        var body = name("C" + String(repeating: "0", count: 3 - digits.count) + digits) + [id, 0, 0, 0, 0, 0]
        body += package([0x14], name("_STA") + [8, 0xA4] + name("CSTA") + number(index))
        body += [0x08] + name("_MAT") + package([0x11], [0x0A, 8, 0, 8, id, id, 1, 0, 0, 0])
        if index > 0 { body += package([0x14], name("_EJ0") + [1] + name("CEJ0") + number(index)) }
        body += package([0x14], name("_OST") + [11] + name("COST") + number(index) + [0x68, 0x69, 0x6A])
        return package([0x5B, 0x83], body)
    }

    /// The container of processors, with its methods as far as they count.
    static func processors(_ count: Int) -> [UInt8] {
        var body = name("CPUS")
        body += package([0x14], name("CSTA") + [9, 0xA4, 0x0A, 15])
        body += package([0x14], name("CEJ0") + [9])
        body += package([0x14], name("COST") + [12])
        let branches = (0..<count).flatMap { index in
            let digits = String(index, radix: 16, uppercase: true)
            let notify = [0x86] + name("C" + String(repeating: "0", count: 3 - digits.count) + digits) + [0x69]
            return package([0xA0], [0x93, 0x68] + number(index) + notify)
        }
        body += package([0x14], name("CTFY") + [2] + branches)
        // While (Local3 < count) { CTFY (Local3, 1); Local3++ }, in a While of its own.
        let inner = package([0xA2], [0x95, 0x63] + number(count) + name("CTFY") + [0x63, 0x01, 0x75, 0x63])
        body += package([0x14], name("CSCN") + [8] + package([0xA2], [0x93, 0x64, 0x01] + inner))
        body += (0..<count).flatMap { processor($0) }
        return package([0x5B, 0x82], body)
    }

    static func space(_ tag: UInt8, _ kind: UInt8, _ width: Int, _ low: UInt64, _ high: UInt64) -> [UInt8] {
        let fields = [0, low, high, 0, high - low + 1].flatMap { little($0, width) }
        return [tag] + little(UInt64(3 + fields.count), 2) + [kind, 0x0C, 3] + fields
    }

    /// A host bridge with buses, two 32-bit windows and one of 64 bits.
    static func bridge(low: UInt64, high: UInt64) -> [UInt8] {
        var windows = space(0x88, 2, 2, 0, 0xFF) + [0x47, 1, 0xF8, 0x0C, 0xF8, 0x0C, 1, 8]
        windows += space(0x87, 0, 4, 0xA_0000, 0xB_FFFF) + space(0x87, 0, 4, low, 0xDFFF_FFFF)
        windows += space(0x8A, 0, 8, high, high + 0x7_FFFF_FFFF) + [0x79, 0]
        let buffer = package([0x11], [0x0A, UInt8(windows.count)] + windows)
        var body = name("PCI0") + [0x08] + name("_HID") + [0x0C, 0x41, 0xD0, 0x0A, 0x08]
        body += [0x08] + name("_CRS") + buffer
        body += [0x5B, 0x80] + name("PRST") + [0x01, 0x0B, 0xD8, 0x0C, 0x0A, 0x0C]
        body += package([0x5B, 0x81], name("PRST") + [1] + name("CPEN") + [1, 0x00, 7] + name("CSEL") + [0x08])
        return package([0x5B, 0x82], body)
    }

    static func table(_ signature: String, _ body: [UInt8]) -> ACPITable {
        var bytes = Array(signature.utf8) + little(UInt64(36 + body.count), 4) + [1, 0]
        bytes += name("BOCHS BXPC    ") + [1, 0, 0, 0] + name("BXPC") + [1, 0, 0, 0] + body
        return ACPITable(signature: signature, bytes: bytes)
    }

    /// Tables of a machine with these processors and this memory below and above 4 GiB.
    static func machine(processors count: Int, low: UInt64, above: UInt64 = 0) -> ACPITables {
        let facs = ACPITable(signature: "FACS", bytes: name("FACS") + little(64, 4) + [UInt8](repeating: 0, count: 56))
        let dsdt = table(
            "DSDT", package([0x10], name("_SB_") + bridge(low: low, high: 1 << 32 + above) + processors(count)))
        var flags = [UInt8](repeating: 0, count: 208)
        flags[114 - 36] = count > 8 ? 4 : 0
        let entries = (0..<count).flatMap { [UInt8](arrayLiteral: 0, 8, UInt8($0), UInt8($0), 1, 0, 0, 0) }
        let madt = table(
            "APIC", [0, 0, 0xE0, 0xFE, 1, 0, 0, 0] + entries + [1, 12] + [UInt8](repeating: 0, count: 10))
        var tables = [facs, dsdt, table("FACP", flags), madt, table("MCFG", [UInt8](repeating: 0, count: 24))]
        var offset = 0
        var root: [UInt8] = []
        for table in tables {
            if !["FACS", "DSDT"].contains(table.signature) { root += little(UInt64(offset), 4) }
            offset += table.bytes.count
        }
        tables.append(table("RSDT", root))
        return ACPITables(tables: tables)
    }
}
