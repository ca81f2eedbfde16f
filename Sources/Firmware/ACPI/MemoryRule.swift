private import Bytes

/// Where q35 puts memory, and the windows that it leaves to PCI devices (QEMU `hw/i386/pc_q35.c`, `hw/i386/acpi-build.c`,
/// `hw/pci-host/q35.c`).
///
/// Origin: windows compared with tables of Debian's QEMU from 128 MiB on: 7.2 to 16 GiB, 10.0 and 11.1 to 512 GiB.
struct MemoryRule {
    /// At a terabyte QEMU moves memory of machines with AMD processors.
    static let supported: ClosedRange<UInt64> = 1 << 27...1 << 39
    private static let fourGiB: UInt64 = 1 << 32
    private static let gibibyte: UInt64 = 1 << 30

    /// Memory below 4 GiB.
    static func low(_ memory: UInt64) -> UInt64 { MachineMemory(memory: memory).low }

    /// The first address above memory and 4 GiB, at a whole GiB: where the 64-bit window is if no BAR lies in one.
    static func high(_ memory: UInt64) -> UInt64 {
        let above = memory - low(memory)
        return (fourGiB + above + gibibyte - 1) / gibibyte * gibibyte
    }

    /// The DSDT for a machine with `target` bytes of memory.
    ///
    /// - Parameter mmio64: where the firmware places 64-bit BARs, if the machine has any.
    static func dsdt(
        _ table: AMLTable, from source: UInt64, to target: UInt64, mmio64: UInt64?
    ) throws(ACPIDerivationError) -> ACPITable {
        let path = "\\_SB.PCI0._CRS"
        let subject = "DSDT \(path)"
        guard let object = table.object(path), let resources = try? table.resources(of: object) else {
            throw ACPIDerivationError(subject, "there is no one list of windows to read")
        }
        if let other = table.all.first(where: { $0.kind == .device && isOtherRoot($0) }) {
            throw ACPIDerivationError("DSDT \(other.path)", "windows of several root bridges follow no known rule")
        }
        let windows = resources.filter { $0.isWindow && $0.width == 4 && $0.minimum == low(source) }
        guard windows.count == 1, let window = windows.first, window.maximum > low(target) else {
            throw ACPIDerivationError(
                subject,
                "found \(windows.count) 32-bit windows that start at the end of low memory, "
                    + "\(hexadecimal(low(source))); expected one")
        }
        let bytes = table.table.bytes
        var edits: [(range: Range<Int>, bytes: [UInt8])] = [
            (window.range, window.moved(to: low(target), through: window.maximum, in: bytes))
        ]
        let wide = resources.filter { $0.isWindow && $0.width == 8 }
        guard wide.count <= 1 else {
            throw ACPIDerivationError(subject, "found \(wide.count) 64-bit windows, expected one at most")
        }
        if let window = wide.first {
            if window.minimum == high(source) {
                let (end, overflow) = high(target).addingReportingOverflow(window.maximum &- window.minimum)
                guard !overflow, window.maximum >= window.minimum else {
                    throw ACPIDerivationError(
                        subject,
                        "the 64-bit window goes from \(hexadecimal(window.minimum)) to \(hexadecimal(window.maximum))")
                }
                edits.append((window.range, window.moved(to: high(target), through: end, in: bytes)))
            } else if window.minimum != mmio64 || high(target) > window.minimum {
                throw ACPIDerivationError(
                    subject,
                    "the 64-bit window starts at \(hexadecimal(window.minimum)): not behind memory, "
                        + "\(hexadecimal(high(source))), nor where the profile says that 64-bit BARs go")
            }
        }
        return try table.replacing(edits)
    }

    /// `\_SB.PC05` and the like: root bridges of pxb devices.
    private static func isOtherRoot(_ object: AMLObject) -> Bool {
        let name = object.path
        return name.hasPrefix("\\_SB.PC") && name.utf8.count == 9 && !name.hasSuffix("PCI0")
    }
}
