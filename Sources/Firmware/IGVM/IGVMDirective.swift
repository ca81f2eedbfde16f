import Bytes

/// PARAMETER_AREA: memory that a loader fills with parameters; what it fills in is not measured.
///
///     0x00 8 bytes  0x08 4 index  0x0C 4 file offset of the first contents, 0 for zeros
public struct IGVMParameterArea: Hashable, Sendable {
    /// A multiple of 4096.
    public var byteCount: UInt64
    public var index, fileOffset: UInt32

    init(_ reader: inout ByteReader) throws(FormatError) {
        byteCount = try reader.pages("PARAMETER_AREA.number of bytes")
        index = try reader.read("PARAMETER_AREA.index")
        fileOffset = try reader.read("PARAMETER_AREA.file offset")
    }
}

/// PAGE_DATA: a page of the guest's memory.
///
///     0x00 8 GPA    0x08 4 compatibility mask  0x0C 4 file offset, 0 for zeros
///     0x10 4 flags  0x14 2 data type           0x16 2 reserved
public struct IGVMPageData: Hashable, Sendable {
    /// What the page is for.
    public enum Kind: UInt16, Sendable, CaseIterable {
        case normal = 0
        case secrets = 1
        case cpuid = 2
        case cpuidXF = 3
    }

    public var gpa: UInt64
    public var compatibilityMask: UInt32
    /// Offset of the page's bytes in the file; 0: the page is zero.
    public var fileOffset: UInt32
    /// A page of 2 MiB instead of 4096 bytes.
    public var isLarge: Bool
    /// Its contents are not measured.
    public var isUnmeasured: Bool
    /// The host sees it; it is no part of the measurement.
    public var isShared: Bool
    public var kind: Kind

    /// Bytes of the page.
    public var byteCount: Int { isLarge ? 2 << 20 : 4096 }

    init(_ reader: inout ByteReader) throws(FormatError) {
        gpa = try reader.pages("PAGE_DATA.GPA")
        compatibilityMask = try reader.read("PAGE_DATA.compatibility mask")
        fileOffset = try reader.read("PAGE_DATA.file offset")
        let flags: UInt32 = try reader.read("PAGE_DATA.flags")
        guard flags & ~7 == 0 else {
            throw reader.error("PAGE_DATA.flags", found: hexadecimal(flags), expected: "bits 0 to 2 alone", at: 0x10)
        }
        isLarge = flags & 1 != 0
        isUnmeasured = flags & 2 != 0
        isShared = flags & 4 != 0
        let raw: UInt16 = try reader.read("PAGE_DATA.data type")
        guard let kind = Kind(rawValue: raw) else {
            throw reader.error("PAGE_DATA.data type", found: "\(raw)", expected: "0 to 3", at: 0x14)
        }
        self.kind = kind
        try reader.expectZeros(2, "PAGE_DATA.reserved")
        let size = UInt64(byteCount)
        guard gpa.isMultiple(of: size) else {
            throw reader.error(
                "PAGE_DATA.GPA", found: hexadecimal(gpa), expected: "a multiple of \(hexadecimal(size))", at: 0)
        }
        try reader.requireRange(gpa, size, "PAGE_DATA")
        guard !isLarge || kind == .normal else {
            throw reader.error("PAGE_DATA.flags", found: "2 MiB", expected: "4096 bytes for data type \(raw)", at: 0x10)
        }
    }
}

/// PARAMETER_INSERT: puts a parameter area into the guest's memory as unmeasured pages.
///
///     0x00 8 GPA  0x08 4 compatibility mask  0x0C 4 area index
public struct IGVMParameterInsert: Hashable, Sendable {
    public var gpa: UInt64
    public var compatibilityMask, areaIndex: UInt32

    init(_ reader: inout ByteReader) throws(FormatError) {
        gpa = try reader.pages("PARAMETER_INSERT.GPA")
        compatibilityMask = try reader.read("PARAMETER_INSERT.compatibility mask")
        areaIndex = try reader.read("PARAMETER_INSERT.area index")
    }
}

/// VP_CONTEXT: the first state of a virtual processor.
///
///     0x00 8 GPA       where the save area is measured (SEV-ES, SEV-SNP)
///     0x08 4 compatibility mask
///     0x0C 4 file offset
///     0x10 2 VP index  0x12 2 reserved
public struct IGVMVPContext: Hashable, Sendable {
    public var gpa: UInt64
    public var compatibilityMask, fileOffset: UInt32
    public var vpIndex: UInt16

    /// Bytes of a save area (VMSA).
    public static let saveAreaByteCount = 4096

    init(_ reader: inout ByteReader) throws(FormatError) {
        gpa = try reader.pages("VP_CONTEXT.GPA")
        compatibilityMask = try reader.read("VP_CONTEXT.compatibility mask")
        fileOffset = try reader.read("VP_CONTEXT.file offset")
        vpIndex = try reader.read("VP_CONTEXT.VP index")
        try reader.expectZeros(2, "VP_CONTEXT.reserved")
    }
}

/// REQUIRED_MEMORY: memory that must be there; its contents are not measured.
///
///     0x00 8 GPA  0x08 4 compatibility mask  0x0C 4 bytes  0x10 4 flags (bit 0: VTL2 protectable)  0x14 4 reserved
public struct IGVMRequiredMemory: Hashable, Sendable {
    public var gpa: UInt64
    public var compatibilityMask, byteCount: UInt32
    public var isVTL2Protectable: Bool

    init(_ reader: inout ByteReader) throws(FormatError) {
        gpa = try reader.pages("REQUIRED_MEMORY.GPA")
        compatibilityMask = try reader.read("REQUIRED_MEMORY.compatibility mask")
        byteCount = try reader.pages("REQUIRED_MEMORY.number of bytes")
        let flags: UInt32 = try reader.read("REQUIRED_MEMORY.flags")
        guard flags & ~1 == 0 else {
            throw reader.error("REQUIRED_MEMORY.flags", found: hexadecimal(flags), expected: "0 or 1", at: 0x10)
        }
        isVTL2Protectable = flags == 1
        try reader.expectZeros(4, "REQUIRED_MEMORY.reserved")
        try reader.requireRange(gpa, UInt64(byteCount), "REQUIRED_MEMORY")
    }
}

/// A place in a parameter area for one parameter (IGVM definitions, `IGVM_VHS_PARAMETER`).
///
///     0x00 4 area index  0x04 4 offset in bytes
public struct IGVMParameter: Hashable, Sendable {
    public var areaIndex, offset: UInt32

    init(_ reader: inout ByteReader, _ type: IGVMHeaderType) throws(FormatError) {
        areaIndex = try reader.read("\(type).area index")
        offset = try reader.read("\(type).byte offset")
    }
}

/// ERROR_RANGE: memory shared with the host, in which the guest reports errors.
///
///     0x00 8 GPA  0x08 4 compatibility mask  0x0C 4 bytes
public struct IGVMErrorRange: Hashable, Sendable {
    public var gpa: UInt64
    public var compatibilityMask, byteCount: UInt32

    init(_ reader: inout ByteReader) throws(FormatError) {
        gpa = try reader.pages("ERROR_RANGE.GPA")
        compatibilityMask = try reader.read("ERROR_RANGE.compatibility mask")
        byteCount = try reader.pages("ERROR_RANGE.size")
        try reader.requireRange(gpa, UInt64(byteCount), "ERROR_RANGE")
    }
}

/// VBS_MEASUREMENT: the signed measurement of a guest under Hyper-V's VSM isolation; read for its fields alone.
///
///     0x00 4 compatibility mask  0x04 4 version        0x08 4 product  0x0C 4 module  0x10 4 security version
///     0x14 4 policy flags        0x18 4 digest algorithm                               0x1C 4 signing algorithm
///     0x20 64 digest             0x60 256 signature    0x160 512 public key
public struct IGVMVBSMeasurement: Hashable, Sendable {
    public var compatibilityMask: UInt32
    public var version, productID, moduleID, securityVersion, policyFlags, digestAlgorithm, signingAlgorithm: UInt32
    public var digest: [UInt8]

    init(_ reader: inout ByteReader) throws(FormatError) {
        compatibilityMask = try reader.read("VBS_MEASUREMENT.compatibility mask")
        version = try reader.read("VBS_MEASUREMENT.version")
        productID = try reader.read("VBS_MEASUREMENT.product")
        moduleID = try reader.read("VBS_MEASUREMENT.module")
        securityVersion = try reader.read("VBS_MEASUREMENT.security version")
        policyFlags = try reader.read("VBS_MEASUREMENT.policy flags")
        digestAlgorithm = try reader.read("VBS_MEASUREMENT.digest algorithm")
        signingAlgorithm = try reader.read("VBS_MEASUREMENT.signing algorithm")
        digest = try reader.bytes(64, "VBS_MEASUREMENT.digest")
        try reader.skip(256 + 512, "VBS_MEASUREMENT.signature and key")
    }
}
