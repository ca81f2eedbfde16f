internal import Bytes

/// The report of an SGX enclave, here of the quoting enclave (Intel SDM volume 3D, table 40-21: REPORT body; 384 bytes).
///
///     0x000 16 CPUSVN        0x080 32 MRSIGNER
///     0x010  4 MISCSELECT    0x0A0 96 reserved, CONFIGID
///     0x014 28 reserved, ISVEXTPRODID
///     0x030 16 ATTRIBUTES    0x100  2 ISVPRODID
///     0x040 32 MRENCLAVE     0x102  2 ISVSVN
///     0x060 32 reserved      0x104 60 CONFIGSVN, reserved, ISVFAMILYID
///                            0x140 64 REPORTDATA
public struct SGXReport: Hashable, Sendable {
    public static let byteCount = 384

    /// The 384 bytes, which the PCK signed.
    public let bytes: [UInt8]
    /// 16 bytes.
    public let cpuSVN: [UInt8]
    public let miscSelect: UInt32
    /// 16 bytes: flags and XFRM.
    public let attributes: [UInt8]
    /// 32 bytes each: SHA-256 of the enclave and of its signer's key.
    public let mrEnclave, mrSigner: [UInt8]
    public let isvProductID, isvSVN: UInt16
    /// 64 bytes that the enclave chose.
    public let reportData: [UInt8]

    /// Whether the enclave may be debugged: ATTRIBUTES bit 1.
    public var isDebuggable: Bool { attributes[0] & 0x02 != 0 }

    /// Reads the 384 bytes.
    init(parsing reader: inout ByteReader) throws(FormatError) {
        bytes = try [UInt8](
            copying: reader.window(at: reader.position, count: Self.byteCount, "QE report").unread)
        cpuSVN = try reader.bytes(16, "QE report.CPUSVN")
        miscSelect = try reader.read("QE report.MISCSELECT")
        try reader.skip(28, "QE report.reserved")
        attributes = try reader.bytes(16, "QE report.ATTRIBUTES")
        mrEnclave = try reader.bytes(32, "QE report.MRENCLAVE")
        try reader.skip(32, "QE report.reserved")
        mrSigner = try reader.bytes(32, "QE report.MRSIGNER")
        try reader.skip(96, "QE report.reserved")
        isvProductID = try reader.read("QE report.ISVPRODID")
        isvSVN = try reader.read("QE report.ISVSVN")
        try reader.skip(60, "QE report.reserved")
        reportData = try reader.bytes(64, "QE report.REPORTDATA")
    }
}
