public import Bytes

/// The SIGSTRUCT of a TDX module (Intel TDX Module, SEAM loader interface; fields without padding, little-endian).
///
///     0x000  4  header type 6         0x080  384  modulus
///     0x004  4  header length 0xE1    0x200    4  exponent, 65537
///     0x008  4  header version        0x204  384  signature
///     0x00C  4  bit 31: debug         0x384   48  SHA-384 of the module
///     0x010  4  vendor 0x8086         0x3B4    2  SVN: minor, major
///     0x014  4  date, BCD             0x3B6    8  attributes
public struct SEAMSignature: Hashable, Sendable {
    /// Size of the structure in bytes.
    public static let byteCount = 2048

    public let isDebug: Bool
    /// SHA-384 of the module's pages: MRSEAM.
    public let seamHash: [UInt8]
    /// Minor version in the low byte, major in the high one: bytes 0 and 1 of TEE_TCB_SVN.
    public let seamSVN: UInt16
    public let attributes: UInt64

    /// Reads a whole file; a field that P-SEAMLDR would refuse is an error. The RSA signature is not checked.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count == Self.byteCount else {
            throw FormatError(
                source: source, field: "SEAM SIGSTRUCT", found: "\(bytes.count) bytes", expected: "\(Self.byteCount)",
                hint: "give the file that comes with the module, e.g. intel_tdx_module.so.sigstruct")
        }
        var reader = ByteReader(bytes.raw, source: source)
        try reader.expect("SEAM SIGSTRUCT.header type", UInt32(6))
        try reader.expect("SEAM SIGSTRUCT.header length", UInt32(0xE1))
        try reader.expect("SEAM SIGSTRUCT.header version", UInt32(0x1_0000))
        let type: UInt32 = try reader.read("SEAM SIGSTRUCT.module type")
        isDebug = type >> 31 != 0
        try reader.expect("SEAM SIGSTRUCT.module vendor", UInt32(0x8086))
        let _: UInt32 = try reader.read("SEAM SIGSTRUCT.date")
        try reader.expect("SEAM SIGSTRUCT.size", UInt32(0x200))
        try reader.expect("SEAM SIGSTRUCT.key size", UInt32(0x60))
        try reader.expect("SEAM SIGSTRUCT.modulus size", UInt32(0x60))
        try reader.expect("SEAM SIGSTRUCT.exponent size", UInt32(1))
        _ = try reader.bytes(88 + 384, "SEAM SIGSTRUCT.modulus")
        try reader.expect("SEAM SIGSTRUCT.exponent", UInt32(0x1_0001))
        _ = try reader.bytes(384, "SEAM SIGSTRUCT.signature")
        seamHash = try reader.bytes(48, "SEAM SIGSTRUCT.seam hash")
        seamSVN = try reader.read("SEAM SIGSTRUCT.seam SVN")
        attributes = try reader.read("SEAM SIGSTRUCT.attributes")
    }
}
