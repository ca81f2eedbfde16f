import Bytes
import Firmware
import TestSupport
import Testing

@Suite("AML") struct AMLTableTests {
    static func read(_ body: [UInt8]) throws -> AMLTable { try AMLTable(SyntheticACPI.table("SSDT", body)) }

    @Test("objects with their paths, kinds and bytes") func objects() throws {
        let dsdt = try #require(ACPITablesTests.machine["DSDT"])
        let table = try AMLTable(dsdt)
        let paths = table.all.filter { $0.kind != .block && $0.kind != .scope }.map { "\($0.kind.rawValue) \($0.path)" }
        #expect(
            paths.prefix(7) == [
                "device \\_SB.PCI0", "name \\_SB.PCI0._HID", "name \\_SB.PCI0._CRS",
                "operation region \\_SB.PCI0.PRST", "field \\_SB.PCI0.PRST", "field unit \\_SB.PCI0.CPEN",
                "field unit \\_SB.PCI0.CSEL",
            ])
        #expect(
            table.all.filter { $0.kind == .processor }.map(\.path) == [
                "\\_SB.CPUS.C000", "\\_SB.CPUS.C001", "\\_SB.CPUS.C002",
            ])
        let second = try #require(table.object("\\_SB.CPUS.C001"))
        #expect(Array(dsdt.bytes[second.range]) == SyntheticACPI.processor(1))
        #expect(second.children.map(\.path) == ["_STA", "_MAT", "_EJ0", "_OST"].map { "\\_SB.CPUS.C001.\($0)" })
        #expect(second.children[3].arguments == 3)
        #expect(table.object("\\_SB.PCI0._HID")?.value == .integer(0x080A_D041))
        #expect(table.object("\\_SB.PCI0.PRST")?.value == .region(space: 1, offset: 0xCD8, length: 12))
    }

    @Test("windows of a host bridge") func windows() throws {
        let table = try AMLTable(#require(ACPITablesTests.machine["DSDT"]))
        let object = try #require(table.object("\\_SB.PCI0._CRS"))
        let resources = try #require(try table.resources(of: object))
        #expect(resources.map(\.kind) == [.bus, .io, .memory, .memory, .memory])
        #expect(resources[3].minimum == 1 << 30 && resources[3].maximum == 0xDFFF_FFFF)
        #expect(resources[4].minimum == 1 << 32 && resources[4].length == 0x8_0000_0000)
    }

    @Test("a call takes its method's arguments, before and behind the definition") func calls() throws {
        let name = SyntheticACPI.name
        let early = SyntheticACPI.package([0x14], name("USE_") + [0] + name("ADD2") + [0x01, 0x0A, 5] + [0xA4, 0x00])
        let method = SyntheticACPI.package([0x14], name("ADD2") + [2, 0xA4, 0x72, 0x68, 0x69, 0x00])
        let table = try Self.read(early + method + [0x08] + name("LAST") + [0x01])
        #expect(table.objects.map(\.path) == ["\\USE", "\\ADD2", "\\LAST"])
        #expect(table.objects.map(\.arguments) == [0, 2, 0])
    }

    @Test("names: roots, parents, several segments") func names() throws {
        let name = SyntheticACPI.name
        let inner = SyntheticACPI.package([0x5B, 0x82], [0x5E] + name("DEV1") + [0x08, 0x5C] + name("ROOT") + [0x01])
        let table = try Self.read(
            SyntheticACPI.package([0x10], [0x5C, 0x2E] + name("_SB_") + name("PCI0") + inner))
        #expect(table.all.map(\.path) == ["\\_SB.PCI0", "\\_SB.DEV1", "\\ROOT"])
        #expect(throws: FormatError.self) { try Self.read([0x08, 0x5E] + name("BAD_") + [0x01]) }
        #expect(throws: FormatError.self) { try Self.read([0x08] + name("bad_") + [0x01]) }
    }

    @Test("nesting, lengths and codes beyond the rules are refused") func hostile() throws {
        var deep: [UInt8] = []
        for _ in 0..<70 { deep = SyntheticACPI.package([0xA1], deep) }
        #expect(throws: FormatError.self) { try Self.read(deep) }
        #expect(throws: FormatError.self) { try Self.read([UInt8](repeating: 0x92, count: 5000)) }
        #expect(throws: FormatError.self) { try Self.read([0x10, 0x3F] + SyntheticACPI.name("_SB_")) }
        #expect(throws: FormatError.self) { try Self.read([0x10, 0x00] + SyntheticACPI.name("_SB_")) }
        #expect(throws: FormatError.self) { try Self.read([0x02]) }
        #expect(throws: FormatError.self) { try Self.read([0x5B, 0xFF]) }
        #expect(throws: FormatError.self) { try Self.read([0x0D, 0x41]) }
        let dsdt = try #require(ACPITablesTests.machine["DSDT"])
        for count in stride(from: 37, to: dsdt.bytes.count, by: 3) {
            let cut = ACPITable(signature: "DSDT", bytes: Array(dsdt.bytes.prefix(count)))
            #expect(throws: FormatError.self, "\(count)") { try AMLTable(cut) }
        }
    }

    @Test("random changes never crash the reader") func garbage() throws {
        let seed: UInt64 = 43
        var generator = SeededGenerator(seed: seed)
        let dsdt = try #require(ACPITablesTests.machine["DSDT"])
        for _ in 0..<1500 {
            var table = dsdt
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 36..<table.bytes.count, using: &generator)
                table.bytes[place] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let read = try? AMLTable(table) else { continue }
            for object in read.all { _ = try? read.resources(of: object) }
        }
        for _ in 0..<500 { _ = try? Self.read(generator.bytes(60)) }
    }
}
