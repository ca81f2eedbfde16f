public import Bytes
public import Hashing

/// A TD report (TDREPORT_STRUCT, Intel TDX Module ABI; 1024 bytes): what a quote is made from.
///
///     0x000  4 report type: 0x81, subtype 0, version 0 or 1, 0
///     0x004 12 reserved
///     0x010 16 CPUSVN
///     0x020 48 TEE_TCB_INFO_HASH, SHA-384 of 0x100 to 0x1EE
///     0x050 48 TEE_INFO_HASH, SHA-384 of 0x200 to 0x3FF
///     0x080 64 REPORTDATA
///     0x0C0 32 reserved
///     0x0E0 32 MAC, which this processor alone can check
///     0x100  8 VALID
///     0x108 16 TEE_TCB_SVN
///     0x118 48 MRSEAM
///     0x148 48 MRSIGNERSEAM
///     0x178  8 SEAM attributes
///     0x180 16 TEE_TCB_SVN_2, zero before TDX 1.5
///     0x190    reserved to 0x200
///     0x200  8 ATTRIBUTES     0x2A0 48 MROWNERCONFIG
///     0x208  8 XFAM           0x2D0 48 RTMR0 to RTMR3, 48 each
///     0x210 48 MRTD           0x390 48 SERVTD_HASH, in version 1
///     0x240 48 MRCONFIGID     0x3C0    reserved to 0x400
///     0x270 48 MROWNER
public struct TDReport: Hashable, Sendable {
    public static let byteCount = 1024

    /// The 1024 bytes.
    public let bytes: [UInt8]
    /// 0, or 1 if `serviceTDHash` counts.
    public let version: UInt8
    /// 16 bytes.
    public let cpuSVN: [UInt8]
    public let teeTCBInfoHash, teeInfoHash: Digest
    /// 64 bytes that the domain chose.
    public let reportData: [UInt8]
    /// 32 bytes.
    public let mac: [UInt8]
    /// Which parts of the TCB information count.
    public let valid: UInt64
    /// 16 bytes each.
    public let teeTCBSVN, teeTCBSVN2: [UInt8]
    public let mrSeam, mrSignerSeam: Digest
    public let seamAttributes: UInt64
    public let attributes: TDAttributes
    public let xfam: UInt64
    public let mrtd: Digest
    /// 48 bytes each.
    public let mrConfigID, mrOwner, mrOwnerConfig: [UInt8]
    /// RTMR0 to RTMR3.
    public let rtmrs: [Digest]
    public let serviceTDHash: Digest

    /// Whether the hashes in the report are those of its parts.
    public var hashesMatch: Bool {
        Digest.of(Array(bytes[0x100..<0x1EF]), .sha384) == teeTCBInfoHash
            && Digest.of(Array(bytes[0x200..<0x400]), .sha384) == teeInfoHash
    }

    /// Whether bytes start as a report does.
    public static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.count >= byteCount && bytes[0] == 0x81 && bytes[1] == 0 && bytes[2] < 16
            && bytes[3..<16].allSatisfy { $0 == 0 }
    }

    /// Reads a report of 1024 bytes and nothing after it.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        self = try bytes.withReader(source: source) { reader throws(FormatError) in
            let report = try TDReport(parsing: &reader)
            try reader.finish("TDREPORT_STRUCT")
            return report
        }
    }

    /// Reads the 1024 bytes; reserved ones must be zero.
    init(parsing reader: inout ByteReader) throws(FormatError) {
        bytes = try [UInt8](
            copying: reader.window(at: reader.position, count: Self.byteCount, "TDREPORT_STRUCT").unread)
        try reader.expect("REPORTTYPE.TYPE", UInt8(0x81))
        try reader.expect("REPORTTYPE.SUBTYPE", UInt8(0))
        let versionOffset = reader.position
        version = try reader.read("REPORTTYPE.VERSION")
        guard version <= 1 else {
            throw reader.error("REPORTTYPE.VERSION", found: "\(version)", expected: "0 or 1", at: versionOffset)
        }
        try reader.expectZeros(13, "reserved")
        cpuSVN = try reader.bytes(16, "CPUSVN")
        teeTCBInfoHash = try reader.sha384("TEE_TCB_INFO_HASH")
        teeInfoHash = try reader.sha384("TEE_INFO_HASH")
        reportData = try reader.bytes(64, "REPORTDATA")
        try reader.expectZeros(32, "reserved")
        mac = try reader.bytes(32, "MAC")
        valid = try reader.read("TEE_TCB_INFO.VALID")
        teeTCBSVN = try reader.bytes(16, "TEE_TCB_SVN")
        mrSeam = try reader.sha384("MRSEAM")
        mrSignerSeam = try reader.sha384("MRSIGNERSEAM")
        seamAttributes = try reader.read("SEAM attributes")
        teeTCBSVN2 = try reader.bytes(16, "TEE_TCB_SVN_2")
        try reader.expectZeros(112, "reserved")
        attributes = TDAttributes(rawValue: try reader.read("ATTRIBUTES"))
        xfam = try reader.read("XFAM")
        mrtd = try reader.sha384("MRTD")
        mrConfigID = try reader.bytes(48, "MRCONFIGID")
        mrOwner = try reader.bytes(48, "MROWNER")
        mrOwnerConfig = try reader.bytes(48, "MROWNERCONFIG")
        rtmrs = try reader.rtmrs()
        serviceTDHash = try reader.sha384("SERVTD_HASH")
        try reader.expectZeros(64, "reserved")
    }
}
