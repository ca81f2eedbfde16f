private import Bytes

/// The item `etc/acpi/rsdp` of QEMU before linking: the 20 bytes of revision 0 (ACPI 6.5, section 5.2.5.3).
public enum ACPIRootPointer {
    public static let itemName = "etc/acpi/rsdp"

    /// The item for tables of a machine with the OEM id `oem` (QEMU: six bytes, blank-padded).
    public static func encoded(for tables: ACPITables) throws(ACPIDerivationError) -> [UInt8] {
        guard let root = tables.placed.last, root.table.signature == "RSDT" else {
            throw ACPIDerivationError(ACPITables.itemName, "its last table is no RSDT, to which the root pointer leads")
        }
        var writer = ByteWriter()
        writer.append(text: "RSD PTR ")
        writer.append(UInt8(0))
        writer.append(root.table.bytes[10..<16])
        writer.append(UInt8(0))
        writer.append(UInt32(truncatingIfNeeded: root.offset))
        return writer.bytes
    }
}

extension LinkerScript {
    /// Tables that the rule was seen to hold for (Debian's QEMU 7.2, 10.0 and 11.1, q35): SRAT and SLIT with NUMA
    /// nodes at a distance, DMAR with `intel-iommu`, TPM2 with a TPM 2.0.
    private static let known: Set<String> = ["APIC", "SRAT", "SLIT", "HPET", "DMAR", "TPM2", "MCFG", "WAET"]

    /// The script that QEMU makes for a q35 machine with these tables: it depends on their order and lengths alone.
    ///
    /// QEMU puts allocations first, the last one asked for foremost; then every table in the order of the item: its
    /// pointers, then its checksum.
    public init(linking tables: ACPITables) throws(ACPIDerivationError) {
        let placed = tables.placed
        guard placed.count >= 4, placed.prefix(3).map(\.table.signature) == ["FACS", "DSDT", "FACP"],
            let root = placed.last, root.table.signature == "RSDT"
        else {
            throw ACPIDerivationError(
                ACPITables.itemName,
                "found \(tables.tables.map(\.signature).joined(separator: ", ")); known is FACS, DSDT, FACP, …, RSDT")
        }
        var builder = Builder()
        builder.checksum(placed[1])
        builder.pointers(placed[2], at: [(36, 4), (40, 4), (140, 8)])
        builder.checksum(placed[2])
        for entry in placed[3..<placed.count - 1] {
            guard Self.known.contains(entry.table.signature) else {
                throw ACPIDerivationError(
                    entry.table.signature, "no rule is known for how QEMU links this table")
            }
            if entry.table.signature == "TPM2" {
                builder.hasEventLog = true
                builder.pointers(entry, at: [(68, 8)], into: Builder.eventLog)
            }
            builder.checksum(entry)
        }
        let entries = placed.count - 3
        guard root.table.bytes.count == ACPITable.headerSize + 4 * entries else {
            throw ACPIDerivationError("RSDT", "found \(root.table.bytes.count) bytes for \(entries) tables")
        }
        builder.pointers(root, at: (0..<entries).map { (ACPITable.headerSize + 4 * $0, 4) })
        builder.checksum(root)
        self.init(builder.commands)
    }

    /// Commands by table.
    private struct Builder {
        static let eventLog = "etc/tpm/log"
        var links: [Command] = []
        var hasEventLog = false

        mutating func checksum(_ entry: (offset: Int, table: ACPITable)) {
            let start = UInt32(truncatingIfNeeded: entry.offset)
            links.append(
                .addChecksum(
                    ACPITables.itemName, result: start + 9, start: start,
                    length: UInt32(truncatingIfNeeded: entry.table.bytes.count)))
        }

        mutating func pointers(
            _ entry: (offset: Int, table: ACPITable), at fields: [(offset: Int, size: UInt8)],
            into target: String = ACPITables.itemName
        ) {
            for field in fields {
                links.append(
                    .addPointer(
                        ACPITables.itemName, into: target,
                        offset: UInt32(truncatingIfNeeded: entry.offset + field.offset), size: field.size))
            }
        }

        var commands: [Command] {
            var result: [Command] = [.allocate(ACPIRootPointer.itemName, alignment: 16, zone: 2)]
            if hasEventLog { result.append(.allocate(Self.eventLog, alignment: 1, zone: 1)) }
            result.append(.allocate(ACPITables.itemName, alignment: 64, zone: 1))
            result += links
            result.append(.addPointer(ACPIRootPointer.itemName, into: ACPITables.itemName, offset: 16, size: 4))
            result.append(.addChecksum(ACPIRootPointer.itemName, result: 8, start: 0, length: 20))
            return result
        }
    }
}
