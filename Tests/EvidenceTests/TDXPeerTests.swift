import Bytes
import Documents
import Evidence
import Files
import Signing
import TestSupport
import Testing

/// Another verifier of quotes, the Rust library dcap-qvl through its Python binding; `ci/setup --test` installs it.
private enum Peer {
    static let program = "dcap-qvl-python"

    /// Arguments: quote, collateral, time, and a root or nothing.
    private static let script = """
        import json, sys, dcap_qvl
        quote = open(sys.argv[1], "rb").read()
        c = json.load(open(sys.argv[2]))
        collateral = dcap_qvl.QuoteCollateralV3(
            c["pck_crl_issuer_chain"], bytes.fromhex(c["root_ca_crl"]), bytes.fromhex(c["pck_crl"]),
            c["tcb_info_issuer_chain"], c["tcb_info"], bytes.fromhex(c["tcb_info_signature"]),
            c["qe_identity_issuer_chain"], c["qe_identity"], bytes.fromhex(c["qe_identity_signature"]))
        try:
            if len(sys.argv) > 4:
                root = open(sys.argv[4], "rb").read()
                report = dcap_qvl.verify_with_root_ca(quote, collateral, root, int(sys.argv[3]))
            else:
                report = dcap_qvl.verify(quote, collateral, int(sys.argv[3]))
            print(report.status, end="")
        except ValueError as error:
            print("refused:", error, end="")
        """

    /// Its status, or `refused: ` and why.
    static func status(_ quote: [UInt8], _ collateral: [UInt8], at time: Int64, root: [UInt8]? = nil) throws -> String {
        let folder = try TemporaryFolder()
        var words = [
            "-c", script, try folder.write("quote", quote), try folder.write("collateral", collateral), "\(time)",
        ]
        if let root { words.append(try folder.write("root", root)) }
        let result = try Subprocess(program, words).run()
        guard result.status == 0 else { throw TestFailure(result.errorText) }
        return result.outputText
    }

    /// Ours in the same words.
    static func ours(_ verdict: EvidenceVerdict) -> String {
        let known = verdict.failures.filter { $0 != "tcb-status" }
        let word = verdict.check("tcb-status").map { String($0.detail.prefix { $0 != ":" }) } ?? ""
        guard known.isEmpty, let status = TCBStatus(rawValue: word), status != .revoked else { return "refused" }
        return status.rawValue
    }
}

extension IntelPlatform {
    /// Everything in the one object that libraries store.
    func wholeCollateral() throws -> [UInt8] {
        let files = try collateralFiles().map { try JSONReader.parse($0, source: "collateral", mode: .foreign).value }
        guard case .string(let info)? = files[0]["signature"], case .string(let identity)? = files[1]["signature"]
        else { throw TestFailure("no signatures") }
        var platform = self
        platform.revoked = revoked ?? ([], [])
        let lists = try platform.lists()
        let chain = try signingChainText()
        let authorities = Self.pem(try authority.signed(rootKey.sign)) + Self.pem(try root.signed(rootKey.sign))
        return try CanonicalJSON.encode(
            .object([
                ("pck_crl_issuer_chain", .string(authorities)), ("root_ca_crl", .string(lists[0].hex)),
                ("pck_crl", .string(lists[1].hex)), ("tcb_info_issuer_chain", .string(chain)),
                ("tcb_info", .string(self.info.text)), ("tcb_info_signature", .string(info)),
                ("qe_identity_issuer_chain", .string(chain)), ("qe_identity", .string(self.identity.text)),
                ("qe_identity_signature", .string(identity)),
            ]))
    }
}

@Suite(
    "TDX quotes against dcap-qvl",
    .enabled(if: Outside.has(Peer.program), "dcap-qvl is not installed: its verdicts are not compared"))
struct TDXPeerTests {
    /// Both verdicts on a platform after a change.
    private func verdicts(_ change: (inout IntelPlatform) throws -> Void) throws -> (ours: String, theirs: String) {
        var platform = try IntelPlatform()
        try change(&platform)
        let (quote, collateral) = (try platform.quoteBytes(), try platform.wholeCollateral())
        var verifier = TDXVerifier()
        verifier.roots = [try platform.rootCertificate()]
        verifier.time = IntelPlatform.time
        try verifier.collateral.add(collateral, source: "collateral")
        let ours = Peer.ours(verifier.verify(try TDXQuote(quote, source: "quote")))
        let theirs = try Peer.status(
            quote, collateral, at: IntelPlatform.time, root: platform.root.signed(platform.rootKey.sign))
        return (ours, theirs)
    }

    private func agree(_ expected: String, _ change: (inout IntelPlatform) throws -> Void) throws {
        let found = try verdicts(change)
        #expect(found.ours == expected)
        #expect(found.theirs.hasPrefix(expected), "\(found.theirs)")
    }

    @Test("both give a made platform the same status")
    func statuses() throws {
        try agree("UpToDate") { _ in }
        try agree("UpToDate") { $0.quote.version = 5 }
        try agree("OutOfDate") { $0.quote.teeTCBSVN[2] = 6 }
        try agree("OutOfDate") { $0.quote.teeTCBSVN[0] = 4 }
        try agree("OutOfDate") { $0.quote.enclave.svn = 3 }
        try agree("SWHardeningNeeded") { $0.info.levels[0].status = "SWHardeningNeeded" }
        try agree("ConfigurationNeeded") { $0.info.levels[0].status = "ConfigurationNeeded" }
        try agree("OutOfDateConfigurationNeeded") {
            $0.info.levels[0].status = "ConfigurationNeeded"
            $0.info.moduleLevels[0].status = "OutOfDate"
        }
    }

    @Test("both refuse the same quotes and collateral")
    func refused() throws {
        try agree("refused") { $0.quote.signatureFlip = 1 }
        try agree("refused") { $0.quote.enclaveSignatureFlip = 1 }
        try agree("refused") { $0.quote.enclave.reportData = Array(repeating: 7, count: 64) }
        try agree("refused") { $0.quote.enclave.mrSigner[0] = 1 }
        try agree("refused") { $0.quote.mrSignerSeam[0] = 1 }
        try agree("refused") { $0.quote.teeTCBSVN[2] = 0 }
        try agree("refused") { $0.quote.teeTCBSVN[1] = 9 }
        try agree("refused") { $0.info.fmspc = "000000000000" }
        try agree("refused") { $0.info.nextUpdate = "2027-01-02T00:00:00Z" }
        try agree("refused") { $0.revoked = ([], [3]) }
        try agree("refused") { $0.platform.notAfter = TestDER.time("250101000000Z") }
    }

    @Test(
        "both call Phala's quote up to date by the collateral of its day, and refuse it a year later",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
    func real() throws {
        let folder = try #require(Outside.vectors) + "/peers/quotes/other/phala-tdx_quote"
        let quote = try InputFile.contents(of: folder + ".quote.bin")
        let collateral = try InputFile.contents(of: folder + ".collateral.json")
        for (time, expected) in [("2025-06-20T00:00:00Z", "UpToDate"), ("2026-06-20T00:00:00Z", "refused")] {
            let seconds = try #require(CertificateTime.seconds(time))
            var verifier = TDXVerifier()
            verifier.time = seconds
            try verifier.collateral.add(collateral, source: "collateral")
            #expect(Peer.ours(verifier.verify(try TDXQuote(quote, source: "quote"))) == expected)
            #expect(try Peer.status(quote, collateral, at: seconds).hasPrefix(expected))
        }
    }
}
