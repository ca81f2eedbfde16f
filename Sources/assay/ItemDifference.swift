import Firmware
import QEMUHost

/// What differs in an item: for ACPI tables, the tables and objects by name.
enum ItemDifference {
    /// No line if both are equal.
    static func describe(_ name: String, pinned: [UInt8], found: [UInt8]) -> [String] {
        guard let place = TableDifference.describe(name, pinned: pinned, found: found) else { return [] }
        guard name == ACPITables.itemName, let old = try? ACPITables(pinned), let new = try? ACPITables(found) else {
            return [place]
        }
        return [place] + ACPIDifference.describe(pinned: old, found: new).map { "  \($0)" }
    }
}
