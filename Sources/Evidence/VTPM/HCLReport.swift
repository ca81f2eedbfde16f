public import Bytes
public import Documents
public import Hashing
public import Signing

/// What Azure's paravisor (HCL, OpenHCL) leaves in its virtual TPM at NV index 0x01400001: the hardware's report, and the
/// claims that its REPORT_DATA holds the hash of, the vTPM's attestation key among them (Microsoft, "Azure confidential
/// VMs: vTPM attestation", HCL report).
///
///     0x000    4 "HCLA"
///     0x004    4 version, 1 or 2
///     0x008    4 size of everything up to the claims' end
///     0x00C    4 request type, 2
///     0x010    4 status, 0
///     0x014   12 reserved
///     0x020 1184 hardware report; a TD report of 1024 bytes and zeros
///     0x4C0    4 size from here to the claims' end
///     0x4C4    4 version, 1
///     0x4C8    4 report type: 2 SEV-SNP, 4 TDX
///     0x4CC    4 hash: 1 SHA-256, 2 SHA-384, 3 SHA-512
///     0x4D0    4 size of the claims
///     0x4D4      claims, JSON; zeros to the end of the index
public struct HCLReport: Sendable {
    /// Largest file that is read, in bytes.
    public static let maximumByteCount = 64 << 10
    static let hardwareOffset = 0x20
    static let hardwareByteCount = SNPReport.byteCount
    private static let claimsHeaderByteCount = 20

    /// The report of the processor.
    public enum Hardware: Hashable, Sendable {
        case snp(SNPReport)
        case tdx(TDReport)

        /// 64 bytes.
        public var reportData: [UInt8] {
            switch self {
            case .snp(let report): report.reportData
            case .tdx(let report): report.reportData
            }
        }
    }

    public let version: UInt32
    public let hardware: Hardware
    public let hash: HashAlgorithm
    /// The claims as they stand, which the hardware report binds.
    public let claims: [UInt8]
    /// The claims as a tree.
    public let claimsDocument: Node
    public let source: String

    /// Whether bytes start as a report does.
    public static func begins(_ bytes: [UInt8]) -> Bool { bytes.starts(with: Array("HCLA".utf8)) }

    /// Reads a report; zeros may follow it.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "HCL report", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        self.source = source
        (version, hardware, hash, claims) = try bytes.withReader(source: source) { reader throws(FormatError) in
            let (version, size) = try reader.hclHeader()
            let report = try reader.bytes(Self.hardwareByteCount, "hardware report")
            let start = reader.position
            let dataSize = try reader.read("claims.dataSize", as: UInt32.self)
            try reader.expect("claims.version", UInt32(1))
            let typeOffset = reader.position
            let type = try reader.read("claims.reportType", as: UInt32.self)
            let hash = try reader.claimsHash()
            let count = try reader.read("claims.variableDataSize", as: UInt32.self)
            let claims = try reader.bytes(Int(count), "claims")
            guard Int(dataSize) == reader.position - start, Int(size) == reader.position else {
                throw reader.error(
                    "size", found: "\(size), and \(dataSize) from the claims' header",
                    expected: "\(reader.position) and \(reader.position - start)", at: 8)
            }
            try reader.expectZeros(reader.remaining, "padding")
            let hardware: Hardware
            switch type {
            case 2: hardware = .snp(try Self.snpReport(report, source: source))
            case 4: hardware = .tdx(try Self.tdReport(report, source: source))
            default:
                throw reader.error(
                    "claims.reportType", found: "\(type)", expected: "2 (SEV-SNP) or 4 (TDX)", at: typeOffset,
                    hint: "the machine is not one whose memory hardware protects")
            }
            return (version, hardware, hash, claims)
        }
        do throws(DocumentError) {
            claimsDocument = try JSONReader.parse(claims, source: "\(source): claims", mode: .foreign)
        } catch {
            throw FormatError(
                source: source, offset: Self.hardwareOffset + Self.hardwareByteCount + Self.claimsHeaderByteCount,
                field: "claims", found: error.description, expected: "a JSON object")
        }
    }

    private static func snpReport(_ bytes: [UInt8], source: String) throws(FormatError) -> SNPReport {
        try bytes.withReader(source: source, base: hardwareOffset) { reader throws(FormatError) in
            try SNPReport(parsing: &reader)
        }
    }

    private static func tdReport(_ bytes: [UInt8], source: String) throws(FormatError) -> TDReport {
        try bytes.withReader(source: source, base: hardwareOffset) { reader throws(FormatError) in
            let report = try TDReport(parsing: &reader)
            try reader.expectZeros(reader.remaining, "reserved")
            return report
        }
    }

    /// Whether REPORT_DATA is the claims' hash and zeros.
    public var bindsClaims: Bool {
        let digest = Digest.of(claims, hash).bytes
        return hardware.reportData == digest + [UInt8](repeating: 0, count: 64 - digest.count)
    }

    /// The vTPM's attestation key, `HCLAkPub` among the claims' keys; RSA.
    public func attestationKey() throws(FormatError) -> CertificateKey {
        func failure(_ found: String) -> FormatError {
            FormatError(source: source, field: "claims.keys", found: found, expected: "one RSA key HCLAkPub")
        }
        guard case .array(let keys)? = claimsDocument.value["keys"] else { throw failure("no list") }
        let named = keys.map(\.value).filter { $0["kid"] == .string("HCLAkPub") }
        guard named.count == 1, let key = named.first else { throw failure("\(named.count)") }
        guard key["kty"] == .string("RSA"), case .string(let modulus)? = key["n"],
            case .string(let exponent)? = key["e"], let n = Base64.decode(unpadded: modulus),
            let e = Base64.decode(unpadded: exponent)
        else { throw failure("one that is not RSA in base64url") }
        return try CertificateKey(rsaModulus: n, exponent: e, source: "\(source): HCLAkPub")
    }

    /// Every field by name, in the order of the report.
    public var facts: [(String, Value)] {
        let (name, report): (String, [(String, Value)]) =
            switch hardware {
            case .snp(let report): ("SEV-SNP", report.facts)
            case .tdx(let report): ("TDX", report.facts)
            }
        return [
            ("version", .count(Int(version))), ("reportType", .string(name)), ("hash", .string(hash.rawValue)),
            ("claimsBound", .bool(bindsClaims)), ("claims", claimsDocument.value), ("hardwareReport", .object(report)),
        ]
    }
}

extension ByteReader {
    fileprivate mutating func hclHeader() throws(FormatError) -> (version: UInt32, size: UInt32) {
        try expect("signature", bytes: Array("HCLA".utf8))
        let start = position
        let version = try read("version", as: UInt32.self)
        guard [1, 2].contains(version) else {
            throw error("version", found: "\(version)", expected: "1 or 2", at: start)
        }
        let size = try read("size", as: UInt32.self)
        try expect("request type", UInt32(2))
        try expect("status", UInt32(0))
        try expectZeros(12, "reserved")
        return (version, size)
    }

    fileprivate mutating func claimsHash() throws(FormatError) -> HashAlgorithm {
        let start = position
        switch try read("claims.hashType", as: UInt32.self) {
        case 1: return .sha256
        case 2: return .sha384
        case 3: return .sha512
        case let type:
            throw error(
                "claims.hashType", found: "\(type)", expected: "1 (SHA-256), 2 (SHA-384) or 3 (SHA-512)", at: start)
        }
    }
}

extension Base64 {
    /// Reads base64 or base64url without padding, as JOSE writes it.
    static func decode(unpadded text: String) -> [UInt8]? {
        guard !text.utf8.contains(UInt8(ascii: "=")) else { return nil }
        return decode(text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
    }
}
