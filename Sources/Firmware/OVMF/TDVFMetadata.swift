import Bytes

/// The TDX metadata of an OVMF image (Intel TDX Virtual Firmware Design Guide, §11).
///
///     0x00  4  signature "TDVF"
///     0x04  4  length       0x10 + 32 × count
///     0x08  4  version      1
///     0x0C  4  count
///     0x10     count × { u32 data offset, u32 raw size, u64 address, u64 memory size, u32 type, u32 attributes }
///
/// What does not pass the loader's checks is refused here too. The order of sections is the order of measurement.
public struct TDVFMetadata: Hashable, Sendable {
    /// What a section is.
    public enum Kind: UInt32, Sendable, CustomStringConvertible {
        /// Boot firmware volume: code, measured into MRTD.
        case bfv = 0
        /// Configuration firmware volume: the variable store.
        case cfv = 1
        case tdHOB = 2
        case tempMem = 3
        /// Memory that the TD keeps; td-shim alone, as are all further kinds.
        case permMem = 4
        /// What td-shim starts, and its parameters.
        case payload = 5
        case payloadParam = 6
        case tdInfo = 7
        case tdParams = 8

        public var description: String {
            switch self {
            case .bfv: "BFV"
            case .cfv: "CFV"
            case .tdHOB: "TD_HOB"
            case .tempMem: "TEMP_MEM"
            case .permMem: "PERM_MEM"
            case .payload: "PAYLOAD"
            case .payloadParam: "PAYLOAD_PARAM"
            case .tdInfo: "TD_INFO"
            case .tdParams: "TD_PARAMS"
            }
        }
    }

    /// Whose checks the sections must pass.
    public enum Dialect: Sendable {
        /// Types 0 to 3, exactly one TD_HOB.
        case qemu
        /// Types 0 to 8, at most one TD_HOB.
        case tdShim
    }

    public struct Section: Hashable, Sendable {
        /// Offset and size of the section's bytes in the image.
        public var dataOffset, rawSize: UInt32
        /// Guest physical address of the first byte, and size in memory.
        public var address, memorySize: UInt64
        public var kind: Kind
        public var attributes: UInt32
        /// Offset of the section's record in the image.
        public var recordOffset: Int

        public init(
            dataOffset: UInt32, rawSize: UInt32, address: UInt64, memorySize: UInt64, kind: Kind, attributes: UInt32,
            recordOffset: Int
        ) {
            self.dataOffset = dataOffset
            self.rawSize = rawSize
            self.address = address
            self.memorySize = memorySize
            self.kind = kind
            self.attributes = attributes
            self.recordOffset = recordOffset
        }

        /// Content goes into MRTD (MR.EXTEND).
        public var extendsMR: Bool { attributes & 1 != 0 }
        /// Added later by the guest (PAGE.AUG): nothing of it goes into MRTD.
        public var isAugmented: Bool { attributes & 2 != 0 }
        /// The section's bytes in the image.
        public var range: Range<Int> { Int(dataOffset)..<Int(dataOffset) + Int(rawSize) }
    }

    static let headerByteCount = 16
    static let sectionByteCount = 32

    /// In table order.
    public let sections: [Section]
    /// Offset of the descriptor in the image.
    public let offset: Int

    /// Sections known otherwise than from an image.
    public init(sections: [Section]) {
        self.sections = sections
        offset = 0
    }

    init(image: [UInt8], fromEnd: Int, source: String, dialect: Dialect = .qemu) throws(FormatError) {
        guard fromEnd >= Self.headerByteCount, fromEnd <= image.count else {
            throw FormatError(
                source: source, field: "TDX metadata offset", found: hexadecimal(fromEnd),
                expected: "at least 0x10 and at most the image's size, \(hexadecimal(image.count))")
        }
        offset = image.count - fromEnd
        let whole = ByteReader(image.raw, source: source)
        var reader = try whole.window(at: offset, count: fromEnd, "TDVF descriptor")
        try reader.expect("TDVF descriptor.signature", bytes: Array("TDVF".utf8))
        let length: UInt32 = try reader.read("TDVF descriptor.length")
        try reader.expect("TDVF descriptor.version", UInt32(1))
        let count: UInt32 = try reader.read("TDVF descriptor.count")
        guard count >= 2 else {
            throw reader.error("TDVF descriptor.count", found: "\(count)", expected: "at least 2 sections", at: 12)
        }
        guard UInt64(length) == UInt64(Self.headerByteCount) + UInt64(Self.sectionByteCount) * UInt64(count) else {
            throw reader.error(
                "TDVF descriptor.length", found: "\(hexadecimal(length)) with \(count) sections",
                expected: "0x10 + 32 bytes a section", at: 4)
        }
        // A count times 32 fits: it was compared with a 32-bit length.
        var table = try reader.slice(Int(count) * Self.sectionByteCount, "TDVF descriptor.sections")
        var sections: [Section] = []
        for _ in 0..<count {
            var record = try table.slice(Self.sectionByteCount, "TDVF section")
            sections.append(try Section(&record, imageSize: image.count, dialect: dialect))
        }
        self.sections = sections
        try validateSet(source: source, dialect: dialect)
    }

    private func validateSet(source: String, dialect: Dialect) throws(FormatError) {
        let hobs = sections.count { $0.kind == .tdHOB }
        guard hobs == 1 || hobs == 0 && dialect == .tdShim else {
            throw FormatError(
                source: source, offset: offset, field: "TDVF descriptor", found: "\(hobs) TD_HOB sections",
                expected: dialect == .qemu ? "exactly one" : "at most one")
        }
        guard sections.contains(where: { $0.kind == .bfv }) else {
            throw FormatError(
                source: source, offset: offset, field: "TDVF descriptor", found: "no BFV section",
                expected: "at least one")
        }
    }
}

extension TDVFMetadata.Section {
    fileprivate init(
        _ reader: inout ByteReader, imageSize: Int, dialect: TDVFMetadata.Dialect
    ) throws(FormatError) {
        recordOffset = reader.sourceOffset
        dataOffset = try reader.read("TDVF section.data offset")
        rawSize = try reader.read("TDVF section.raw size")
        address = try reader.read("TDVF section.address")
        memorySize = try reader.read("TDVF section.memory size")
        let type: UInt32 = try reader.read("TDVF section.type")
        attributes = try reader.read("TDVF section.attributes")
        guard let kind = TDVFMetadata.Kind(rawValue: type), type <= 3 || dialect == .tdShim else {
            throw reader.error(
                "TDVF section.type", found: hexadecimal(type),
                expected: dialect == .qemu ? "0 (BFV), 1 (CFV), 2 (TD_HOB) or 3 (TEMP_MEM)" : "0 to 8", at: 24,
                hint: dialect == .qemu
                    ? "QEMU loads no other section; types 4 to 8 are for td-shim's loader" : nil)
        }
        self.kind = kind
        try validate(reader, imageSize: imageSize)
    }

    private func validate(_ reader: borrowing ByteReader, imageSize: Int) throws(FormatError) {
        guard attributes & ~3 == 0 else {
            throw reader.error(
                "TDVF section.attributes", found: hexadecimal(attributes), expected: "bits 0 and 1 alone", at: 28)
        }
        guard address.isMultiple(of: 4096) else {
            throw reader.error(
                "TDVF section.address", found: hexadecimal(address), expected: "a multiple of 4096", at: 8)
        }
        guard memorySize.isMultiple(of: 4096), memorySize <= 1 << 32, address <= (1 << 52) - memorySize else {
            throw reader.error(
                "TDVF section.memory size", found: hexadecimal(memorySize),
                expected: "a multiple of 4096 up to 4 GiB that stays below 2^52", at: 16)
        }
        // td-shim's records about itself stand in the file alone.
        let isRecord = kind == .tdInfo || kind == .tdParams
        guard memorySize >= UInt64(rawSize) || isRecord && memorySize == 0 else {
            throw reader.error(
                "TDVF section.memory size", found: hexadecimal(memorySize),
                expected: "at least the raw size, \(hexadecimal(rawSize))", at: 16)
        }
        switch kind {
        case .bfv, .cfv:
            guard rawSize != 0 else {
                throw reader.error("TDVF section.raw size", found: "0", expected: "a size for \(kind)", at: 4)
            }
            try validateRange(reader, imageSize: imageSize)
        case .tdHOB, .tempMem, .permMem:
            guard rawSize == 0, dataOffset == 0 else {
                throw reader.error(
                    "TDVF section.raw size", found: "\(hexadecimal(rawSize)) at \(hexadecimal(dataOffset))",
                    expected: "no bytes in the image for \(kind)", at: 4)
            }
        case .payload, .payloadParam, .tdInfo, .tdParams: try validateRange(reader, imageSize: imageSize)
        }
    }

    private func validateRange(_ reader: borrowing ByteReader, imageSize: Int) throws(FormatError) {
        guard Int(dataOffset) <= imageSize, Int(rawSize) <= imageSize - Int(dataOffset) else {
            throw reader.error(
                "TDVF section.data offset", found: "\(hexadecimal(dataOffset)) + \(hexadecimal(rawSize)) for \(kind)",
                expected: "a range inside the image of \(hexadecimal(imageSize)) bytes", at: 0,
                hint: "offsets count from the start of the variable store: give the combined image (VARS before "
                    + "CODE), not CODE alone")
        }
    }
}
