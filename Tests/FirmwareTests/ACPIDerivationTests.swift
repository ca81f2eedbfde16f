import Bytes
import Firmware
import TestSupport
import Testing

@Suite("ACPI tables derived by rule") struct ACPIDerivationTests {
    static let base = SyntheticACPI.machine(processors: 3, low: 1 << 30)
    static let shape = ACPIMachineShape(processors: 3, memory: 1 << 30)

    @Test("other processors", arguments: [1, 2, 8, 9, 40, 255]) func processors(count: Int) throws {
        let derived = try Self.base.derived(
            from: Self.shape, to: .init(processors: count, memory: 1 << 30), mmio64: nil)
        #expect(derived == SyntheticACPI.machine(processors: count, low: 1 << 30))
    }

    @Test("other memory: low memory ends at 2 GiB from 2816 MiB on, the rest moves the 64-bit window up")
    func memory() throws {
        let cases: [(memory: UInt64, low: UInt64, above: UInt64)] = [
            (512 << 20, 512 << 20, 0), (2 << 30, 2 << 30, 0), (2815 << 20, 2815 << 20, 0),
            (2816 << 20, 2 << 30, 1 << 30), (3 << 30, 2 << 30, 1 << 30), (8 << 30, 2 << 30, 6 << 30),
        ]
        for point in cases {
            let derived = try Self.base.derived(
                from: Self.shape, to: .init(processors: 3, memory: point.memory), mmio64: nil)
            #expect(derived == SyntheticACPI.machine(processors: 3, low: point.low, above: point.above))
        }
    }

    @Test("a window of 64-bit BARs stays where the profile says, and is refused elsewhere") func bars() throws {
        let tables = SyntheticACPI.machine(processors: 3, low: 1 << 30, above: 0x3800_0000_0000 - 1 << 32)
        let target = ACPIMachineShape(processors: 3, memory: 4 << 30)
        let derived = try tables.derived(from: Self.shape, to: target, mmio64: 0x3800_0000_0000)
        #expect(derived == SyntheticACPI.machine(processors: 3, low: 2 << 30, above: 0x3800_0000_0000 - 1 << 32))
        #expect(throws: ACPIDerivationError.self) { try tables.derived(from: Self.shape, to: target, mmio64: nil) }
    }

    @Test("what no rule covers is refused with a typed error") func refused() throws {
        func refuse(
            _ text: String, _ tables: ACPITables = Self.base, from source: ACPIMachineShape = Self.shape,
            to target: ACPIMachineShape = .init(processors: 2, memory: 2 << 30)
        ) {
            let error = #expect(throws: ACPIDerivationError.self) {
                try tables.derived(from: source, to: target, mmio64: nil)
            }
            #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
        }
        refuse("proven for 1 to 255", to: .init(processors: 256, memory: 1 << 30))
        refuse("128 MiB to 512 GiB", to: .init(processors: 2, memory: 1 << 40))
        refuse("128 MiB to 512 GiB", to: .init(processors: 2, memory: 1 << 30 + 1))
        refuse("found 3 processors", from: .init(processors: 2, memory: 1 << 30))
        refuse("32-bit windows", from: .init(processors: 3, memory: 2 << 30))
        refuse(
            "capture with two or more", SyntheticACPI.machine(processors: 1, low: 1 << 30),
            from: .init(processors: 1, memory: 1 << 30))
        var tables = Self.base
        tables.tables.insert(SyntheticACPI.table("SRAT", []), at: 4)
        refuse("SRAT", tables)
        tables = Self.base
        tables.tables[5].bytes[36] ^= 1
        refuse("RSDT", tables)
        tables = Self.base
        tables.tables[2].bytes[114] = 4
        refuse("FACP", tables)
        tables = Self.base
        tables.tables[3].bytes[48] = 0
        refuse("APIC", tables)
    }

    @Test("every byte of the processors' objects and methods counts") func corrupted() throws {
        let dsdt = try AMLTable(#require(Self.base["DSDT"]))
        for path in ["\\_SB.CPUS.C000", "\\_SB.CPUS.C002", "\\_SB.CPUS.CTFY"] {
            let object = try #require(dsdt.object(path))
            for offset in object.range {
                var tables = Self.base
                tables.tables[1].bytes[offset] ^= 0x10
                #expect(throws: (any Error).self, "\(path) \(offset)") {
                    try tables.derived(from: Self.shape, to: .init(processors: 4, memory: 1 << 30), mmio64: nil)
                }
            }
        }
    }
}

@Suite("ACPI differences by name") struct ACPIDifferenceTests {
    @Test("processors, methods, windows and tables are named, each once") func named() {
        let pinned = SyntheticACPI.machine(processors: 2, low: 1 << 30)
        #expect(ACPIDifference.describe(pinned: pinned, found: pinned).isEmpty)
        let lines = ACPIDifference.describe(
            pinned: pinned, found: SyntheticACPI.machine(processors: 3, low: 2 << 30))
        #expect(lines.contains("DSDT \\_SB.CPUS.C002: found, not pinned"))
        #expect(!lines.contains { $0.contains("C002._STA") })
        #expect(
            lines.contains(
                "DSDT \\_SB.PCI0._CRS: pinned memory 0x40000000 to 0xdfffffff, found memory 0x80000000 to 0xdfffffff"))
        #expect(lines.contains { $0.hasPrefix("DSDT \\_SB.CPUS.CTFY: another method") })
        #expect(lines.contains { $0.hasPrefix("APIC+") && $0.hasSuffix("pinned 72 bytes, found 80") })
        var other = pinned
        other.tables[4].signature = "HPET"
        #expect(
            ACPIDifference.describe(pinned: pinned, found: other) == [
                "MCFG: pinned, not found", "HPET: found, not pinned",
            ])
    }
}

@Suite("SMBIOS tables derived by rule") struct SMBIOSDerivationTests {
    /// Types 4, 16, 17 and 19 as QEMU 10.0 writes them.
    static func table(processors: UInt8, memory: UInt64) -> SMBIOSTable {
        let low = memory >= 0xB000_0000 ? 0x8000_0000 : memory
        var processor = [UInt8](repeating: 0, count: 0x2A)
        processor.replaceSubrange(0..<4, with: [4, 0x2A, 0, 4])
        processor[0x0F] = processors > 1 ? 0x17 : 0x07  // features: bit 28
        for offset in 0x23...0x25 { processor[offset] = processors }
        var all = [SMBIOSTable.Structure(formatted: processor, strings: [[0x51]])]
        let array = [16, 0x17, 0, 0x10, 1, 3, 6] + SyntheticACPI.little(memory >> 10, 4) + [0xFE, 0xFF, 1, 0]
        all.append(.init(formatted: array + [UInt8](repeating: 0, count: 8), strings: []))
        let size = memory >> 20
        let device = [17, 0x28, 0, 0x11, 0, 0x10, 0xFE, 0xFF, 0, 0, 0, 0] + SyntheticACPI.little(min(size, 0x7FFF), 2)
        let extended = [UInt8](repeating: 0, count: 14) + SyntheticACPI.little(size < 0x7FFF ? 0 : size, 4)
        all.append(.init(formatted: device + extended + [UInt8](repeating: 0, count: 8), strings: []))
        for (index, range) in [(UInt64(0), low), (1 << 32, memory - low)].enumerated() where range.1 > 0 {
            let ends = SyntheticACPI.little(range.0 >> 10, 4) + SyntheticACPI.little((range.0 + range.1) >> 10 - 1, 4)
            let mapped = [19, 0x1F, UInt8(index), 0x13] + ends + [0, 0x10, 1]
            all.append(.init(formatted: mapped + [UInt8](repeating: 0, count: 16), strings: []))
        }
        all.append(.init(formatted: [127, 4, 0, 0x7F], strings: []))
        return SMBIOSTable(all)
    }

    @Test("cores, capacity, the one device and ranges follow") func derived() throws {
        let base = Self.table(processors: 2, memory: 4 << 30)
        for (count, memory) in [(UInt8(1), UInt64(1 << 30)), (2, 3 << 30), (64, 2 << 30), (2, 16 << 30)] {
            let found = try base.derived(
                from: .init(processors: 2, memory: 4 << 30), to: .init(processors: Int(count), memory: memory))
            #expect(found == Self.table(processors: count, memory: memory), "\(count) \(memory)")
        }
    }

    @Test("a memory device of 32767 MiB and more has its size in the extended field") func large() throws {
        let base = Self.table(processors: 2, memory: 4 << 30)
        for memory in [UInt64(32766) << 20, 32767 << 20, 64 << 30, 512 << 30] {
            let found = try base.derived(
                from: .init(processors: 2, memory: 4 << 30), to: .init(processors: 2, memory: memory),
                memoryDevice: 2 << 40)
            #expect(found == Self.table(processors: 2, memory: memory), "\(memory)")
        }
    }

    @Test("other forms, several devices and more than one holds are refused") func refused() {
        let base = Self.table(processors: 2, memory: 4 << 30)
        let source = ACPIMachineShape(processors: 2, memory: 4 << 30)
        func refuses(_ table: SMBIOSTable, _ source: ACPIMachineShape, _ target: ACPIMachineShape) {
            #expect(throws: ACPIDerivationError.self) { try table.derived(from: source, to: target) }
        }
        refuses(base, source, .init(processors: 2, memory: 32 << 30))
        refuses(base, source, .init(processors: 255, memory: 4 << 30))
        refuses(base, source, .init(processors: 0, memory: 4 << 30))
        refuses(base, .init(processors: 2, memory: 2 << 30), source)
        refuses(base, .init(processors: 4, memory: 4 << 30), source)
        refuses(base, .init(processors: 1, memory: 4 << 30), source)
        refuses(SMBIOSTable(base.structures + [base.structures[2]]), source, source)
        refuses(SMBIOSTable(Array(base.structures.dropFirst())), source, source)
    }
}
