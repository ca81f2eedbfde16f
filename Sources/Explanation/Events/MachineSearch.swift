private import Bytes
import Firmware
internal import Hashing
import LaunchMeasurement

/// Finds the machine whose tables have given digests, by deriving the tables of other machines from known ones.
enum MachineSearch {
    /// Sizes of memory that machines usually have, in bytes, the commonest first: tables tell some sizes apart only to
    /// the next GiB.
    static let usualMemory: [UInt64] =
        [2, 4, 8, 16, 32, 64, 1, 128, 256, 512, 3, 5, 6, 10, 12, 20, 24, 40, 48, 80, 96, 160, 192, 320, 384]
        .map { $0 << 30 } + [512, 1536, 256, 128, 768, 2560, 2816, 3584].map { $0 << 20 }

    /// The memory of the TD whose hand-off list has this digest, from the list of another with the same firmware: the usual
    /// sizes, those up to 4 GiB in steps of 1 MiB, and up to 2 TiB in steps of 512 MiB.
    static func memory(list: [UInt8], digest: Digest) -> UInt64? {
        guard let metadata = sections(of: list) else { return nil }
        let small = stride(from: UInt64(16 << 20), through: 4 << 30, by: 1 << 20)
        let large = stride(from: UInt64(4 << 30), through: 2 << 40, by: 512 << 20)
        func fits(_ memory: UInt64) -> Bool {
            guard let block = try? TDHandoffBlock(memory: memory, metadata: metadata) else { return false }
            return Digest.of(block.measuredBytes, digest.algorithm) == digest
        }
        return usualMemory.first(where: fits) ?? small.first(where: fits) ?? large.first(where: fits)
    }

    /// The memory that a hand-off list describes.
    static func memory(of list: [UInt8]) -> UInt64? {
        ranges(of: list).map { $0.reduce(0) { $0 &+ $1.length } }
    }

    /// The firmware sections that a list shows as accepted.
    private static func sections(of list: [UInt8]) -> TDVFMetadata? {
        guard let ranges = ranges(of: list), list.count >= 56 else { return nil }
        let end = list[48..<56].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let address = end &- UInt64(list.count) &- 8
        let accepted = ranges.filter(\.accepted)
        guard accepted.contains(where: { $0.start == address }) else { return nil }
        return TDVFMetadata(
            sections: accepted.map { range in
                .init(
                    dataOffset: 0, rawSize: 0, address: range.start, memorySize: range.length,
                    kind: range.start == address ? .tdHOB : .tempMem, attributes: 0, recordOffset: 0)
            })
    }

    private static func ranges(of list: [UInt8]) -> [TDHandoffBlock.Range]? {
        guard list.count > 56, (list.count - 56).isMultiple(of: 48) else { return nil }
        return try? list.withReader(source: "TD HOB") { reader throws(FormatError) in
            try reader.skip(56, "EFI_HOB_HANDOFF_INFO_TABLE")
            var ranges: [TDHandoffBlock.Range] = []
            while !reader.isAtEnd {
                try reader.skip(24, "EFI_HOB_RESOURCE_DESCRIPTOR")
                let type = try reader.read("ResourceType", as: UInt32.self)
                try reader.skip(4, "ResourceAttribute")
                ranges.append(
                    .init(
                        start: try reader.read("PhysicalStart"), length: try reader.read("ResourceLength"),
                        accepted: type == 0))
            }
            return ranges
        }
    }
}

extension MachineSearch {
    /// The machines that `tables` may be of, as far as the rules of derivation know their form.
    static func shape(of tables: ACPITables) -> ACPIMachineShape? {
        guard let processors = processors(of: tables) else { return nil }
        return usualMemory.map { ACPIMachineShape(processors: processors, memory: $0) }
            .first { (try? tables.derived(from: $0, to: $0, mmio64: nil)) == tables }
    }

    /// Numbers of vCPUs that are tried: all up to 64, then those that hosts have.
    private static let usualCounts = Array(1...64) + [72, 80, 88, 96, 112, 120, 128, 144, 160, 176, 192, 224, 240, 255]

    /// The machine with `processors` and a usual size of memory whose tables have this digest.
    static func machine(
        tables: ACPITables, source: ACPIMachineShape, digest: Digest, processors: Int
    ) -> ACPIMachineShape? {
        usualMemory.map { ACPIMachineShape(processors: processors, memory: $0) }.first { target in
            guard let derived = try? tables.derived(from: source, to: target, mmio64: nil) else { return false }
            return Digest.of(derived.encoded, digest.algorithm) == digest
        }
    }

    /// The number of vCPUs whose root pointer has this digest: it follows from the lengths of the tables alone.
    static func processors(_ tables: ACPITables, _ source: ACPIMachineShape, _ pointer: Digest) -> Int? {
        // Tables of one vCPU do not show the form of others.
        let counts = source.processors == 1 ? [1] : [source.processors] + usualCounts
        return counts.first { processors in
            let target = ACPIMachineShape(processors: processors, memory: source.memory)
            guard let derived = try? tables.derived(from: source, to: target, mmio64: nil),
                let bytes = try? ACPIRootPointer.encoded(for: derived)
            else { return false }
            return Digest.of(bytes, pointer.algorithm) == pointer
        }
    }

    /// Local APICs of the MADT (ACPI 6.5, section 5.2.12).
    private static func processors(of tables: ACPITables) -> Int? {
        guard let madt = tables["APIC"]?.bytes else { return nil }
        var (count, offset) = (0, 44)
        while offset + 2 <= madt.count, madt[offset + 1] >= 2 {
            if madt[offset] == 0 || madt[offset] == 9 { count += 1 }
            offset += Int(madt[offset + 1])
        }
        return (1...255).contains(count) ? count : nil
    }
}

extension MachineSearch {
    /// The memory, and whether there are several vCPUs, of the machine whose filtered SMBIOS table has this digest.
    static func machine(smbios bytes: [UInt8], digest: Digest) -> (memory: UInt64, several: Bool)? {
        guard
            var table = try? bytes.withReader(
                source: "SMBIOS", { reader throws(FormatError) in try SMBIOSTable(parsing: &reader) }),
            let memory = memory(of: table)
        else { return nil }
        // The filter has zeroed the counts, from which the rule of derivation starts.
        for index in table.structures.indices where table.structures[index].type == 4 {
            guard table.structures[index].formatted.count > 0x25 else { return nil }
            for offset in 0x23...0x25 { table.structures[index].formatted[offset] = 2 }
            table.structures[index].formatted[0x0F] |= 0x10
        }
        let source = ACPIMachineShape(processors: 2, memory: memory)
        for memory in usualMemory {
            for processors in [2, 1] {
                let target = ACPIMachineShape(processors: processors, memory: memory)
                let derived = try? table.derived(from: source, to: target, memoryDevice: 1 << 40)
                guard let derived, Digest.of(derived.measuredBytes, digest.algorithm) == digest else { continue }
                return (memory, processors > 1)
            }
        }
        return nil
    }

    /// Capacity of type 16 in KiB, as bytes.
    private static func memory(of table: SMBIOSTable) -> UInt64? {
        guard let array = table.structures.first(where: { $0.type == 16 }), array.formatted.count >= 11 else {
            return nil
        }
        let capacity = array.formatted[7..<11].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return capacity == 0 || capacity >= 0x8000_0000 ? nil : capacity << 10
    }
}
