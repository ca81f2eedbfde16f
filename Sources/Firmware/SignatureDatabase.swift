public import Bytes

/// The value of db, dbx, KEK or PK: EFI_SIGNATURE_LISTs one after the other (UEFI 2.10, section 32.4.1).
///
/// | size | field |
/// |---|---|
/// | 16 | signature type |
/// | 4, 4, 4 | size of the list, of its header, of one signature |
/// | n | header |
/// | m | signatures: 16 bytes of owner, then a certificate or digest |
public struct SignatureDatabase: Hashable, Sendable {
    /// One EFI_SIGNATURE_DATA.
    public struct Entry: Hashable, Sendable {
        public var type: GUID
        public var owner: GUID
        public var data: [UInt8]

        /// As it stands in the list: owner and data.
        public var encoded: [UInt8] { owner.bytes + data }
    }

    public let entries: [Entry]

    public static let x509 = OVMFGuid.known(0xa5c0_59a1, 0x94e4, 0x4aa7, 0x87b5_ab15_5c2b_f072)
    public static let sha256 = OVMFGuid.known(0xc1c4_1626, 0x504c, 0x4092, 0xaca9_41f9_3693_4328)

    /// Reads lists up to the end of `reader`.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        var entries: [Entry] = []
        while !reader.isAtEnd {
            let start = reader.position
            let type = try reader.guid("EFI_SIGNATURE_LIST.SignatureType")
            let size = try reader.read("EFI_SIGNATURE_LIST.SignatureListSize", as: UInt32.self)
            let header = try reader.read("EFI_SIGNATURE_LIST.SignatureHeaderSize", as: UInt32.self)
            let each = try reader.read("EFI_SIGNATURE_LIST.SignatureSize", as: UInt32.self)
            let room = UInt64(size).subtractingReportingOverflow(28 + UInt64(header))
            guard each > 16, !room.overflow, room.partialValue.isMultiple(of: UInt64(each)) else {
                throw reader.error(
                    "EFI_SIGNATURE_LIST",
                    found: "a list of \(size), a header of \(header), signatures of \(each) bytes",
                    expected: "a header and whole signatures of more than 16 bytes", at: start)
            }
            try reader.skip(Int(header), "EFI_SIGNATURE_LIST.SignatureHeader")
            var list = try reader.slice(Int(room.partialValue), "EFI_SIGNATURE_LIST.Signatures")
            while !list.isAtEnd {
                let owner = try list.guid("EFI_SIGNATURE_DATA.SignatureOwner")
                entries.append(
                    Entry(type: type, owner: owner, data: try list.bytes(Int(each) - 16, "SignatureData")))
            }
        }
        self.entries = entries
    }
}
