public import Bytes

/// The tables of QEMU's `etc/acpi/tables` blob by place: one after the other from its start, the RSDT last, then zeros.
///
/// QEMU's `etc/table-loader` and `etc/acpi/rsdp` follow from this alone.
public struct ACPITableLayout: Hashable, Sendable {
    /// A table and where it stands in the blob.
    public struct Entry: Hashable, Sendable {
        /// Four characters, e.g. `DSDT`.
        public var signature: String
        public var offset: Int
        /// Size in bytes, with the header.
        public var byteCount: Int

        public init(_ signature: String, offset: Int, byteCount: Int) {
            self.signature = signature
            self.offset = offset
            self.byteCount = byteCount
        }

        var range: Range<Int> { offset..<offset + byteCount }
    }

    /// In the blob's order.
    public let entries: [Entry]

    /// Most tables that a blob may have; real ones have about ten.
    private static let limit = 256
    /// Largest blob: QEMU's own limit for it.
    private static let maximumByteCount = 16 << 20

    /// Reads the layout of a blob. Zeros may follow the last table, and nothing else.
    public init(blob: [UInt8], source: String) throws(FormatError) {
        guard blob.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "ACPI tables", found: "\(blob.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        var reader = ByteReader(blob.raw, source: source)
        var entries: [Entry] = []
        while reader.remaining >= 8 {
            let offset = reader.position
            let signature = try reader.bytes(4, "ACPI table.Signature")
            if signature == [0, 0, 0, 0] {
                try reader.seek(to: offset, "padding")
                break
            }
            let length = try reader.read("ACPI table.Length", as: UInt32.self)
            guard signature.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw reader.error(
                    "ACPI table.Signature", found: signature.hex, expected: "four printable characters", at: offset)
            }
            guard length >= 8, Int(length) <= blob.count - offset else {
                throw reader.error(
                    "ACPI table.Length", found: "\(length)",
                    expected: "at least 8 and at most the \(blob.count - offset) bytes that are left", at: offset + 4)
            }
            guard entries.count < Self.limit else {
                throw reader.error(
                    "ACPI tables", found: "more than \(Self.limit)", expected: "fewer", at: offset)
            }
            entries.append(
                Entry(String(decoding: signature, as: UTF8.self), offset: offset, byteCount: Int(length)))
            try reader.seek(to: offset + Int(length), "ACPI table")
        }
        try reader.expectZeros(reader.remaining, "padding after the ACPI tables")
        try self.init(entries, source: source)
    }

    /// A layout given as a list; it must be one that QEMU's linking rules cover.
    public init(_ entries: [Entry], source: String) throws(FormatError) {
        func refuse(_ found: String, _ expected: String, at offset: Int? = nil) -> FormatError {
            FormatError(source: source, offset: offset, field: "ACPI tables", found: found, expected: expected)
        }
        var end = 0
        for entry in entries {
            guard entry.offset == end, entry.byteCount >= 8, entry.byteCount <= Self.maximumByteCount - end else {
                throw refuse(
                    "\(entry.signature.debugDescription) of \(entry.byteCount) bytes at \(entry.offset)",
                    "tables one after the other", at: entry.offset)
            }
            end += entry.byteCount
        }
        for name in ["FACS", "DSDT", "FACP", "RSDT"] {
            let count = entries.filter { $0.signature == name }.count
            guard count == 1 else { throw refuse("\(count) tables \(name)", "one") }
        }
        guard let fadt = entries.first(where: { $0.signature == "FACP" }), fadt.byteCount >= 148 else {
            throw refuse("a FACP of an ACPI revision before 2.0", "at least 148 bytes")
        }
        let listed = entries.filter { !["FACS", "DSDT", "RSDT"].contains($0.signature) }
        guard let root = entries.last, root.signature == "RSDT", root.byteCount == 36 + 4 * listed.count else {
            throw refuse(
                "last \(entries.last.map { "\($0.signature) of \($0.byteCount) bytes" } ?? "none")",
                "an RSDT of \(36 + 4 * listed.count) bytes, for \(listed.count) tables")
        }
        self.entries = entries
    }

    /// The one table of a name that every layout has.
    func place(_ signature: String) -> Entry {
        entries.first { $0.signature == signature } ?? Entry(signature, offset: 0, byteCount: 0)
    }
}
