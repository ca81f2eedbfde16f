/// The axes of one machine that its ACPI tables follow by rule.
public struct ACPIMachineShape: Hashable, Sendable {
    /// Number of processors, all present at the start.
    public var processors: Int
    /// Memory in bytes.
    public var memory: UInt64

    public init(processors: Int, memory: UInt64) {
        self.processors = processors
        self.memory = memory
    }
}

extension ACPITables {
    /// The tables of the same machine with other processors and memory, derived by rule.
    ///
    /// Proven for q35 of Debian's QEMU 7.2 (to 16 GiB), 10.0 and 11.1: 1 to 255 processors on one socket, 128 MiB to
    /// 512 GiB of memory, no NUMA nodes and no memory that is added later. All that the rules do not know is refused.
    ///
    /// - Parameters:
    ///   - source: what the machine had when these tables were captured.
    ///   - mmio64: where the firmware places 64-bit BARs, if the machine has any.
    public func derived(
        from source: ACPIMachineShape, to target: ACPIMachineShape, mmio64: UInt64?
    ) throws -> ACPITables {
        for shape in [source, target] {
            guard ProcessorRule.supported.contains(shape.processors) else {
                throw ACPIDerivationError(
                    "processors", "found \(shape.processors), the rule is proven for 1 to 255")
            }
            guard MemoryRule.supported.contains(shape.memory), shape.memory.isMultiple(of: 1 << 20) else {
                throw ACPIDerivationError(
                    "memory", "found \(shape.memory) bytes, the rule is proven for whole MiB from 128 MiB to 512 GiB")
            }
        }
        guard source.processors > 1 || target.processors == 1 else {
            throw ACPIDerivationError(
                "processors", "captured with one, which does not show the form of the others; capture with two or more")
        }
        for table in tables where ["SRAT", "SLIT", "HMAT", "NFIT", "SSDT"].contains(table.signature) {
            throw ACPIDerivationError(table.signature, "it depends on processors or memory by no known rule")
        }
        guard let dsdt = self["DSDT"], let madt = self["APIC"], let fadt = self["FACP"] else {
            throw ACPIDerivationError(Self.itemName, "expected one DSDT, one FACP and one APIC table")
        }
        try checkRoot()
        var result = self
        var definitions = try AMLTable(dsdt)
        guard definitions.hasShortestLengths, definitions.object("\\_SB.MHPC") == nil else {
            throw ACPIDerivationError("DSDT", "it has memory that can be added, or lengths of another form")
        }
        result.replace(try ProcessorRule.dsdt(definitions, from: source.processors, to: target.processors))
        if let changed = result["DSDT"] { definitions = try AMLTable(changed) }
        result.replace(
            try MemoryRule.dsdt(definitions, from: source.memory, to: target.memory, mmio64: mmio64))
        result.replace(try ProcessorRule.fadt(fadt, from: source.processors, to: target.processors))
        result.replace(try ProcessorRule.madt(madt, from: source.processors, to: target.processors))
        result.link()
        return result
    }

    /// Before linking, entries of the RSDT are offsets in the item, of all tables but FACS and DSDT.
    private var rootEntries: [UInt32] {
        placed.dropLast().filter { !["FACS", "DSDT"].contains($0.table.signature) }
            .map { UInt32(truncatingIfNeeded: $0.offset) }
    }

    private func checkRoot() throws(ACPIDerivationError) {
        var linked = self
        linked.link()
        guard tables.last?.signature == "RSDT", linked == self else {
            throw ACPIDerivationError("RSDT", "its entries are not the offsets of the tables, as QEMU leaves them")
        }
    }

    /// Writes the tables' offsets into the RSDT.
    private mutating func link() {
        guard var root = tables.last, root.signature == "RSDT" else { return }
        root.bytes.removeSubrange(ACPITable.headerSize...)
        for entry in rootEntries {
            root.bytes += (0..<4).map { UInt8(truncatingIfNeeded: entry >> UInt32(8 * $0)) }
        }
        tables[tables.count - 1] = root
    }
}
