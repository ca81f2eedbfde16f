public import Bytes
private import Hashing
public import Signing

/// A quote of a trust domain, version 4 or 5 (Intel TDX DCAP Quoting Library API, appendix 3).
///
///     0x00  2 VERSION              4 or 5
///     0x02  2 attestation key type 2, ECDSA P-256
///     0x04  4 TEE_TYPE             0x81, TDX
///     0x08  2 QE_SVN               version 4; reserved in 5
///     0x0A  2 PCE_SVN              version 4; reserved in 5
///     0x0C 16 QE_VENDOR_ID
///     0x1C 20 USER_DATA
///     0x30    version 4: the body of 584 bytes
///             version 5: 2 body type (2 for TDX 1.0, 3 for 1.5), 4 size, the body
///           4 size of what follows
///          64 ECDSA signature r‖s over everything before the size
///          64 attestation key x‖y
///           2 certification data type, 6
///           4 size, and that many bytes: `QuotingEnclaveCertification`
///
/// What stands behind the size that a quote states is no part of it and signed by nobody: firmware and clouds pad.
public struct TDXQuote: Hashable, Sendable {
    /// Largest file that is read, in bytes.
    public static let maximumByteCount = 1 << 20
    /// Intel's quoting enclave.
    public static let intelVendorID: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]

    /// 4 or 5.
    public let version: UInt16
    public let qeSVN, pceSVN: UInt16
    /// 16 bytes.
    public let qeVendorID: [UInt8]
    /// 20 bytes; by Intel's enclave the platform's identifier and zeros.
    public let userData: [UInt8]
    /// 2 for TDX 1.0, 3 for 1.5; version 4 does not state it and has 1.0.
    public let bodyType: UInt16?
    public let body: TDXBody
    /// Header and body, which the attestation key signed.
    public let signedBytes: [UInt8]
    /// r‖s, 32 bytes each, most significant byte first.
    public let signature: [UInt8]
    /// x‖y, 32 bytes each, most significant byte first.
    public let attestationKey: [UInt8]
    public let certification: QuotingEnclaveCertification
    /// How many bytes the quote has, and how many of the file stand behind it.
    public let byteCount, trailingByteCount: Int
    /// Where it was read from.
    public let source: String

    /// The attestation key; nil if it is no point of the curve.
    public var key: PublicKey? { try? PublicKey(p256Point: attestationKey, source: source) }

    /// The PCK certificate and its chain, as the quote carries them.
    public func certificates() throws(FormatError) -> [Certificate] {
        guard certification.dataType == .pckChain else {
            throw FormatError(
                source: source, offset: certification.dataOffset, field: "certification data type",
                found: "\(certification.dataType.rawValue)", expected: "5 (PCK certificate chain)",
                hint: "give the PCK certificate and its chain as files")
        }
        // The chain is a C string: Intel's library counts the end into its size.
        var text = certification.data
        while text.last == 0 { text.removeLast() }
        return try Certificate.read(text, source: source)
    }
}

/// Who certifies the attestation key: the quoting enclave's report and the chain below the key that signed it (same
/// document, appendix 3.1: QE Report Certification Data).
///
///     0x000 384 QE report
///     0x180  64 ECDSA signature r‖s over it by the PCK
///     0x1C0   2 size, and that many bytes of authentication data
///             2 certification data type; 4 size, and that many bytes
public struct QuotingEnclaveCertification: Hashable, Sendable {
    /// What the last field holds.
    public struct DataType: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The certificate of the PCK and its chain, PEM.
        public static let pckChain = DataType(rawValue: 5)
    }

    public let report: SGXReport
    /// r‖s, 32 bytes each, most significant byte first.
    public let signature: [UInt8]
    public let authenticationData: [UInt8]
    public let dataType: DataType
    public let data: [UInt8]
    /// Where `data` stands in the source.
    public let dataOffset: Int
}
