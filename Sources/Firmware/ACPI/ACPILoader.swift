import Bytes

/// What QEMU hands out beside `etc/acpi/tables`, derived from the tables' places (QEMU `hw/acpi/bios-linker-loader.c`,
/// `hw/i386/acpi-build.c`).
///
/// A command has 128 bytes: ALLOCATE (1): name of 56, u32 alignment, u8 zone; ADD_POINTER (2): target and source names
/// of 56, u32 offset, u8 size; ADD_CHECKSUM (3): name, u32 offset of the result, u32 start, u32 length. Machines that
/// have a VM generation id, NVDIMMs or tables from the user link more than that; for them the blobs must be given.
public struct ACPILoader: Hashable, Sendable {
    /// `etc/table-loader`, padded to 4096 bytes.
    public let script: [UInt8]
    /// `etc/acpi/rsdp`: the root pointer of ACPI 1.0 with the RSDT's offset, 20 bytes, checksum zero.
    public let rootPointer: [UInt8]

    static let tables = "etc/acpi/tables"
    static let pointer = "etc/acpi/rsdp"
    static let log = "etc/tpm/log"
    /// Sizes to which QEMU pads.
    static let scriptAlignment = 4096
    static let tablesAlignment = 128 << 10

    public init(_ layout: ACPITableLayout) {
        var script = Script()
        // The first file allocated is the one that was asked for last.
        script.allocate(Self.pointer, alignment: 16, zone: .fSegment)
        if layout.measurementLog != nil { script.allocate(Self.log, alignment: 1, zone: .high) }
        script.allocate(Self.tables, alignment: 64, zone: .high)
        script.checksum(Self.tables, layout.place("DSDT"))
        for entry in layout.entries where !["FACS", "DSDT", "RSDT"].contains(entry.signature) {
            if entry.signature == "FACP" {
                script.pointer(Self.tables, to: Self.tables, at: entry.offset + 36, size: 4)
                script.pointer(Self.tables, to: Self.tables, at: entry.offset + 40, size: 4)
                script.pointer(Self.tables, to: Self.tables, at: entry.offset + 140, size: 8)
            }
            if let field = layout.logAddress(in: entry) {
                script.pointer(Self.tables, to: Self.log, at: entry.offset + field, size: 8)
            }
            script.checksum(Self.tables, entry)
        }
        let root = layout.place("RSDT")
        for offset in stride(from: root.offset + 36, to: root.offset + root.byteCount, by: 4) {
            script.pointer(Self.tables, to: Self.tables, at: offset, size: 4)
        }
        script.checksum(Self.tables, root)
        script.pointer(Self.pointer, to: Self.tables, at: 16, size: 4)
        script.checksum(Self.pointer, result: 8, start: 0, count: 20)
        var writer = ByteWriter()
        writer.append(script.bytes)
        writer.pad(toMultipleOf: Self.scriptAlignment)
        self.script = writer.bytes

        var pointer = ByteWriter(capacity: 20)
        pointer.append(text: "RSD PTR ")
        pointer.append(UInt8(0))
        pointer.append(text: "BOCHS ")
        pointer.append(UInt8(0))
        pointer.append(UInt32(clamping: root.offset))
        rootPointer = pointer.bytes
    }

    /// The blob as QEMU's fw_cfg has it: padded with zeros to a multiple of 128 KiB.
    public static func padded(tables: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: tables.count.roundedUp(toMultipleOf: tablesAlignment))
        writer.append(tables)
        writer.pad(toMultipleOf: tablesAlignment)
        return writer.bytes
    }
}

extension ACPITableLayout {
    /// The table that points to a TPM's event log, if the machine has a TPM.
    fileprivate var measurementLog: Entry? { entries.first { logAddress(in: $0) != nil } }

    /// Offset of the log's address in a table that has one (TCG ACPI Specification 1.3, sections 7.3 and 7.4): the
    /// last 8 bytes of the client tables that QEMU writes.
    fileprivate func logAddress(in entry: Entry) -> Int? {
        switch (entry.signature, entry.byteCount) {
        case ("TPM2", 76): 68
        case ("TCPA", 50): 42
        default: nil
        }
    }
}

/// The commands being put in order.
private struct Script {
    enum Zone: UInt8 {
        case high = 1
        case fSegment = 2
    }

    var bytes: [UInt8] = []

    mutating func allocate(_ file: String, alignment: UInt32, zone: Zone) {
        command(1) { writer in
            writer.append(name: file)
            writer.append(alignment)
            writer.append(zone.rawValue)
        }
    }

    mutating func pointer(_ file: String, to target: String, at offset: Int, size: UInt8) {
        command(2) { writer in
            writer.append(name: file)
            writer.append(name: target)
            writer.append(UInt32(clamping: offset))
            writer.append(size)
        }
    }

    /// A table's checksum, which stands at offset 9 of its header.
    mutating func checksum(_ file: String, _ table: ACPITableLayout.Entry) {
        checksum(file, result: table.offset + 9, start: table.offset, count: table.byteCount)
    }

    mutating func checksum(_ file: String, result: Int, start: Int, count: Int) {
        command(3) { writer in
            writer.append(name: file)
            for value in [result, start, count] { writer.append(UInt32(clamping: value)) }
        }
    }

    private mutating func command(_ number: UInt32, _ body: (inout ByteWriter) -> Void) {
        var writer = ByteWriter(capacity: 128)
        writer.append(number)
        body(&writer)
        writer.pad(toMultipleOf: 128)
        bytes += writer.bytes
    }
}

extension ByteWriter {
    /// A file's name in its field of 56 bytes.
    fileprivate mutating func append(name: String) {
        let start = count
        append(text: name)
        append(repeating: 0, count: 56 - (count - start))
    }
}
