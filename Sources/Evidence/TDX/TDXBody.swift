internal import Bytes
public import Hashing

/// What the TDX module reports of a trust domain, as a quote carries it (Intel TDX DCAP Quoting Library API, appendix 3.3
/// and 3.8: TD Quote Body).
///
///     0x000 16 TEE_TCB_SVN       0x110 48 MROWNERCONFIG
///     0x010 48 MRSEAM            0x140 48 RTMR0
///     0x040 48 MRSIGNERSEAM      0x170 48 RTMR1
///     0x070  8 SEAMATTRIBUTES    0x1A0 48 RTMR2
///     0x078  8 TDATTRIBUTES      0x1D0 48 RTMR3
///     0x080  8 XFAM              0x200 64 REPORTDATA
///     0x088 48 MRTD              0x240 16 TEE_TCB_SVN_2   TD 1.5 alone
///     0x0B8 48 MRCONFIGID        0x250 48 MRSERVICETD     TD 1.5 alone
///     0x0E8 48 MROWNER
public struct TDXBody: Hashable, Sendable {
    /// Bytes of a body of TDX 1.0 and of TDX 1.5.
    public static let byteCount = 584
    public static let extendedByteCount = 648

    /// 16 security versions of the platform as the domain was launched: byte 0 the TDX module's, byte 1 its major version.
    public let teeTCBSVN: [UInt8]
    /// SHA-384 of the TDX module and of its signer; the signer is zero for a module that Intel signed.
    public let mrSeam, mrSignerSeam: Digest
    /// As read, little-endian.
    public let seamAttributes: UInt64
    public let attributes: TDAttributes
    /// The extended processor features that the domain may use, little-endian.
    public let xfam: UInt64
    public let mrtd: Digest
    /// 48 bytes each that host and owner gave at launch; zero if they gave none.
    public let mrConfigID, mrOwner, mrOwnerConfig: [UInt8]
    /// RTMR0 to RTMR3.
    public let rtmrs: [Digest]
    /// 64 bytes that the domain chose.
    public let reportData: [UInt8]
    /// 16 security versions of the platform as it is now; TDX 1.5 alone.
    public let teeTCBSVN2: [UInt8]?
    /// SHA-384 over the service domains bound to this one, zero without any; TDX 1.5 alone.
    public let mrServiceTD: Digest?

    /// Reads a body, of TDX 1.5 if `isExtended`.
    init(parsing reader: inout ByteReader, isExtended: Bool) throws(FormatError) {
        teeTCBSVN = try reader.bytes(16, "TEE_TCB_SVN")
        mrSeam = try reader.sha384("MRSEAM")
        mrSignerSeam = try reader.sha384("MRSIGNERSEAM")
        seamAttributes = try reader.read("SEAMATTRIBUTES")
        attributes = TDAttributes(rawValue: try reader.read("TDATTRIBUTES"))
        xfam = try reader.read("XFAM")
        mrtd = try reader.sha384("MRTD")
        mrConfigID = try reader.bytes(48, "MRCONFIGID")
        mrOwner = try reader.bytes(48, "MROWNER")
        mrOwnerConfig = try reader.bytes(48, "MROWNERCONFIG")
        rtmrs = try reader.rtmrs()
        reportData = try reader.bytes(64, "REPORTDATA")
        teeTCBSVN2 = isExtended ? try reader.bytes(16, "TEE_TCB_SVN_2") : nil
        mrServiceTD = isExtended ? try reader.sha384("MRSERVICETD") : nil
    }
}

extension ByteReader {
    /// Reads a SHA-384 digest.
    mutating func sha384(_ field: String) throws(FormatError) -> Digest {
        let bytes = try bytes(HashAlgorithm.sha384.byteCount, field)
        guard let digest = Digest(.sha384, bytes: bytes) else {
            throw error(field, found: "\(bytes.count) bytes", expected: "48")
        }
        return digest
    }

    /// Reads RTMR0 to RTMR3.
    mutating func rtmrs() throws(FormatError) -> [Digest] {
        var result: [Digest] = []
        for index in 0..<4 { result.append(try sha384("RTMR\(index)")) }
        return result
    }
}
