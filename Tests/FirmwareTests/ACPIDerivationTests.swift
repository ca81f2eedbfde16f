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
