import Bytes
import Documents
import Hashing
import Signing
import TestSupport
import Testing

@testable import Evidence

@Suite("Verifying TDX quotes")
struct TDXVerifierTests {
    private static let made = Result { try IntelPlatform() }
    private var platform: IntelPlatform { get throws { try Self.made.get() } }

    /// Names of the checks that fail after a change.
    private func failures(_ change: (inout IntelPlatform) throws -> Void) throws -> [String] {
        var platform = try platform
        try change(&platform)
        return try platform.failures()
    }

    @Test("a genuine quote is accepted in both versions, with collateral and without")
    func genuine() throws {
        for version in [4, 5] as [UInt16] {
            var platform = try platform
            platform.quote.version = version
            platform.revoked = ([], [])
            let verdict = try platform.verdict()
            #expect(verdict.isAccepted, "\(verdict.checks)")
            #expect(
                verdict.checks.filter { $0.answer == .notAsked }.map(\.name) == ["measurement", "freshness", "policy"])
            #expect(verdict.check("tcb-status")?.detail.hasPrefix("UpToDate: ") == true)
            let bare = try platform.verdict(withCollateral: false)
            #expect(bare.isAccepted && bare.check("tcb-status")?.answer == .notAsked)
        }
    }

    @Test("no root but Intel's is trusted unless it is given")
    func root() throws {
        var verifier = try platform.verifier(withCollateral: false)
        let quote = try TDXQuote(platform.quoteBytes(), source: "quote")
        verifier.roots = []
        #expect(verifier.verify(quote).failures == ["root"])
        verifier.roots = [try IntelPlatform().rootCertificate()]
        #expect(verifier.verify(quote).failures.contains("root"))
        #expect(!verifier.verify(quote).isAccepted)
    }

    @Test("each signature and binding fails alone")
    func signatures() throws {
        #expect(try failures { $0.quote.signatureFlip = 1 } == ["quote-signature"])
        #expect(try failures { $0.quote.enclaveSignatureFlip = 1 } == ["qe-report-signature"])
        #expect(try failures { $0.quote.enclave.reportData = Array(repeating: 7, count: 64) } == ["key-binding"])
        #expect(try failures { $0.quote.vendor[0] = 0 } == ["quoting-enclave"])
        var debuggable = try platform
        debuggable.quote.enclave.attributes[0] |= 2
        #expect(try debuggable.verdict(withCollateral: false).failures == ["quoting-enclave"])
    }

    @Test("a body that was changed after signing fails")
    func changed() throws {
        let platform = try platform
        var bytes = try platform.quoteBytes()
        bytes[0xB8] ^= 1
        #expect(try platform.verifier().verify(TDXQuote(bytes, source: "quote")).failures == ["quote-signature"])
    }

    @Test("an attestation key of the attacker's own needs the quoting enclave")
    func otherKey() throws {
        let platform = try platform
        var quote = platform.quote
        quote.chain = Array(try platform.chainText().utf8)
        let key = try PrivateKey.generate(.p256)
        let point = Array(platform.attestationKey.publicKey.encoding.suffix(64))
        quote.enclave.reportData =
            Digest.of(point + quote.authenticationData, .sha256).bytes + [UInt8](repeating: 0, count: 32)
        let bytes = try quote.bytes(attestationKey: key, platformKey: platform.platformKey)
        #expect(try platform.verifier().verify(TDXQuote(bytes, source: "quote")).failures == ["key-binding"])
        let other = try quote.bytes(attestationKey: platform.attestationKey, platformKey: key)
        #expect(try platform.verifier().verify(TDXQuote(other, source: "quote")).failures == ["qe-report-signature"])
    }

    @Test("chains of other shapes fail")
    func chain() throws {
        #expect(try failures { $0.authority.extensions = [] } == ["chain"])
        #expect(try failures { $0.platform.subject = TestDER.name("Another") } == ["chain"])
        #expect(
            try failures {
                $0.authority.subject = TestDER.name("Intel SGX Fun CA")
                $0.platform.issuer = TestDER.name("Intel SGX Fun CA")
            } == ["chain"])
        let platform = try platform
        var processor = platform
        processor.authority.subject = TestDER.name("Intel SGX PCK Processor CA")
        processor.platform.issuer = TestDER.name("Intel SGX PCK Processor CA")
        #expect(try processor.verdict().isAccepted)
        #expect(
            try failures {
                $0.platform.extensions.append(TestDER.certificateExtension([2, 5, 29, 37], critical: true, [0x30, 0]))
            } == ["chain"])
    }

    @Test("the platform's certificate must have Intel's extension, complete")
    func extensions() throws {
        #expect(try failures { $0.platform.extensions = [] }.contains("pck"))
        let short = IntelPlatform.sgxExtension(components: Array(repeating: 5, count: 15))
        #expect(try failures { $0.platform.extensions = [short] }.contains("pck"))
        let long = IntelPlatform.sgxExtension(fmspc: [1, 2, 3, 4, 5, 6, 7])
        #expect(try failures { $0.platform.extensions = [long] }.contains("pck"))
    }

    @Test("certificates, lists and collateral count in their time alone")
    func validity() throws {
        #expect(try failures { $0.platform.notAfter = TestDER.time("250101000000Z") } == ["validity"])
        #expect(try failures { $0.signing.notBefore = TestDER.time("300101000000Z") } == ["validity"])
        #expect(try failures { $0.info.nextUpdate = "2027-01-14T00:00:00Z" } == ["tcb-info", "tcb-status"])
        #expect(try failures { $0.info.issued = "2027-01-16T00:00:00Z" } == ["tcb-info", "tcb-status"])
        #expect(try failures { $0.identity.nextUpdate = "2027-01-14T00:00:00Z" } == ["qe-identity", "tcb-status"])
        var verifier = try platform.verifier()
        verifier.time = nil
        let verdict = verifier.verify(try TDXQuote(platform.quoteBytes(), source: "quote"))
        #expect(verdict.isAccepted && verdict.check("validity")?.answer == .notAsked)
    }

    @Test("revoked certificates fail: the platform's, its issuer's, the signer's of collateral")
    func revocation() throws {
        #expect(try failures { $0.revoked = ([], [3]) } == ["revocation"])
        #expect(try failures { $0.revoked = ([2], []) } == ["revocation"])
        #expect(try failures { $0.revoked = ([4], []) } == ["revocation"])
        #expect(try failures { $0.revoked = ([9], [9]) } == [])
    }

    @Test("collateral counts by Intel's TCB signing key alone, over the very bytes")
    func collateralSignature() throws {
        let platform = try platform
        let quote = try TDXQuote(platform.quoteBytes(), source: "quote")
        func verdict(_ change: (String) -> String) throws -> EvidenceVerdict {
            var verifier = try platform.verifier()
            verifier.collateral = IntelCollateral()
            for file in try platform.collateralFiles() {
                let text = change(String(decoding: file, as: UTF8.self))
                try verifier.collateral.add(Array(text.utf8), source: "collateral")
            }
            return verifier.verify(quote)
        }
        #expect(try verdict { $0 }.isAccepted)
        #expect(try verdict { " " + $0.replacing("{\"tcbInfo\":{", with: "{\n\"tcbInfo\" : {") }.isAccepted)
        #expect(
            try verdict { $0.replacing("\"tcbType\":0", with: "\"tcbType\": 0") }.failures == [
                "tcb-info", "tcb-status",
            ])
        #expect(
            try verdict { $0.replacing("\"OutOfDate\"", with: "\"UpToDate\"") }.failures
                == ["tcb-info", "qe-identity", "tcb-status"])

        // A certificate of that name from the platform's authority, and one of another name from the root.
        var other = platform
        other.signing.issuer = TestDER.name("Intel SGX PCK Platform CA")
        var verifier = try platform.verifier()
        verifier.certificates = [
            try Certificate(der: other.signing.signed(platform.authorityKey.sign), source: "signing")
        ]
        #expect(verifier.verify(quote).failures == ["tcb-info", "qe-identity", "tcb-status"])
        other = platform
        other.signing.subject = TestDER.name("Intel SGX Something")
        verifier.certificates = [try Certificate(der: other.signing.signed(platform.rootKey.sign), source: "signing")]
        #expect(verifier.verify(quote).failures == ["tcb-info", "qe-identity", "tcb-status"])
        verifier.certificates = []
        #expect(verifier.verify(quote).failures == ["tcb-info", "qe-identity", "tcb-status"])
    }

    @Test("TCB information of another platform, or half of the collateral, gives no status")
    func wrongCollateral() throws {
        #expect(try failures { $0.info.fmspc = "90C06F000001" } == ["tcb-info", "tcb-status"])
        #expect(try failures { $0.info.pceID = "0001" } == ["tcb-info", "tcb-status"])
        let platform = try platform
        let quote = try TDXQuote(platform.quoteBytes(), source: "quote")
        for index in 0..<2 {
            var verifier = try platform.verifier()
            verifier.collateral = IntelCollateral()
            try verifier.collateral.add(platform.collateralFiles()[index], source: "collateral")
            #expect(verifier.verify(quote).failures == [["qe-identity", "tcb-info"][index], "tcb-status"])
        }
    }

    @Test("the quoting enclave must be the one that Intel describes")
    func identity() throws {
        let expected = ["qe-identity", "tcb-status"]
        #expect(try failures { $0.quote.enclave.mrSigner[31] = 0 } == expected)
        #expect(try failures { $0.quote.enclave.productID = 1 } == expected)
        #expect(try failures { $0.quote.enclave.miscSelect = 1 } == expected)
        #expect(try failures { $0.quote.enclave.attributes[1] = 1 } == expected)
        #expect(try failures { $0.quote.enclave.attributes[9] = 0xFF } == [], "outside of the mask")
    }

    @Test("the TDX module must be signed as Intel says")
    func module() throws {
        #expect(try failures { $0.quote.mrSignerSeam[0] = 1 } == ["tdx-module"])
        #expect(try failures { $0.quote.seamAttributes[0] = 1 } == ["tdx-module"])
        #expect(try failures { $0.quote.teeTCBSVN[1] = 3 } == ["tdx-module", "tcb-status"])
        #expect(try failures { $0.quote.teeTCBSVN[1] = 0 } == [], "major version 0 has no levels of its own")
    }
}

@Suite("TCB status of TDX platforms")
struct TCBStatusTests {
    private static let made = Result { try IntelPlatform() }

    /// The first word of the check's detail and whether it passed.
    private func status(_ change: (inout IntelPlatform) -> Void) throws -> (text: String, isAccepted: Bool) {
        var platform = try Self.made.get()
        change(&platform)
        let verdict = try platform.verdict()
        let detail = verdict.check("tcb-status")?.detail ?? ""
        return (String(detail.prefix { $0 != ":" }), verdict.isAccepted)
    }

    @Test("the first level counts that platform, PCE and module reach")
    func levels() throws {
        #expect(try status { _ in } == ("UpToDate", true))
        let older = IntelPlatform.sgxExtension(components: Array(repeating: 5, count: 15) + [4])
        #expect(try status { $0.platform.extensions = [older] } == ("OutOfDate", false))
        #expect(
            try status { $0.platform.extensions = [IntelPlatform.sgxExtension(pceSVN: 10)] } == ("Revoked", false))
        #expect(try status { $0.quote.teeTCBSVN[2] = 6 } == ("OutOfDate", false))
        #expect(try status { $0.quote.teeTCBSVN[2] = 5 } == ("Revoked", false))
        #expect(try status { $0.quote.teeTCBSVN[2] = 0 }.text.hasPrefix("the platform is below every level"))
        #expect(try status { $0.quote.teeTCBSVN[2] = 200 } == ("UpToDate", true))
        #expect(try status { $0.info.levels.reverse() } == ("UpToDate", true), "order in the file does not count")
    }

    @Test("a module of major version 1 is judged by its own levels, of version 0 by the platform's")
    func module() throws {
        #expect(try status { $0.quote.teeTCBSVN[0] = 4 } == ("OutOfDate", false))
        #expect(try status { $0.quote.teeTCBSVN[0] = 2 } == ("Revoked", false))
        #expect(try status { $0.quote.teeTCBSVN[0] = 0 }.text.contains("at no level"))
        #expect(try status { $0.quote.teeTCBSVN = [4, 0, 7] + Array(repeating: 0, count: 13) } == ("OutOfDate", false))
        #expect(try status { $0.quote.teeTCBSVN = [5, 0, 7] + Array(repeating: 0, count: 13) } == ("UpToDate", true))
    }

    @Test("the quoting enclave's level counts too")
    func enclave() throws {
        #expect(try status { $0.quote.enclave.svn = 3 } == ("OutOfDate", false))
        #expect(try status { $0.quote.enclave.svn = 1 } == ("Revoked", false))
        #expect(try status { $0.quote.enclave.svn = 0 }.text.contains("below every level"))
        #expect(try status { $0.quote.enclave.svn = 9 } == ("UpToDate", true))
    }

    @Test(
        "statuses of parts are joined",
        arguments: [
            ("UpToDate", "OutOfDate", "OutOfDate"), ("SWHardeningNeeded", "OutOfDate", "OutOfDate"),
            ("SWHardeningNeeded", "UpToDate", "SWHardeningNeeded"),
            ("ConfigurationNeeded", "UpToDate", "ConfigurationNeeded"),
            ("ConfigurationNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", "UpToDate", "ConfigurationAndSWHardeningNeeded"),
            ("ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"),
            ("OutOfDateConfigurationNeeded", "UpToDate", "OutOfDateConfigurationNeeded"),
            ("OutOfDate", "OutOfDate", "OutOfDate"), ("Revoked", "UpToDate", "Revoked"),
            ("UpToDate", "Revoked", "Revoked"), ("OutOfDateConfigurationNeeded", "Revoked", "Revoked"),
        ])
    func joined(platform: String, module: String, expected: String) throws {
        let found = try status {
            $0.info.levels[0].status = platform
            $0.info.moduleLevels[0].status = module
        }
        #expect(found.text == expected && !found.isAccepted)
    }

    @Test("only UpToDate is good enough unless another status is named; revoked never is")
    func accepted() throws {
        for status in TCBStatus.allCases where status != .upToDate {
            var platform = try Self.made.get()
            platform.info.levels[0].status = status.rawValue
            var verifier = try platform.verifier()
            let quote = try TDXQuote(platform.quoteBytes(), source: "quote")
            #expect(verifier.verify(quote).failures == ["tcb-status"])
            verifier.acceptedStatuses = Set(TCBStatus.allCases)
            #expect(verifier.verify(quote).isAccepted == (status != .revoked))
        }
    }

    @Test("a domain launched before the platform was updated should be launched again")
    func relaunch() throws {
        func status(_ launch: [UInt8], _ now: [UInt8], _ first: String = "UpToDate") throws -> String {
            try self.status {
                $0.quote.version = 5
                $0.quote.teeTCBSVN = launch + Array(repeating: 0, count: 13)
                $0.quote.teeTCBSVN2 = now + Array(repeating: 0, count: 13)
                $0.info.levels[0].status = first
            }.text
        }
        #expect(try status([5, 1, 7], [5, 1, 7]) == "UpToDate")
        #expect(try status([4, 1, 7], [5, 1, 7]) == "TDRelaunchAdvised")
        #expect(try status([5, 1, 6], [5, 1, 7]) == "TDRelaunchAdvised")
        #expect(try status([4, 1, 7], [4, 1, 7]) == "OutOfDate")
        #expect(try status([4, 1, 7], [5, 1, 7], "ConfigurationNeeded") == "TDRelaunchAdvisedConfigurationNeeded")
        #expect(try status([2, 1, 7], [5, 1, 7]) == "Revoked")
    }

    @Test("advisories explain a status")
    func advisories() throws {
        var platform = try Self.made.get()
        platform.quote.teeTCBSVN[2] = 6
        let check = try platform.verdict().check("tcb-status")
        #expect(check?.detail.contains("INTEL-SA-00001") == true)
        #expect(check?.hint == "if that is good enough, say so with --accept-tcb OutOfDate")
    }
}

@Suite("Intel's TDX collateral")
struct IntelCollateralTests {
    private func refused(_ text: String, _ problem: String) {
        var collateral = IntelCollateral()
        let error = #expect(throws: DocumentError.self) { try collateral.add(Array(text.utf8), source: "tcb.json") }
        #expect(error?.description.contains(problem) == true, "\(error.map { "\($0)" } ?? problem)")
    }

    private func wrapped(_ change: (inout InfoText) -> Void = { _ in }, _ edit: (String) -> String = { $0 }) -> String {
        var info = InfoText()
        change(&info)
        return "{\"tcbInfo\":\(edit(info.text)),\"signature\":\"\(String(repeating: "ab", count: 64))\"}"
    }

    @Test("other documents and other versions are refused, by key")
    func versions() throws {
        var collateral = IntelCollateral()
        try collateral.add(Array(wrapped().utf8), source: "tcb.json")
        #expect(collateral.tcbInfos.first?.body.levels.count == 3)
        refused("{}", "neither 'tcbInfo'")
        refused("[]", "expected an object")
        refused(wrapped { $0.id = "SGX" }, "tcbInfo.id: found 'SGX', expected 'TDX'")
        refused(wrapped { $0.version = 2 }, "tcbInfo.version: found 2")
        refused(wrapped { $0.fmspc = "90C06F" }, "tcbInfo.fmspc")
        refused(wrapped { $0.issued = "yesterday" }, "tcbInfo.issueDate")
        refused(wrapped { $0.levels[0].status = "Fine" }, "tcbStatus: found 'Fine'")
        refused(wrapped { $0.levels = [] }, "tcbInfo.tcbLevels: found none")
        refused(wrapped { $0.levels[0].pce = 70000 }, "pcesvn")
        refused(wrapped({ _ in }) { $0.replacing("{\"svn\":7}", with: "{\"svn\":256}") }, "svn: found 256")
        refused(wrapped({ _ in }) { $0.replacing("{\"svn\":7},", with: "") }, "found 15 components, expected 16")
        refused(
            wrapped({ _ in }) { $0.replacing("\"pcesvn\":11", with: "\"pcesvn\":11,\"pcesvn\":1") }, "duplicate key")
        refused(wrapped().replacing("abab", with: "ab"), "signature")
        var identity = IdentityText()
        identity.id = "QE"
        refused("{\"enclaveIdentity\":\(identity.text),\"signature\":\"\"}", "expected 'TD_QE'")
    }

    @Test("members that Intel may add do not harm")
    func additions() throws {
        var collateral = IntelCollateral()
        let text = wrapped({ _ in }) { "{\"news\":[1.5e3,null]," + $0.dropFirst() }
        try collateral.add(Array(text.utf8), source: "tcb.json")
        #expect(collateral.tcbInfos.first?.bytes.starts(with: Array("{\"news\"".utf8)) == true)
    }

    @Test("security versions that are not sixteen are judged by no level and name no module")
    func shortVersions() throws {
        var collateral = IntelCollateral()
        try collateral.add(Array(wrapped().utf8), source: "tcb.json")
        let info = try #require(collateral.tcbInfos.first).body
        let pck = PCKCertificate.TCB(
            components: [UInt8](repeating: 255, count: 16), pceSVN: .max, cpuSVN: [UInt8](repeating: 255, count: 16))
        #expect(info.level(of: pck, teeTCBSVN: [UInt8](repeating: 255, count: 16)) != nil)
        for count in [0, 1, 2, 15, 17] {
            let versions = [UInt8](repeating: 0, count: count)
            #expect(info.level(of: pck, teeTCBSVN: versions) == nil && info.module(for: versions) == nil)
        }
    }

    @Test("random damage never crashes the reader")
    func garbage() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let good = Array(wrapped().utf8)
        for _ in 0..<200 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
            }
            var collateral = IntelCollateral()
            _ = try? collateral.add(bytes, source: "garbage")
        }
    }
}
