private import Bytes

/// What QEMU writes for each processor of a q35 machine whose APIC ids are its processors' numbers: objects below
/// `\_SB.CPUS`, two methods there that count, and entries of the MADT (QEMU `hw/acpi/cpu.c`, `hw/i386/acpi-common.c`).
///
/// Origin: the forms below were compared byte by byte with tables of Debian's QEMU 7.2, 10.0 and 11.1 for 1 to 255
/// processors; tables of another form are refused, not guessed.
struct ProcessorRule {
    /// From 256 on QEMU writes x2APIC entries and devices instead.
    static let supported = 1...255

    static func name(_ index: Int) -> String {
        let digits = String(index, radix: 16, uppercase: true)
        return "C" + String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
    }

    /// A local APIC entry of the MADT (ACPI 6.5, section 5.2.12.2): enabled, ids as the number.
    static func apicEntry(_ index: Int) -> [UInt8] {
        [0, 8, UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index), 1, 0, 0, 0]
    }

    /// `Processor (C001, 0x01, 0, 0) { _STA, _MAT, _EJ0, _OST }`; the first one cannot be ejected.
    static func object(_ index: Int) -> [UInt8] {
        let number = AMLWriter.integer(index)
        let status = AMLWriter.method(
            "_STA", arguments: 0, serialized: true, [0xA4] + AMLWriter.name("CSTA") + number)
        let entry = apicEntry(index)
        let mat =
            [0x08] + AMLWriter.name("_MAT") + AMLWriter.package([0x11], AMLWriter.integer(entry.count) + entry)
        let eject = AMLWriter.method("_EJ0", arguments: 1, serialized: false, AMLWriter.name("CEJ0") + number)
        let report = AMLWriter.method(
            "_OST", arguments: 3, serialized: true, AMLWriter.name("COST") + number + [0x68, 0x69, 0x6A])
        var body = AMLWriter.name(name(index)) + [UInt8(truncatingIfNeeded: index), 0, 0, 0, 0, 0]
        body += status + mat + (index == 0 ? [] : eject) + report
        return AMLWriter.package([0x5B, 0x83], body)
    }

    /// `Method (CTFY, 2) { If (Arg0 == n) { Notify (C00n, Arg1) } … }`.
    static func notifier(_ count: Int) -> [UInt8] {
        let branches = (0..<count).flatMap { index in
            AMLWriter.package(
                [0xA0],
                [0x93, 0x68] + AMLWriter.integer(index) + [0x86] + AMLWriter.name(name(index)) + [0x69])
        }
        return AMLWriter.method("CTFY", arguments: 2, serialized: false, branches)
    }

    /// `Local3 < n`, the end of the scan in CSCN.
    static func bound(_ count: Int) -> [UInt8] { [0x95, 0x63] + AMLWriter.integer(count) }
}

extension ProcessorRule {
    /// The DSDT for `target` processors.
    static func dsdt(_ table: AMLTable, from source: Int, to target: Int) throws(ACPIDerivationError) -> ACPITable {
        let subject = "DSDT \\_SB.CPUS"
        guard let notifier = table.object("\\_SB.CPUS.CTFY"), let scan = table.object("\\_SB.CPUS.CSCN") else {
            throw ACPIDerivationError(subject, "methods CTFY and CSCN, which count processors, are not there")
        }
        let bytes = table.table.bytes
        let processors = table.all.filter { $0.kind == .processor }
        guard processors.map(\.path) == (0..<source).map({ "\\_SB.CPUS." + name($0) }),
            zip(processors, processors.dropFirst()).allSatisfy({ $0.range.upperBound == $1.range.lowerBound })
        else {
            throw ACPIDerivationError(
                subject,
                "found \(processors.count) processors, or others than C000 onwards one after the other; "
                    + "expected \(source)")
        }
        for (index, processor) in processors.enumerated() where Array(bytes[processor.range]) != object(index) {
            throw ACPIDerivationError("DSDT \(processor.path)", "it is of another form than the known one")
        }
        guard Array(bytes[notifier.range]) == Self.notifier(source) else {
            throw ACPIDerivationError("DSDT \(notifier.path)", "it is of another form than the known one")
        }
        let found = bytes[scan.range].indices(of: bound(source))
        guard found.count == 1, let place = found.first, let first = processors.first else {
            throw ACPIDerivationError(
                "DSDT \(scan.path)", "'Local3 < \(source)' stands there \(found.count) times, expected once")
        }
        // All processors take the place of the first one.
        var edits: [(range: Range<Int>, bytes: [UInt8])] = [
            (notifier.range, Self.notifier(target)), (place..<place + bound(source).count, bound(target)),
            (first.range, (0..<target).flatMap { object($0) }),
        ]
        edits += processors.dropFirst().map { ($0.range, []) }
        return try table.replacing(edits)
    }

    /// The FADT for `target` processors: the flags (offset 112) force cluster mode, bit 18, above 8 processors, as flat
    /// logical destinations end there.
    static func fadt(_ table: ACPITable, from source: Int, to target: Int) throws(ACPIDerivationError) -> ACPITable {
        let place = 114
        let bit: UInt8 = 1 << 2
        guard table.bytes.count > place, (table.bytes[place] & bit != 0) == (source > 8) else {
            throw ACPIDerivationError(
                "FACP", "its flag for cluster mode does not follow from \(source) processors, as it does in QEMU")
        }
        var result = table
        if target > 8 { result.bytes[place] |= bit } else { result.bytes[place] &= ~bit }
        return result
    }

    /// The MADT for `target` processors.
    static func madt(_ table: ACPITable, from source: Int, to target: Int) throws(ACPIDerivationError) -> ACPITable {
        let start = ACPITable.headerSize + 8
        let entries = (0..<source).flatMap { apicEntry($0) }
        let end = start + entries.count
        guard table.bytes.count >= end, Array(table.bytes[start..<end]) == entries,
            table.bytes.count == end || (table.bytes[end] != 0 && table.bytes[end] != 9)
        else {
            throw ACPIDerivationError(
                "APIC", "it does not start with \(source) enabled processors whose APIC ids are their numbers")
        }
        var result = table
        result.bytes.replaceSubrange(start..<end, with: (0..<target).flatMap { apicEntry($0) })
        result.updateLength()
        return result
    }
}

extension ArraySlice where Element == UInt8 {
    /// Where `pattern` stands.
    fileprivate func indices(of pattern: [UInt8]) -> [Int] {
        guard !pattern.isEmpty, count >= pattern.count else { return [] }
        return (startIndex...endIndex - pattern.count).filter { self[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }
}
