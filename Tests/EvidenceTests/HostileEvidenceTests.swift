import Bytes
import Documents
import Evidence
import Hashing
import Signing
import TestSupport
import Testing

/// A reader of evidence with evidence that it reads.
struct EvidenceFormat: Sendable, CustomTestStringConvertible {
    let name: String
    var isText = false
    let valid: @Sendable () throws -> [UInt8]
    /// Reads bytes, and shows and judges what was read.
    let read: @Sendable ([UInt8]) throws -> Void
    var testDescription: String { name }

    /// Reads changed evidence: it is read, or what is wrong with it is said with its place.
    func take(_ label: String, _ bytes: [UInt8]) {
        do {
            try read(bytes)
        } catch let error as FormatError {
            #expect(error.source.hasPrefix("file") && !error.field.isEmpty, "\(name), \(label): \(error)")
            #expect("\(error)".utf8.count < 1024, "\(name), \(label): \("\(error)".utf8.count) bytes")
        } catch let error as DocumentError {
            #expect("\(error)".contains("file"), "\(name), \(label): \(error)")
            #expect("\(error)".utf8.count < 1024, "\(name), \(label): \("\(error)".utf8.count) bytes")
        } catch {
            Issue.record("\(name), \(label): \(error)")
        }
    }
}

@Suite("Hostile evidence", .timeLimit(.minutes(5)))
struct HostileEvidenceTests {
    private static let platform = Result { () throws -> IntelPlatform in
        var platform = try IntelPlatform()
        platform.revoked = ([9], [10, 11])
        return platform
    }

    private static func quote(_ version: UInt16, _ bodyType: UInt16) throws -> [UInt8] {
        var platform = try platform.get()
        (platform.quote.version, platform.quote.bodyType) = (version, bodyType)
        return try platform.quoteBytes()
    }

    /// All of a quote but the signatures, whose check takes its time.
    private static func show(_ quote: TDXQuote) throws {
        _ = quote.facts
        for certificate in try quote.certificates() { _ = try? PCKCertificate(certificate) }
    }

    static let formats: [EvidenceFormat] = tdx + collateral + vtpm + snp

    private static let tdx: [EvidenceFormat] = [
        EvidenceFormat(name: "TDX quote, version 4", valid: { try quote(4, 2) }) {
            try show(TDXQuote($0, source: "file"))
        },
        EvidenceFormat(name: "TDX quote, version 5, TDX 1.0", valid: { try quote(5, 2) }) {
            try show(TDXQuote($0, source: "file"))
        },
        EvidenceFormat(name: "TDX quote, version 5, TDX 1.5", valid: { try quote(5, 3) }) {
            try show(TDXQuote($0, source: "file"))
        },
        EvidenceFormat(name: "TD report", valid: { TDReportBytes().bytes }) {
            _ = try TDReport($0, source: "file").facts
        },
    ]

    private static let collateral: [EvidenceFormat] = [
        EvidenceFormat(name: "TCB information", isText: true, valid: { try platform.get().collateralFiles()[0] }) {
            try judge(collateral: $0)
        },
        EvidenceFormat(name: "QE identity", isText: true, valid: { try platform.get().collateralFiles()[1] }) {
            try judge(collateral: $0)
        },
        EvidenceFormat(name: "collateral in one object", isText: true, valid: { try wholeCollateral() }) {
            try judge(collateral: $0)
        },
        EvidenceFormat(name: "revocation list", valid: { try platform.get().lists()[1] }) {
            let list = try RevocationList($0, source: "file")
            _ = try platform.get().verifier().revocationLists.first == list
        },
        EvidenceFormat(name: "PCK certificate", valid: { try pckCertificate() }) {
            _ = try PCKCertificate(Certificate(der: $0, source: "file"))
        },
        EvidenceFormat(name: "certificate chain", isText: true, valid: { try Array(platform.get().chainText().utf8) }) {
            let certificates = try Certificate.read($0, source: "file")
            _ = certificates.first.flatMap { CertificatePath(from: $0, through: certificates) }
        },
    ]

    private static let vtpm: [EvidenceFormat] = [
        EvidenceFormat(name: "TPM quote", valid: { TPMQuoteBytes().bytes }) { bytes in
            let quote = try TPMQuote(bytes, source: "file")
            _ = quote.facts
            let verifier = TPMQuoteVerifier(
                signature: TPMSignature(rsassa: []), key: .trusted(nil),
                registers: (0..<24).map { _ in [UInt8](repeating: 0, count: 32) })
            _ = verifier.verify(quote).document
        },
        EvidenceFormat(
            name: "TPM signature, RSA",
            valid: { TPMQuoteBytes.signature(0x16, 0x0C, [UInt8](repeating: 7, count: 300)) }
        ) { _ = try TPMSignature($0, source: "file") },
        EvidenceFormat(
            name: "TPM signature, ECDSA",
            valid: { TPMQuoteBytes.signature(0x18, 0x0B, [UInt8](repeating: 0x80, count: 32), [0, 0, 1]) }
        ) { _ = try TPMSignature($0, source: "file") },
        EvidenceFormat(name: "HCL report over TDX", valid: { hclReport().bytes }) { try judge(hcl: $0) },
        EvidenceFormat(
            name: "HCL report over SNP",
            valid: {
                var report = hclReport()
                report.reportType = 2
                report.hardware = { data in
                    var report = SNPReportBytes()
                    report.reportData = data
                    return report.bytes
                }
                return report.bytes
            }
        ) { try judge(hcl: $0) },
        EvidenceFormat(name: "Azure evidence", isText: true, valid: { azureEvidence() }) {
            _ = try AzureEvidence($0, source: "file").facts
        },
    ]

    private static let snp: [EvidenceFormat] =
        [
            EvidenceFormat(name: "SNP report", valid: { SNPReportBytes.versioned(5) }) {
                _ = try SNPReport($0, source: "file").facts
            },
            EvidenceFormat(name: "SNP certificate table", valid: { try certificateTable() }) {
                let table = try SNPCertificateTable($0, source: "file")
                _ = try table.certificates()
                _ = try table.revocationLists()
            },
        ]
        + (Outside.has("openssl")
            ? [
                EvidenceFormat(name: "endorsement key's certificate", valid: { try endorsementKey() }) {
                    _ = try EndorsementKey(Certificate(der: $0, source: "file"))
                }
            ] : [])

    @Test("the evidence that changes start from is read", arguments: formats)
    func valid(_ format: EvidenceFormat) throws {
        try format.read(format.valid())
    }

    @Test("every byte changed is read or refused with its place", arguments: formats)
    func everyByte(_ format: EvidenceFormat) throws {
        let valid = try format.valid()
        // Text repeats itself, and its reading takes its time.
        HostileInput.everyByte(of: valid, at: 0..<(format.isText ? 1200 : 4000), inTurn: valid.count > 700) {
            format.take($0, $1)
        }
    }

    @Test("every length is read or refused with its place", arguments: formats)
    func everyLength(_ format: EvidenceFormat) throws {
        try HostileInput.everyLength(of: format.valid(), limit: 300) { format.take($0, $1) }
    }

    @Test(
        "a number at its extremes anywhere is read or refused with its place",
        arguments: formats.filter { !$0.isText })
    func everyNumber(_ format: EvidenceFormat) throws {
        // A quote's chain of certificates, behind its structure, is text as well.
        try HostileInput.everyNumber(of: format.valid(), at: 0..<0x600) { format.take($0, $1) }
    }

    @Test("random changes and random bytes are read or refused with their place", arguments: formats)
    func random(_ format: EvidenceFormat) throws {
        try HostileInput.random(format.valid(), seed: 0xE71D, rounds: 150) { format.take($0, $1) }
    }

    @Test("what is still read after a change can be judged")
    func judged() throws {
        let platform = try Self.platform.get()
        let verifier = try platform.verifier()
        try HostileInput.random(Self.quote(5, 3), seed: 0x1D6E, rounds: 100) { label, bytes in
            guard let quote = try? TDXQuote(bytes, source: "file") else { return }
            #expect(quote.byteCount <= bytes.count, "\(label)")
            _ = verifier.verify(quote).document
        }
        let (quote, files) = (try TDXQuote(Self.quote(4, 2), source: "quote"), try platform.collateralFiles())
        for (file, other) in [(0, 1), (1, 0)] {
            try HostileInput.random(files[file], seed: 0xC011, rounds: 60) { label, bytes in
                var changed = try platform.verifier(withCollateral: false)
                changed.certificates = verifier.certificates
                guard (try? changed.collateral.add(bytes, source: "file")) != nil else { return }
                try changed.collateral.add(files[other], source: "other")
                let isSame = bytes.elementsEqual(files[file])
                let verdict = changed.verify(quote)
                #expect(isSame || !verdict.isAccepted || Self.isSigned(bytes, files[file]), "\(label)")
                _ = verdict.document
            }
        }
    }

    /// Whether a changed file has the signed text, and its signature, as they were: what is around them is nobody's.
    private static func isSigned(_ changed: [UInt8], _ file: [UInt8]) -> Bool {
        func parts(_ bytes: [UInt8]) -> [[UInt8]]? {
            let read = try? JSONReader.parseKeepingMembers(bytes, source: "file", mode: .foreign, limit: 1 << 20)
            return read.map { read in ["tcbInfo", "enclaveIdentity"].compactMap { read.1[$0].map(Array.init) } }
        }
        return parts(changed) == parts(file)
    }

    // MARK: samples

    private static func judge(collateral bytes: [UInt8]) throws {
        var collateral = IntelCollateral()
        try collateral.add(bytes, source: "file")
        for info in collateral.tcbInfos {
            _ = info.body.module(for: [5, 1, 7] + [UInt8](repeating: 0, count: 13))
        }
    }

    private static func judge(hcl bytes: [UInt8]) throws {
        let report = try HCLReport(bytes, source: "file")
        _ = report.facts
        _ = try report.attestationKey()
    }

    private static func hclReport() -> HCLReportBytes {
        var report = HCLReportBytes()
        let modulus = Base64.encode([UInt8](repeating: 0xA5, count: 255) + [1])
        let text = modulus.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        report.claims = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"\(text)\",\"e\":\"AQAB\"}]}"
        return report
    }

    private static func azureEvidence() -> [UInt8] {
        let signature = TPMQuoteBytes.signature(0x14, 0x0B, [UInt8](repeating: 7, count: 256))
        let registers = Array(repeating: "\"\(String(repeating: "00", count: 32))\"", count: 4)
        let report = Base64.encode(hclReport().bytes).replacing("+", with: "-").replacing("/", with: "_")
        return Array(
            ("{\"tpm_quote\":{\"message\":\"\(TPMQuoteBytes().bytes.hex)\",\"signature\":\"\(signature.hex)\",\"pcrs\":["
                + registers.joined(separator: ",") + "]},\"hcl_report\":\"\(report.replacing("=", with: ""))\"}").utf8)
    }

    private static func pckCertificate() throws -> [UInt8] {
        let platform = try platform.get()
        return try platform.platform.signed(platform.authorityKey.sign)
    }

    private static func endorsementKey() throws -> [UInt8] {
        let keys = try AMDKeys.made.get()
        return try AMDChain(
            rootKey: keys.root, authorityKey: keys.authority, leafKey: PrivateKey.generate(.p384).publicKey.encoding,
            hardwareID: [UInt8](repeating: 5, count: 64)
        ).leaf.signed { _ in [1] }
    }

    /// A certificate and a revocation list, in the table that the host hands to guests.
    private static func certificateTable() throws -> [UInt8] {
        let (certificate, list) = (try pckCertificate(), try platform.get().lists()[0])
        let crl = "92f81bc3-5811-4d3d-97ff-d19f88dc67ea"
        let entries = [
            (SNPCertificateTableTests.vcek, 72, certificate.count), (crl, 72 + certificate.count, list.count),
        ]
        return SNPCertificateTableTests.bytes(entries, certificate + list)
    }

    private static func wholeCollateral() throws -> [UInt8] {
        let platform = try platform.get()
        let (info, identity) = (platform.info.text, platform.identity.text)
        let lists = try platform.lists()
        func text(_ value: String) -> String {
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\"\(escaped)\""
        }
        let members = [
            ("tcb_info", info), ("tcb_info_signature", try platform.signingKey.signRaw(Array(info.utf8)).hex),
            ("qe_identity", identity),
            ("qe_identity_signature", try platform.signingKey.signRaw(Array(identity.utf8)).hex),
            ("tcb_info_issuer_chain", try platform.signingChainText()), ("root_ca_crl", lists[0].hex),
            ("pck_crl", lists[1].hex),
        ]
        return Array("{\(members.map { "\"\($0.0)\":\(text($0.1))" }.joined(separator: ","))}".utf8)
    }
}
