import QEMUHost
import Testing

@Suite("Table difference") struct TableDifferenceTests {
    private let tables =
        Array("FACS".utf8) + [12, 0, 0, 0, 1, 2, 3, 4] + Array("DSDT".utf8) + [10, 0, 0, 0, 5, 6] + [0, 0]

    @Test("the table, the offset in it and both bytes are named") func place() {
        var other = tables
        other[21] = 9
        #expect(
            TableDifference.describe("etc/acpi/tables", pinned: tables, found: other)
                == "etc/acpi/tables+0x15 (DSDT+0x9): pinned 0x6, found 0x9; 1 bytes differ")
        other = tables
        other[22] = 1
        #expect(
            TableDifference.describe("etc/acpi/tables", pinned: tables, found: other)
                == "etc/acpi/tables+0x16: pinned 0x0, found 0x1; 1 bytes differ")
    }

    @Test("equal items and other sizes") func sizes() {
        #expect(TableDifference.describe("x", pinned: tables, found: tables) == nil)
        #expect(TableDifference.describe("x", pinned: [1], found: [1, 2]) == "x: pinned 1 bytes, found 2")
    }

    @Test("a broken table's length does not lead outside") func broken() {
        var pinned = tables
        pinned[4] = 0xFF
        pinned[7] = 0xFF
        var found = pinned
        found[20] = 0
        #expect(TableDifference.describe("etc/acpi/tables", pinned: pinned, found: found)?.contains("+0x14:") == true)
    }
}
