import Bytes
import Evidence
import Files
import Hashing
import Signing
import TestSupport
import Testing

/// Root and authority keys made once, for RSA-4096 takes its time.
enum AMDKeys {
    static let made = Result { (root: try OpenSSLKey(), authority: try OpenSSLKey()) }
}

/// A chip with its chain and a signed report; what a test changes, it changes before asking.
struct Sample {
    let leafKey: PrivateKey
    var chain: AMDChain
    var report = SNPReportBytes()
    var list: [UInt8]?

    init(product: String = "Milan", isChip: Bool = true) throws {
        leafKey = try .generate(.p384)
        let keys = try AMDKeys.made.get()
        let isTurin = product == "Turin"
        let chip: [UInt8] = isTurin ? [1, 2, 3, 4, 5, 6, 7, 8] : (1...64).map { UInt8($0) }
        chain = AMDChain(
            product: product, rootKey: keys.root, authorityKey: keys.authority,
            leafKey: leafKey.publicKey.encoding, structureVersion: isTurin ? 1 : 0,
            parts: isTurin ? [9: 1, 1: 2, 2: 3, 3: 4, 8: 200] : [1: 4, 2: 0, 3: 24, 4: 0, 5: 0, 6: 0, 7: 0, 8: 217],
            hardwareID: isChip ? chip : nil)
        if !isChip { report.keyInfo = 1 << 2 }
        if isTurin {
            report.processor = [0x1A, 0x02, 0x01]
            report.chipID = chip + [UInt8](repeating: 0, count: 56)
            let tcb: [UInt8] = [1, 2, 3, 4, 0, 0, 0, 200]
            (report.currentTCB, report.reportedTCB, report.committedTCB, report.launchTCB) = (tcb, tcb, tcb, tcb)
        }
        if product == "Genoa" { report.processor = [0x19, 0x11, 0x01] }
    }

    func signedReport() throws -> SNPReport {
        var signed = report
        signed.signature = try leafKey.signRaw(report.signedBytes)
        return try SNPReport(signed.bytes, source: "report")
    }

    func verifier() throws -> SNPVerifier {
        var verifier = SNPVerifier()
        let root = try Certificate(der: chain.rootBytes(), source: "ark")
        verifier.certificates = [
            root, try Certificate(der: chain.leafBytes(), source: "leaf"),
            try Certificate(der: chain.authorityBytes(), source: "ask"),
        ]
        verifier.roots = [root]
        if let list { verifier.revocationLists = [try RevocationList(list, source: "crl")] }
        verifier.time = 1_800_000_000
        return verifier
    }

    func verdict() throws -> EvidenceVerdict { try verifier().verify(signedReport()) }
    /// Names of the checks that failed.
    func failures() throws -> [String] { try verdict().checks.filter { $0.answer == .failed }.map(\.name) }
}

@Suite("Verifying SNP reports", .enabled(if: Outside.has("openssl"), "openssl is not installed: no chain can be made"))
struct SNPVerifierTests {
    @Test(
        "a genuine report is accepted, for chip and provider keys of every layout",
        arguments: [
            ("Milan", true), ("Milan", false), ("Genoa", true), ("Turin", true), ("Turin", false),
        ])
    func genuine(product: String, isChip: Bool) throws {
        var sample = try Sample(product: product, isChip: isChip)
        sample.list = try sample.chain.revocationList([])
        let verdict = try sample.verdict()
        #expect(verdict.isAccepted, "\(verdict.checks)")
        let notAsked = verdict.checks.filter { $0.answer == .notAsked }.map(\.name)
        #expect(notAsked == (isChip ? [] : ["hardware-id"]) + ["measurement", "freshness", "minimum-tcb", "policy"])
    }

    @Test("what was not asked is said: time, lists, and the pinned root")
    func notAsked() throws {
        let sample = try Sample()
        var verifier = try sample.verifier()
        verifier.time = nil
        var verdict = verifier.verify(try sample.signedReport())
        #expect(verdict.isAccepted)
        #expect(verdict.checks.filter { $0.answer == .notAsked }.prefix(2).map(\.name) == ["validity", "revocation"])
        verifier.roots = []
        verdict = verifier.verify(try sample.signedReport())
        #expect(verdict.checks.filter { $0.answer == .failed }.map(\.name) == ["root"])
        #expect(!verdict.isAccepted)
    }

    @Test("another report's or chip's signature fails alone")
    func signature() throws {
        let sample = try Sample()
        var other = sample.report
        other.signature = try sample.leafKey.signRaw(sample.report.signedBytes)
        other.measurement[0] ^= 1
        let verdict = try sample.verifier().verify(try SNPReport(other.bytes, source: "report"))
        #expect(verdict.checks.filter { $0.answer == .failed }.map(\.name) == ["report-signature"])
    }

    @Test("every part of the reported TCB must be the certificate's", arguments: [0, 1, 6, 7])
    func tcb(byte: Int) throws {
        var sample = try Sample()
        sample.report.reportedTCB[byte] += 1
        #expect(try sample.failures() == ["tcb"])
        var turin = try Sample(product: "Turin")
        turin.report.reportedTCB[[0: 0, 1: 1, 6: 2, 7: 3][byte] ?? 0] += 1
        #expect(try turin.failures() == ["tcb"])
    }

    @Test("the chip must be the certificate's, unless the platform hides it")
    func chip() throws {
        var sample = try Sample()
        sample.report.chipID[63] ^= 1
        #expect(try sample.failures() == ["hardware-id"])
        sample.report.chipID = [UInt8](repeating: 0, count: 64)
        let verdict = try sample.verdict()
        #expect(verdict.isAccepted && verdict.checks.contains { $0.name == "hardware-id" && $0.answer == .notAsked })
        var turin = try Sample(product: "Turin")
        turin.report.chipID[8] = 1
        #expect(try turin.failures() == ["hardware-id"])
    }

    @Test("processor, certificate, authority and root are of one product")
    func product() throws {
        var sample = try Sample()
        sample.report.processor = [0x19, 0x11, 0x01]
        #expect(try sample.failures() == ["product"])
        sample = try Sample()
        sample.report.processor = [0x19, 0x30, 0x01]
        #expect(try sample.failures() == ["product"])
        sample = try Sample()
        sample.chain.leaf.extensions[1] = AMDChain.part([2], TestDER.element(0x16, Array("Genoa-B1".utf8)))
        #expect(try sample.failures() == ["product"])
        sample.chain.leaf.extensions[1] = AMDChain.part([2], TestDER.element(0x16, Array("Rome".utf8)))
        #expect(try sample.failures() == ["endorsement", "product"])
    }

    @Test("the signing key that the report names must be the one that is given")
    func signingKey() throws {
        var sample = try Sample()
        sample.report.keyInfo = 1 << 2
        #expect(try sample.failures() == ["signing-key"])
        #expect(try !sample.verdict().isAccepted)
        sample.report.keyInfo = 7 << 2
        #expect(try sample.failures() == ["signing-key"])
    }

    @Test("a chain with a wrong signature, name, right, key or length fails")
    func chain() throws {
        var sample = try Sample()
        sample.chain.authority.extensions = []
        #expect(try sample.failures() == ["chain"])
        sample = try Sample()
        sample.chain.leaf.extensions.append(
            TestDER.certificateExtension([2, 5, 29, 37], critical: true, [0x30, 0x00]))
        #expect(try sample.failures() == ["chain"])
        sample = try Sample()
        let other = try Sample()
        var verifier = try sample.verifier()
        verifier.certificates[2] = try Certificate(
            der: sample.chain.authority.signed(other.chain.authorityKey.sign), source: "ask")
        var verdict = verifier.verify(try sample.signedReport())
        #expect(verdict.checks.filter { $0.answer == .failed }.map(\.name) == ["chain"])
        verifier.certificates.remove(at: 2)
        verdict = verifier.verify(try sample.signedReport())
        #expect(verdict.checks.filter { $0.answer == .failed }.map(\.name) == ["chain"])
        #expect(!verdict.isAccepted)
    }

    @Test("a leaf that AMD's root signed itself, or with ECDSA, fails")
    func shape() throws {
        let sample = try Sample()
        var verifier = try sample.verifier()
        var leaf = sample.chain.leaf
        leaf.issuer = TestDER.name("ARK-Milan")
        verifier.certificates = [
            verifier.certificates[0], try Certificate(der: leaf.signed(sample.chain.rootKey.sign), source: "leaf"),
        ]
        let verdict = verifier.verify(try sample.signedReport())
        #expect(verdict.checks.filter { $0.answer == .failed }.map(\.name) == ["chain", "product"])
    }

    @Test("certificates count in their time alone")
    func validity() throws {
        var sample = try Sample()
        sample.chain.leaf.notAfter = TestDER.time("250101000000Z")
        #expect(try sample.failures() == ["validity"])
        sample = try Sample()
        sample.chain.root.notBefore = TestDER.time("300101000000Z")
        #expect(try sample.failures() == ["validity"])
    }

    @Test("a revoked authority fails, and so does a list that cannot be checked")
    func revocation() throws {
        var sample = try Sample()
        sample.list = try sample.chain.revocationList([5, 0x10001])
        #expect(try sample.failures() == ["revocation"])
        sample.list = try RevocationRecipe(issuer: "ARK-Genoa", algorithm: TestDER.rsaPSS, revoked: [])
            .signed(sample.chain.rootKey.sign)
        #expect(try sample.failures() == ["revocation"])
        sample.list = try RevocationRecipe(issuer: "ARK-Milan", algorithm: TestDER.rsaPSS, revoked: [])
            .signed(sample.chain.authorityKey.sign)
        #expect(try sample.failures() == ["revocation"])
    }

    @Test(
        "extensions that AMD would not write are refused, by name",
        arguments: [
            ([3, 1], [0x02, 0x02, 0x01, 0x00], "TCB bootLoader"), ([3, 8], [0x02, 0x01, 0xFF], "TCB microcode"),
            ([3, 8], [0x04, 0x01, 0x00], "TCB microcode"), ([1], [0x02, 0x01, 0x02], "structVersion"),
            ([4], [1, 2, 3], "hwID"), ([3, 9], [0x02, 0x01, 0x00], "TCB fmc"),
            ([3, 5], [0x02, 0x01, 0x01], "TCB spare 5"),
        ] as [([Int], [UInt8], String)])
    func extensions(arc: [Int], value: [UInt8], field: String) throws {
        var sample = try Sample()
        let name = TestDER.identifier([1, 3, 6, 1, 4, 1, 3704, 1] + arc)
        sample.chain.leaf.extensions.removeAll { Array($0.dropFirst(2).prefix(name.count)) == name }
        sample.chain.leaf.extensions.append(AMDChain.part(arc, value))
        let verdict = try sample.verdict()
        let check = try #require(verdict.checks.first { $0.name == "endorsement" })
        #expect(check.answer == .failed && check.detail.contains(field), "\(check)")
        #expect(!verdict.isAccepted)
    }

    @Test("a debug policy is shown")
    func debug() throws {
        var sample = try Sample()
        sample.report.policy |= 1 << 19
        #expect(try sample.verdict().checks.last?.detail.contains("DEBUG is set") == true)
    }
}
