import Bytes
import Documents
import Evidence
import Hashing
import Signing
import TestSupport

/// A TDX platform with Intel's whole chain, made by tests: a quote, the certificates, Intel's collateral. What a test
/// changes, it changes before asking.
struct IntelPlatform {
    static let time: Int64 = 1_800_000_000

    let rootKey, authorityKey, platformKey, signingKey: PrivateKey
    var attestationKey: PrivateKey
    var root, authority, platform, signing: CertificateRecipe
    var quote = QuoteBytes()
    var info = InfoText()
    var identity = IdentityText()
    /// Serial numbers that root and authority revoke; nil for no lists.
    var revoked: (byRoot: [Int], byAuthority: [Int])?

    init() throws {
        rootKey = try .generate(.p256)
        authorityKey = try .generate(.p256)
        platformKey = try .generate(.p256)
        signingKey = try .generate(.p256)
        attestationKey = try .generate(.p256)
        func recipe(_ subject: String, _ issuer: String, _ key: PrivateKey, _ serial: Int) -> CertificateRecipe {
            var recipe = CertificateRecipe(
                subject: subject, issuer: issuer, key: key.publicKey.encoding, algorithm: TestDER.ecdsaSHA256)
            recipe.serial = TestDER.integer(serial)
            return recipe
        }
        root = recipe("Intel SGX Root CA", "Intel SGX Root CA", rootKey, 1)
        root.extensions = TestDER.authority(pathLength: 1)
        authority = recipe("Intel SGX PCK Platform CA", "Intel SGX Root CA", authorityKey, 2)
        authority.extensions = TestDER.authority(pathLength: 0)
        platform = recipe("Intel SGX PCK Certificate", "Intel SGX PCK Platform CA", platformKey, 3)
        platform.extensions = [Self.sgxExtension()]
        signing = recipe("Intel SGX TCB Signing", "Intel SGX Root CA", signingKey, 4)
    }

    /// The SGX extension of a platform's certificate.
    static func sgxExtension(
        fmspc: [UInt8] = [0x90, 0xC0, 0x6F, 0, 0, 0], components: [UInt8] = Array(repeating: 5, count: 16),
        pceSVN: Int = 11
    ) -> [UInt8] {
        let base = [1, 2, 840, 113741, 1, 13, 1]
        func entry(_ rest: [Int], _ value: [UInt8]) -> [UInt8] {
            TestDER.sequence(TestDER.identifier(base + rest), value)
        }
        let parts = components.enumerated().flatMap { entry([2, $0.offset + 1], TestDER.integer(Int($0.element))) }
        let tcb = TestDER.element(
            0x30, parts + entry([2, 17], TestDER.integer(pceSVN)) + entry([2, 18], TestDER.element(4, components)))
        let value = TestDER.sequence(
            entry([1], TestDER.element(4, Array(repeating: 0x99, count: 16))), entry([2], tcb),
            entry([3], TestDER.element(4, [0, 0])), entry([4], TestDER.element(4, fmspc)),
            entry([5], TestDER.element(0x0A, [0])))
        return TestDER.certificateExtension(base, value)
    }

    // MARK: what comes out

    private func chain() throws -> [(name: String, bytes: [UInt8])] {
        [
            ("pck", try platform.signed(authorityKey.sign)), ("ca", try authority.signed(rootKey.sign)),
            ("root", try root.signed(rootKey.sign)),
        ]
    }

    static func pem(_ bytes: [UInt8]) -> String {
        "-----BEGIN CERTIFICATE-----\n\(Base64.encode(bytes))\n-----END CERTIFICATE-----\n"
    }

    func chainText() throws -> String { try chain().map { Self.pem($0.bytes) }.joined() }

    /// The quote's bytes: signed, certified, with the chain inside.
    func quoteBytes() throws -> [UInt8] {
        var quote = quote
        quote.chain = Array(try chainText().utf8) + [0]
        return try quote.bytes(attestationKey: attestationKey, platformKey: platformKey)
    }

    func rootCertificate() throws -> Certificate {
        try Certificate(der: root.signed(rootKey.sign), source: "root")
    }

    func signingChainText() throws -> String {
        Self.pem(try signing.signed(rootKey.sign)) + Self.pem(try root.signed(rootKey.sign))
    }

    /// Intel's answers: TCB information and identity, each with its signature.
    func collateralFiles() throws -> [[UInt8]] {
        let info = info.text
        let identity = identity.text
        let infoSignature = try signingKey.signRaw(Array(info.utf8)).hex
        let identitySignature = try signingKey.signRaw(Array(identity.utf8)).hex
        return [
            Array("{\"tcbInfo\":\(info),\"signature\":\"\(infoSignature)\"}".utf8),
            Array("{\"enclaveIdentity\": \(identity) ,\"signature\":\"\(identitySignature)\"}".utf8),
        ]
    }

    func lists() throws -> [[UInt8]] {
        guard let revoked else { return [] }
        return [
            try list("Intel SGX Root CA", revoked.byRoot).signed(rootKey.sign),
            try list("Intel SGX PCK Platform CA", revoked.byAuthority).signed(authorityKey.sign),
        ]
    }

    /// With a CRL number, as Intel's lists have it and other readers want it (RFC 5280, 5.2.3).
    private func list(_ issuer: String, _ serials: [Int]) -> RevocationRecipe {
        var list = RevocationRecipe(issuer: issuer, algorithm: TestDER.ecdsaSHA256, revoked: serials)
        list.extensions = [TestDER.certificateExtension([2, 5, 29, 20], TestDER.integer(1))]
        return list
    }

    func verifier(withCollateral: Bool = true) throws -> TDXVerifier {
        var verifier = TDXVerifier()
        verifier.roots = [try rootCertificate()]
        verifier.time = Self.time
        verifier.revocationLists = try lists().enumerated().map {
            try RevocationList($0.element, source: "list \($0.offset)")
        }
        guard withCollateral else { return verifier }
        for file in try collateralFiles() { try verifier.collateral.add(file, source: "collateral") }
        verifier.certificates = [try Certificate(der: signing.signed(rootKey.sign), source: "signing")]
        return verifier
    }

    func verdict(withCollateral: Bool = true) throws -> EvidenceVerdict {
        try verifier(withCollateral: withCollateral).verify(TDXQuote(quoteBytes(), source: "quote"))
    }

    /// Names of the checks that failed.
    func failures() throws -> [String] { try verdict().failures }
}

extension EvidenceVerdict {
    var failures: [String] { checks.filter { $0.answer == .failed }.map(\.name) }
    func check(_ name: String) -> EvidenceCheck? { checks.first { $0.name == name } }
}

/// A quote written field by field from the format's tables.
struct QuoteBytes {
    var version: UInt16 = 4
    var keyType: UInt16 = 2
    var teeType: UInt32 = 0x81
    var vendor: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]
    var userData = [UInt8](repeating: 0x0D, count: 16) + [0, 0, 0, 0]
    /// Written in version 5.
    var bodyType: UInt16 = 3
    var bodySize: UInt32?
    var teeTCBSVN: [UInt8] = [5, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    var mrSeam = [UInt8](repeating: 0x5E, count: 48)
    var mrSignerSeam = [UInt8](repeating: 0, count: 48)
    var seamAttributes = [UInt8](repeating: 0, count: 8)
    var tdAttributes: [UInt8] = [0, 0, 0, 0x10, 0, 0, 0, 0]
    var xfam: [UInt8] = [0xE7, 2, 6, 0, 0, 0, 0, 0]
    /// MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0 to RTMR3.
    var registers: [[UInt8]] = (1...8).map { [UInt8](repeating: UInt8($0), count: 48) }
    var reportData = (0..<64).map { UInt8($0) }
    /// TEE_TCB_SVN_2 and MRSERVICETD, in a body of type 3.
    var teeTCBSVN2: [UInt8] = [5, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    var mrServiceTD = [UInt8](repeating: 0, count: 48)

    var enclave = EnclaveBytes()
    var authenticationData = (0..<32).map { UInt8($0) }
    var outerType: UInt16 = 6
    var innerType: UInt16 = 5
    var chain: [UInt8] = []
    /// Added to the sizes that the quote states.
    var sizeError = 0, outerSizeError = 0, innerSizeError = 0
    var signatureFlip: UInt8 = 0
    var enclaveSignatureFlip: UInt8 = 0
    var trailing: [UInt8] = []

    var body: [UInt8] {
        teeTCBSVN + mrSeam + mrSignerSeam + seamAttributes + tdAttributes + xfam + registers.flatMap { $0 }
            + reportData + (version == 5 && bodyType == 3 ? teeTCBSVN2 + mrServiceTD : [])
    }

    var signedBytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(keyType)
        writer.append(teeType)
        writer.append(UInt16(8))
        writer.append(UInt16(11))
        writer.append(vendor + userData)
        if version == 5 {
            writer.append(bodyType)
            writer.append(bodySize ?? UInt32(body.count))
        }
        writer.append(body)
        return writer.bytes
    }

    func bytes(attestationKey: PrivateKey, platformKey: PrivateKey) throws -> [UInt8] {
        let point = Array(attestationKey.publicKey.encoding.suffix(64))
        var enclave = enclave
        if enclave.reportData == nil {
            enclave.reportData =
                Digest.of(point + authenticationData, .sha256).bytes + [UInt8](repeating: 0, count: 32)
        }
        var enclaveSignature = try platformKey.signRaw(enclave.bytes)
        enclaveSignature[0] ^= enclaveSignatureFlip
        var certification = ByteWriter()
        certification.append(enclave.bytes + enclaveSignature)
        certification.append(UInt16(authenticationData.count))
        certification.append(authenticationData)
        certification.append(innerType)
        certification.append(UInt32(chain.count + innerSizeError))
        certification.append(chain)
        var signature = try attestationKey.signRaw(signedBytes)
        signature[0] ^= signatureFlip
        var data = ByteWriter()
        data.append(signature + point)
        data.append(outerType)
        data.append(UInt32(certification.count + outerSizeError))
        data.append(certification.bytes)
        var whole = ByteWriter()
        whole.append(signedBytes)
        whole.append(UInt32(data.count + sizeError))
        whole.append(data.bytes + trailing)
        return whole.bytes
    }
}

/// The quoting enclave's report.
struct EnclaveBytes {
    var miscSelect: UInt32 = 0
    var attributes: [UInt8] = [0x11, 0, 0, 0, 0, 0, 0, 0, 0xE7, 0, 0, 0, 0, 0, 0, 0]
    var mrSigner = [UInt8](repeating: 0xDC, count: 32)
    var productID: UInt16 = 2
    var svn: UInt16 = 4
    /// Nil for the attestation key's hash.
    var reportData: [UInt8]?

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append([UInt8](repeating: 3, count: 16))
        writer.append(miscSelect)
        writer.append(repeating: 0, count: 28)
        writer.append(attributes)
        writer.append([UInt8](repeating: 0xE5, count: 32))
        writer.append(repeating: 0, count: 32)
        writer.append(mrSigner)
        writer.append(repeating: 0, count: 96)
        writer.append(productID)
        writer.append(svn)
        writer.append(repeating: 0, count: 60)
        writer.append(reportData ?? [UInt8](repeating: 0, count: 64))
        return writer.bytes
    }
}

/// TCB information as Intel writes it.
struct InfoText {
    struct Level {
        var sgx: UInt8 = 5
        var pce = 11
        /// The first three TDX components; the rest is zero.
        var tdx: [UInt8] = [5, 0, 7]
        var status = "UpToDate"
        var advisories: [String] = []
    }

    var id = "TDX"
    var version = 3
    var fmspc = "90C06F000000"
    var pceID = "0000"
    var issued = "2027-01-01T00:00:00Z"
    var nextUpdate = "2027-02-01T00:00:00Z"
    var moduleSigner = String(repeating: "0", count: 96)
    var moduleLevels: [(svn: Int, status: String)] = [(5, "UpToDate"), (3, "OutOfDate"), (1, "Revoked")]
    var levels = [
        Level(), Level(sgx: 4, tdx: [4, 0, 6], status: "OutOfDate", advisories: ["INTEL-SA-00001"]),
        Level(sgx: 1, pce: 5, tdx: [1, 0, 1], status: "Revoked"),
    ]

    var text: String {
        let module =
            "\"mrsigner\":\"\(moduleSigner)\",\"attributes\":\"0000000000000000\""
            + ",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
        return "{\"id\":\"\(id)\",\"version\":\(version),\"issueDate\":\"\(issued)\",\"nextUpdate\":\"\(nextUpdate)\""
            + ",\"fmspc\":\"\(fmspc)\",\"pceId\":\"\(pceID)\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17"
            + ",\"tdxModule\":{\(module)},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",\(module),\"tcbLevels\":["
            + moduleLevels.map { Self.level("\"isvsvn\":\($0.svn)", $0.status, []) }.joined(separator: ",")
            + "]}],\"tcbLevels\":[" + levels.map(Self.text).joined(separator: ",") + "]}"
    }

    private static func text(_ level: Level) -> String {
        func components(_ values: [UInt8]) -> String { values.map { "{\"svn\":\($0)}" }.joined(separator: ",") }
        let sgx = components(Array(repeating: level.sgx, count: 16))
        let tdx = components(level.tdx + [UInt8](repeating: 0, count: 16 - level.tdx.count))
        return Self.level(
            "\"sgxtcbcomponents\":[\(sgx)],\"pcesvn\":\(level.pce),\"tdxtcbcomponents\":[\(tdx)]", level.status,
            level.advisories)
    }

    static func level(_ tcb: String, _ status: String, _ advisories: [String]) -> String {
        let list = advisories.map { "\"\($0)\"" }.joined(separator: ",")
        return "{\"tcb\":{\(tcb)},\"tcbDate\":\"2026-05-14T00:00:00Z\",\"tcbStatus\":\"\(status)\""
            + (advisories.isEmpty ? "" : ",\"advisoryIDs\":[\(list)]") + "}"
    }
}

/// The quoting enclave's identity as Intel writes it.
struct IdentityText {
    var id = "TD_QE"
    var version = 2
    var issued = "2027-01-01T00:00:00Z"
    var nextUpdate = "2027-02-01T00:00:00Z"
    var levels: [(svn: Int, status: String)] = [(4, "UpToDate"), (2, "OutOfDate"), (1, "Revoked")]

    var text: String {
        "{\"id\":\"\(id)\",\"version\":\(version),\"issueDate\":\"\(issued)\",\"nextUpdate\":\"\(nextUpdate)\""
            + ",\"tcbEvaluationDataNumber\":17,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\""
            + ",\"attributes\":\"11000000000000000000000000000000\""
            + ",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\""
            + ",\"mrsigner\":\"\(String(repeating: "DC", count: 32))\",\"isvprodid\":2,\"tcbLevels\":["
            + levels.map { InfoText.level("\"isvsvn\":\($0.svn)", $0.status, []) }.joined(separator: ",") + "]}"
    }
}
