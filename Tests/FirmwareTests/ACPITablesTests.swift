import Bytes
import Firmware
import TestSupport
import Testing

@Suite("ACPI tables") struct ACPITablesTests {
    static let machine = SyntheticACPI.machine(processors: 3, low: 1 << 30)

    @Test("an item is read and written back, with its padding") func roundTrip() throws {
        let bytes = Self.machine.encoded
        #expect(bytes.count == 0x20000)
        let tables = try ACPITables(bytes)
        #expect(tables == Self.machine)
        #expect(tables.tables.map(\.signature) == ["FACS", "DSDT", "FACP", "APIC", "MCFG", "RSDT"])
        #expect(tables.tables.map(\.checksum) == [.none, .unset, .unset, .unset, .unset, .unset])
        #expect(try ACPITables(Self.machine.unpadded) == Self.machine)
    }

    @Test("a linked table's checksum must be right") func checksum() throws {
        var table = try #require(Self.machine["MCFG"])
        table.bytes[9] = 0 &- table.bytes.reduce(0, &+)
        #expect(table.checksum == .right)
        #expect(try ACPITables(table.bytes).tables == [table])
        table.bytes[40] ^= 1
        let error = #expect(throws: FormatError.self) { try ACPITables(table.bytes) }
        #expect(error?.field == "MCFG.checksum")
    }

    @Test("cut items, wrong lengths and signatures, and bytes in the padding are refused") func corrupted() {
        let bytes = Self.machine.unpadded
        for count in stride(from: 1, to: bytes.count, by: 7) {
            #expect(throws: (any Error).self, "\(count)") { try ACPITables(Array(bytes.prefix(count))).derivable() }
        }
        var wrong = bytes
        wrong[68] = 35
        wrong[69] = 0
        #expect(throws: FormatError.self) { try ACPITables(wrong) }
        wrong = bytes
        wrong[64] = 0x64
        #expect(throws: FormatError.self) { try ACPITables(wrong) }
        #expect(throws: FormatError.self) { try ACPITables(bytes + [0, 0, 0, 1]) }
        #expect(throws: FormatError.self) { try ACPITables([]) }
    }

    @Test("random bytes are refused without a crash") func garbage() {
        var generator = SeededGenerator(seed: 41)
        for _ in 0..<500 {
            var bytes = Self.machine.unpadded
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? ACPITables(bytes).derivable()
        }
    }
}

extension ACPITables {
    fileprivate func derivable() throws {
        _ = try LinkerScript(linking: self)
        guard let dsdt = self["DSDT"] else {
            throw FormatError(source: "", field: "DSDT", found: "none", expected: "one")
        }
        _ = try AMLTable(dsdt)
    }
}

@Suite("table loader script") struct LinkerScriptTests {
    @Test("QEMU's order of commands") func derived() throws {
        let tables = ACPITablesTests.machine
        let script = try LinkerScript(linking: tables)
        #expect(script.files == ["etc/acpi/rsdp", "etc/acpi/tables"])
        let dsdt = UInt32(tables.tables[1].bytes.count)
        #expect(
            script.commands[2]
                == .addChecksum("etc/acpi/tables", result: 73, start: 64, length: dsdt))
        let pointers = script.commands.compactMap { command in
            if case .addPointer(_, _, let offset, let size) = command {
                "\(offset - min(offset, 64 + dsdt)) \(size)"
            } else {
                nil
            }
        }
        #expect(pointers.prefix(3) == ["36 4", "40 4", "140 8"])
        #expect(pointers.count == 3 + 3 + 1)
        #expect(script.commands.last == .addChecksum("etc/acpi/rsdp", result: 8, start: 0, length: 20))
        let root = try ACPIRootPointer.encoded(for: tables)
        #expect(root.prefix(16).elementsEqual(Array("RSD PTR \0BOCHS \0".utf8)))
        #expect(root.count == 20)
    }

    @Test("a TPM's table brings its log") func log() throws {
        var tables = ACPITablesTests.machine
        tables.tables.insert(SyntheticACPI.table("TPM2", [UInt8](repeating: 0, count: 40)), at: 4)
        tables.tables[6] = SyntheticACPI.table("RSDT", [UInt8](repeating: 0, count: 16))
        let script = try LinkerScript(linking: tables)
        #expect(script.files == ["etc/acpi/rsdp", "etc/tpm/log", "etc/acpi/tables"])
        let place = UInt32(tables.placed[4].offset)
        #expect(
            script.commands.contains(.addPointer("etc/acpi/tables", into: "etc/tpm/log", offset: place + 68, size: 8)))
    }

    @Test("scripts are read and written back; tables without a rule are refused") func roundTrip() throws {
        let script = try LinkerScript(linking: ACPITablesTests.machine)
        let read = try script.encoded.withReader(source: "s") { (reader) throws(FormatError) in
            try LinkerScript(parsing: &reader)
        }
        #expect(read == script)
        #expect(script.encoded.count == 4096)
        var tables = ACPITablesTests.machine
        tables.tables[4] = SyntheticACPI.table("NFIT", [])
        #expect(throws: ACPIDerivationError.self) { try LinkerScript(linking: tables) }
        tables = ACPITables(tables: Array(ACPITablesTests.machine.tables.dropLast()))
        #expect(throws: ACPIDerivationError.self) { try LinkerScript(linking: tables) }
        #expect(throws: ACPIDerivationError.self) { try ACPIRootPointer.encoded(for: tables) }
    }

    @Test("every field of a command counts") func corrupted() throws {
        let bytes = try LinkerScript(linking: ACPITablesTests.machine).encoded
        func read(_ bytes: [UInt8]) throws -> LinkerScript {
            try bytes.withReader(source: "s") { (reader) throws(FormatError) in try LinkerScript(parsing: &reader) }
        }
        let original = try read(bytes)
        for offset in 0..<512 {
            var wrong = bytes
            wrong[offset] ^= 0x81
            let changed = try? read(wrong)
            #expect(changed != original, "\(offset)")
        }
        #expect(throws: FormatError.self) { try read(Array(bytes.dropLast())) }
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<200 { _ = try? read(generator.bytes(256).map { $0 & 3 }) }
    }
}
