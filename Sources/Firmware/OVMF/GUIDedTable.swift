public import Bytes

/// The table of GUIDed structures at the end of an OVMF image (edk2 OvmfPkg/ResetVector, `guidedStructureStart`).
///
/// It ends 32 bytes before the end of the file and is walked backwards. Every entry is `data ‖ u16 length ‖ GUID`, and
/// its length covers all three; the last entry is the footer, whose length covers the whole table. The first OVMF builds
/// with SEV-ES have no table: there the SEV-ES reset block alone stands in the footer's place, and QEMU still takes it.
public struct GUIDedTable: Hashable, Sendable {
    /// One entry, and where its data stands in the image.
    public struct Entry: Hashable, Sendable {
        public var guid: GUID
        public var data: [UInt8]
        /// Offset of `data` in the image.
        public var offset: Int
    }

    /// Bytes of reset vector code after the table.
    static let tailByteCount = 0x20
    static let entryHeaderByteCount = 18
    private static let loneResetBlockByteCount = entryHeaderByteCount + 4

    /// The entries in file order, without the footer.
    public let entries: [Entry]

    /// Finds and reads the table of an image.
    init(image: [UInt8], source: String) throws(FormatError) {
        let end = image.count - Self.tailByteCount
        guard end >= Self.entryHeaderByteCount else {
            throw FormatError(
                source: source, field: "OVMF image", found: "\(image.count) bytes", expected: "at least 50 bytes")
        }
        let reader = ByteReader(image.raw, source: source)
        var footer = try reader.window(
            at: end - Self.entryHeaderByteCount, count: Self.entryHeaderByteCount, "GUIDed table footer")
        let total = Int(try footer.read("GUIDed table footer.length", as: UInt16.self))
        let guid = try footer.guid("GUIDed table footer")
        if guid == OVMFGuid.sevESResetBlock, total == Self.loneResetBlockByteCount {
            entries = try Self.entries(reader, from: end - total, to: end)
            return
        }
        guard guid == OVMFGuid.footer else {
            throw footer.error(
                "GUIDed table footer", found: guid.description, expected: OVMFGuid.footer.description, at: 2,
                hint: "this is no OVMF code image with a GUIDed table: give OVMF.fd or OVMF_CODE.fd of edk2 202012 or "
                    + "later, not a variable store")
        }
        guard total >= Self.entryHeaderByteCount, total <= end else {
            throw footer.error(
                "GUIDed table footer.length", found: hexadecimal(total),
                expected: "at least 0x12 and at most \(hexadecimal(end))", at: 0)
        }
        entries = try Self.entries(reader, from: end - total, to: end - Self.entryHeaderByteCount)
    }

    private static func entries(
        _ image: borrowing ByteReader, from start: Int, to end: Int
    ) throws(FormatError) -> [Entry] {
        var found: [Entry] = []
        var position = end
        while position > start {
            guard position - start >= entryHeaderByteCount else {
                throw FormatError(
                    source: image.source, offset: start, field: "GUIDed table",
                    found: "\(position - start) bytes before the first entry", expected: "entries up to its start")
            }
            var header = try image.window(
                at: position - entryHeaderByteCount, count: entryHeaderByteCount, "GUIDed table entry")
            let length = Int(try header.read("GUIDed table entry.length", as: UInt16.self))
            let guid = try header.guid("GUIDed table entry.guid")
            guard length >= entryHeaderByteCount, length <= position - start else {
                throw header.error(
                    "GUIDed table entry.length", found: hexadecimal(length),
                    expected: "at least 0x12 and at most \(hexadecimal(position - start))", at: 0)
            }
            guard !found.contains(where: { $0.guid == guid }) else {
                throw header.error("GUIDed table entry.guid", found: "\(guid) again", expected: "each GUID once", at: 2)
            }
            let offset = position - length
            var data = try image.window(at: offset, count: length - entryHeaderByteCount, "GUIDed table entry")
            found.append(Entry(guid: guid, data: try data.bytes(data.count, "GUIDed table entry"), offset: offset))
            position = offset
        }
        return found.reversed()
    }

    /// The entry of this GUID.
    public subscript(guid: GUID) -> Entry? { entries.first { $0.guid == guid } }
}
