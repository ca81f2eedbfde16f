import Bytes

extension GPTEvent {
    /// Fields of the header (UEFI 2.10, section 5.3.2) by name, as text, in the order of their offsets.
    public var headerFields: [(name: String, value: String)] {
        [
            ("revision", hexadecimal(header.number(8, 4))), ("header size", "\(header.number(12, 4))"),
            ("header CRC", hexadecimal(header.number(16, 4))), ("header at block", "\(header.number(24, 8))"),
            ("backup header at block", "\(header.number(32, 8))"),
            ("first usable block", "\(header.number(40, 8))"), ("last usable block", "\(header.number(48, 8))"),
            ("disk GUID", header.guid(56)), ("entries at block", "\(header.number(72, 8))"),
            ("number of entries", "\(header.number(80, 4))"), ("size of an entry", "\(header.number(84, 4))"),
            ("CRC of the entries", hexadecimal(header.number(88, 4))),
        ]
    }

    /// One entry in use.
    public struct Partition: Hashable, Sendable {
        public var type, identifier: String
        /// First and last block.
        public var first, last: UInt64
        public var attributes: UInt64
        public var name: String

        /// Reads the first 128 bytes of an entry; missing ones count as zeros.
        init(_ entry: [UInt8]) {
            type = entry.guid(0)
            identifier = entry.guid(16)
            first = entry.number(32, 8)
            last = entry.number(40, 8)
            attributes = entry.number(48, 8)
            let units = stride(from: 56, to: 128, by: 2).map { UInt16(entry.number($0, 2)) }
            name = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self).printable
        }
    }

    /// The entries in use, in the order of the event.
    public var partitions: [Partition] { entries.map(Partition.init) }
}

extension [UInt8] {
    /// A little-endian number at `offset`; bytes that are missing count as zero.
    fileprivate func number(_ offset: Int, _ size: Int) -> UInt64 {
        dropFirst(offset).prefix(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    fileprivate func guid(_ offset: Int) -> String {
        GUID(stored: dropFirst(offset).prefix(16)).map { "\($0)" } ?? "none"
    }
}
