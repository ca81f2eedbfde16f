public import Bytes

/// A list of hand-off blocks (UEFI PI 1.8, volume 3, chapter 5) as a VMM puts it into a TD's memory for td-shim, under the
/// checks of td-shim, which stops at what does not pass them.
///
///     a block: u16 type, u16 length, u32 reserved; blocks stand at multiples of 8
///     first: type 1, 56 bytes, u64 at 0x30: address behind the list      last: type 0xFFFF, 8 bytes
public struct HandoffList: Hashable, Sendable {
    /// Bytes of the list, its end block with them.
    public let byteCount: Int
    /// What the VMM put into memory as payload; nil where the list does not say that there is any.
    public let payload: Payload?

    /// HOB_PAYLOAD_INFO_TABLE.
    public struct Payload: Hashable, Sendable {
        public var kind: Kind
        /// Where the payload starts; of meaning for a Linux image without header alone.
        public var entryPoint: UInt64
    }

    /// What the payload is.
    public enum Kind: UInt32, Sendable {
        /// A program that td-shim takes out of its own image.
        case executable = 0
        /// Linux with its setup header.
        case bzImage = 1
        /// Linux as the VMM has unpacked it.
        case vmlinux = 2
    }

    /// Most bytes of a list.
    public static let maximumByteCount = 16 << 20
    private static let headerByteCount = 8
    private static let payloadInformation = OVMFGuid.known(0xb96f_a412, 0x461f, 0x4be3, 0x8c0d_ad80_5a49_7ac0)

    /// Reads the list at the start of `reader`, which lies at `address` in the guest; bytes behind it are left.
    public init(parsing reader: inout ByteReader, address: UInt64) throws(FormatError) {
        var payload: Payload?
        var end: UInt64?
        while true {
            let place = reader.position
            let type: UInt16 = try reader.read("hand-off block.type")
            let length = Int(try reader.read("hand-off block.length", as: UInt16.self))
            try reader.expect("hand-off block.reserved", UInt32(0))
            guard length >= Self.headerByteCount, length <= Int(UInt16.max) - 7 else {
                throw reader.error(
                    "hand-off block.length", found: "\(length)", expected: "at least 8", at: place + 2)
            }
            guard (place == 0) == (type == 1) else {
                throw reader.error(
                    "hand-off block.type", found: "\(type)", expected: "1 for the first block and for no other",
                    at: place)
            }
            if type == 0xFFFF { break }
            var body = try reader.slice(length - Self.headerByteCount, "hand-off block")
            switch type {
            case 1: end = try Self.first(&body, length: length)
            case 3: try Self.resource(&body, length: length)
            case 4: payload = try Self.payload(&body) ?? payload
            default:
                throw reader.error(
                    "hand-off block.type", found: "\(type)", expected: "1, 3, 4 or 0xFFFF", at: place,
                    hint: "td-shim knows no other and stops")
            }
            try reader.seek(to: reader.position.roundedUp(toMultipleOf: 8), "hand-off block")
        }
        byteCount = reader.position
        self.payload = payload
        guard let end, address <= end, end - address == UInt64(byteCount) else {
            throw reader.error(
                "PHIT.end of list", found: hexadecimal(end ?? 0),
                expected: "\(hexadecimal(address)) + \(hexadecimal(byteCount)): the address behind the list", at: 0x30,
                hint: "give the list as the VMM puts it at the address of the firmware's TD_HOB section")
        }
    }

    /// PHIT: u32 version, u32 boot mode, u64 memory top, bottom, free top, free bottom, end of list.
    private static func first(_ body: inout ByteReader, length: Int) throws(FormatError) -> UInt64 {
        guard length == 56 else {
            throw body.error("PHIT.length", found: "\(length)", expected: "56")
        }
        try body.skip(8, "PHIT.version")
        let top: UInt64 = try body.read("PHIT.memory top")
        guard top.isMultiple(of: 4096) else {
            throw body.error("PHIT.memory top", found: hexadecimal(top), expected: "a multiple of 4096", at: 8)
        }
        try body.skip(24, "PHIT.memory bottom")
        return try body.read("PHIT.end of list")
    }

    /// Resource: 16 bytes owner, u32 type, u32 attributes, u64 start, u64 length.
    private static func resource(_ body: inout ByteReader, length: Int) throws(FormatError) {
        guard length == 48 else {
            throw body.error("resource block.length", found: "\(length)", expected: "48")
        }
        try body.skip(16, "resource block.owner")
        let type: UInt32 = try body.read("resource block.type")
        let attributes: UInt32 = try body.read("resource block.attributes")
        guard type < 8, attributes & ~0x07FF_FFFF == 0 else {
            throw body.error(
                "resource block.type", found: "\(type) with attributes \(hexadecimal(attributes))",
                expected: "a type below 8 and attributes below 0x8000000", at: 16)
        }
        let start: UInt64 = try body.read("resource block.start")
        let size: UInt64 = try body.read("resource block.size")
        guard !start.addingReportingOverflow(size).overflow else {
            throw body.error(
                "resource block.size", found: hexadecimal(size), expected: "an end below 2^64", at: 32)
        }
    }

    /// A GUID extension: GUID and data; of payload information u32 image type, u32 reserved, u64 entry point.
    private static func payload(_ body: inout ByteReader) throws(FormatError) -> Payload? {
        guard try body.guid("GUID block.name") == payloadInformation else { return nil }
        let type: UInt32 = try body.read("payload information.image type")
        guard let kind = Kind(rawValue: type) else {
            throw body.error(
                "payload information.image type", found: "\(type)",
                expected: "0 (executable), 1 (bzImage) or 2 (vmlinux)", at: 16, hint: "td-shim stops at other types")
        }
        try body.skip(4, "payload information.reserved")
        return Payload(kind: kind, entryPoint: try body.read("payload information.entry point"))
    }
}
