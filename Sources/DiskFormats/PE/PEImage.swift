public import Files

/// A PE/COFF image by its headers; the bytes stay where they are.
///
/// Microsoft PE Format, revision 12; UEFI 2.10, §2.1.1. It reads PE32 and PE32+. Data behind the sections is allowed
/// (certificates and whatever else was appended). Offsets are those in `source`.
///
/// ```
///  0x00  DOS header, "MZ"; 0x3c: offset P of the PE header
///     P  "PE\0\0", COFF header (20 bytes), optional header, section table (40 bytes each)
///        … SizeOfHeaders
///        section data at PointerToRawData … certificate table
/// ```
public struct PEImage: Sendable {
    /// One row of the section table.
    public struct Section: Sendable, Hashable {
        /// At most 8 bytes, NULs at the end cut; other bytes than UTF-8 are repaired.
        public var name: String
        /// Bytes that the section's contents have in memory.
        public var virtualSize: UInt32
        /// Address in memory, counted from the image's start.
        public var virtualAddress: UInt32
        /// SizeOfRawData: bytes in the file, often rounded up.
        public var rawSize: UInt32
        /// PointerToRawData: offset in the file.
        public var rawOffset: UInt32
        public var characteristics: UInt32

        /// The section's bytes in the file, padding included.
        public var rawRange: Range<Int> { Int(rawOffset)..<Int(rawOffset) + Int(rawSize) }
        /// The bytes in the file that count as contents: the first `virtualSize` of them.
        public var contentRange: Range<Int> {
            Int(rawOffset)..<Int(rawOffset) + Int(min(rawSize, virtualSize))
        }
    }

    /// IMAGE_DLLCHARACTERISTICS_NX_COMPAT.
    public static let nxCompatible: UInt16 = 0x100

    /// The whole file.
    public let source: ByteSource
    /// Offset of the COFF header, behind `PE\0\0`.
    public let coffHeaderOffset: Int
    /// IMAGE_FILE_MACHINE_*, 0x8664 for x86-64.
    public let machine: UInt16
    public let timeDateStamp: UInt32
    /// Offset of the COFF symbol table, 0 if there is none.
    public let symbolTableOffset: UInt32
    /// Offset of the optional header.
    public let optionalHeaderOffset: Int
    /// Whether the optional header is PE32+ (64-bit) and not PE32.
    public let isPE32Plus: Bool
    public let entryPoint: UInt32
    public let imageBase: UInt64
    public let sectionAlignment: UInt32
    public let fileAlignment: UInt32
    public let sizeOfImage: UInt32
    public let sizeOfHeaders: UInt32
    public let subsystem: UInt16
    public let dllCharacteristics: UInt16
    /// Offset of the CheckSum field.
    public let checksumOffset: Int
    /// Offset of the security entry in the data directory; nil if the directory is shorter.
    public let securityDirectoryOffset: Int?
    /// Where the certificates are in the file; empty if the image is not signed.
    public let certificateTable: Range<Int>
    /// Offset of the section table.
    public let sectionTableOffset: Int
    /// In the order of the section table.
    public let sections: [Section]

    /// The first section of that name.
    public func section(_ name: String) -> Section? { sections.first { $0.name == name } }

    /// The contents of a section as a source of their own: the first `virtualSize` bytes as far as the file has them.
    public func contents(of section: Section) throws -> ByteSource {
        let range = section.contentRange
        return try source.window(at: range.lowerBound, count: range.count, "section \(section.name)")
    }
}
