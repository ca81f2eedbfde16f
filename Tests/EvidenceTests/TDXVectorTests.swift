import Bytes
import Documents
import Evidence
import Files
import Signing
import TestSupport
import Testing
import YAMLDocuments

extension Value {
    fileprivate var text: String? {
        switch self {
        case .string(let text), .plain(let text): text
        case .integer(let number): String(number)
        default: self["bytes"]?.text
        }
    }

    fileprivate var list: [Value] { if case .array(let nodes) = self { nodes.map(\.value) } else { [] } }
}

/// The known answers' folder.
private enum Vectors {
    static var folder: String { get throws { try #require(Outside.vectors) } }
    static func contents(_ path: String) throws -> [UInt8] { try InputFile.contents(of: folder + path) }
    static func document(_ path: String) throws -> Value {
        try JSONReader.parse(contents(path), source: path, mode: .foreign).value
    }
    /// Cases of a kind, by name.
    static func cases(_ kind: String) -> [VectorCase] {
        guard Outside.vectors != nil, let index = try? document("/tdx/public.json") else { return [] }
        return (index["cases"]?.list ?? []).filter { $0["kind"]?.text == kind }.compactMap {
            guard let name = $0["name"]?.text else { return nil }
            return VectorCase(name: name, value: $0)
        }
    }
}

struct VectorCase: CustomTestStringConvertible, Sendable {
    var name: String
    var value: Value
    var testDescription: String { name }
}

@Suite(
    "TDX quotes of real machines",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
struct TDXVectorTests {
    private static let names = [
        "qe_vendor_id": "qeVendorID", "user_data": "userData", "cert_type": "", "sig_len": "", "tee_type": "",
        "att_key_type": "attestationKeyType", "total_used": "size", "body_type": "bodyType", "body_size": "",
        "tee_tcb_svn": "teeTCBSVN", "mr_seam": "mrSeam", "mr_signer_seam": "mrSignerSeam",
        "seam_attributes": "seamAttributes", "td_attributes": "tdAttributes", "mr_td": "mrtd",
        "mr_config_id": "mrConfigID", "mr_owner": "mrOwner", "mr_owner_config": "mrOwnerConfig",
        "report_data": "reportData", "tee_tcb_svn_2": "teeTCBSVN2", "mr_service_td": "mrServiceTD",
    ]

    @Test("every field of a quote, and Intel's chain behind it", arguments: Vectors.cases("quote-parse"))
    func parsed(entry: VectorCase) throws {
        let path = try #require(entry.value["inputs"]?["quote"]?["file"]?.text)
        let quote = try TDXQuote(Vectors.contents("/tdx/" + path), source: entry.name)
        let facts = quote.facts
        guard case .object(var fields)? = entry.value["expected"] else { throw TestFailure("no fields") }
        if case .object(let body)? = entry.value["expected"]?["body"] { fields += body }
        var compared = 0
        for field in fields where field.key != "body" {
            let name = Self.names[field.key] ?? field.key
            guard !name.isEmpty else { continue }
            #expect(facts.first { $0.0 == name }?.1.text == field.node.value.text, "\(field.key)")
            compared += 1
        }
        #expect(compared >= 19)
        let verdict = TDXVerifier().verify(quote)
        #expect(verdict.isAccepted, "\(verdict.checks)")
    }

    @Test("what is no quote is refused", arguments: Vectors.cases("quote-parse-error"))
    func refused(entry: VectorCase) throws {
        let path = try #require(entry.value["inputs"]?["quote"]?["file"]?.text)
        let bytes = try Vectors.contents("/tdx/" + path)
        #expect(throws: FormatError.self) { try TDXQuote(bytes, source: entry.name) }
    }

    @Test(
        "quotes that others publish lead to Intel's root",
        arguments: [
            "quotes/tinfoil-small_0d_new.quote.bin", "quotes/gcp/gcp-tdx-1782809233.quote.bin",
            "quotes/other/go-tdx-guest-spr-e4.quote.bin", "quotes/other/lunal-quote4.quote.bin",
            "quotes/other/phala-tdx_quote.quote.bin", "eventlogs/gcp-cos113.quote.bin",
            "eventlogs/lunal-live2.quote.bin",
        ])
    func peers(path: String) throws {
        let quote = try TDXQuote(Vectors.contents("/peers/" + path), source: path)
        let verdict = TDXVerifier().verify(quote)
        #expect(verdict.isAccepted, "\(verdict.checks)")
        var bytes = quote.signedBytes
        bytes[0xB8] ^= 1
        #expect(bytes != quote.signedBytes)
    }

    @Test("quotes in dstack's reports lead to Intel's root", arguments: ["quote-report", "examples-rtmr3-report"])
    func dstack(name: String) throws {
        let report = try Vectors.document("/peers/quotes/dstack/\(name).json")
        let text = try #require(report["quote"]?.text)
        let quote = try TDXQuote(try #require([UInt8](hex: text)), source: name)
        let verdict = TDXVerifier().verify(quote)
        #expect(verdict.isAccepted, "\(verdict.checks)")
    }

    @Test("a live TD report's hashes are those of its parts")
    func tdReport() throws {
        let report = try TDReport(
            Vectors.contents("/peers/eventlogs/lunal-live1.tdreport.bin"), source: "lunal-live1")
        #expect(report.hashesMatch)
        #expect(report.rtmrs[0].hex.hasPrefix("5aca07b1e885e17d") && report.mrtd.hex.hasPrefix("eea8b6a8145"))
    }

    /// A quote with Intel's collateral of its day, judged at a time.
    private func verdict(_ quote: String, _ collateral: [UInt8], at time: String) throws -> EvidenceVerdict {
        var verifier = TDXVerifier()
        try verifier.collateral.add(collateral, source: "collateral")
        verifier.time = CertificateTime.seconds(time)
        return verifier.verify(try TDXQuote(Vectors.contents("/peers/quotes/" + quote), source: quote))
    }

    @Test("Phala's quote is up to date by the collateral of its day, and the collateral ages")
    func phala() throws {
        let collateral = try Vectors.contents("/peers/quotes/other/phala-tdx_quote.collateral.json")
        let quote = "other/phala-tdx_quote.quote.bin"
        let good = try verdict(quote, collateral, at: "2025-06-20T00:00:00Z")
        #expect(good.isAccepted, "\(good.checks)")
        #expect(good.check("tcb-status")?.detail.hasPrefix("UpToDate:") == true)
        let late = try verdict(quote, collateral, at: "2025-08-01T00:00:00Z")
        #expect(!late.isAccepted && late.failures.contains("tcb-info") && late.failures.contains("qe-identity"))
        let text = String(decoding: collateral, as: UTF8.self)
        let forged = text.replacing("INTEL-SA-00837", with: "INTEL-SA-00838")
        #expect(try verdict(quote, Array(forged.utf8), at: "2025-06-20T00:00:00Z").failures.contains("tcb-info"))
    }

    @Test("a quote of a GCE machine by the collateral of its day")
    func gce() throws {
        let path = "/peers/quotes/gcp/gcp-tdx-1782809233.collateral.yaml"
        let tree = try YAMLReader.parse(Vectors.contents(path), source: path)
        guard case .object(let members) = tree.value else { throw TestFailure("no object") }
        let document = Value.object(members.map { ($0.key, .string($0.node.value.text ?? "")) })
        let verdict = try verdict(
            "gcp/gcp-tdx-1782809233.quote.bin", Array(CanonicalJSON.encode(document)), at: "2026-07-01T00:00:00Z")
        #expect(verdict.isAccepted, "\(verdict.checks)")
    }
}

@Suite(
    "Evidence of real Azure machines",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
struct AzureVectorTests {
    @Test("SNP: chip, report, claims, vTPM key and PCRs hold", arguments: ["kettle-ripgrep", "lunal-az_snp-live"])
    func snp(name: String) throws {
        let evidence = try AzureEvidence(Vectors.contents("/peers/azure/\(name).json"), source: name)
        var verifier = HCLVerifier()
        verifier.take(evidence)
        verifier.snp.certificates += try Certificate.read(
            Vectors.contents("/snp/fixtures/report/milan_chain.pem"), source: "milan")
        let verdict = verifier.verify(evidence.report)
        #expect(verdict.isAccepted, "\(verdict.checks)")
    }

    @Test("TDX: Intel, TD quote, TD report, claims, vTPM key and PCRs hold")
    func tdx() throws {
        let evidence = try AzureEvidence(Vectors.contents("/peers/azure/lunal-az_tdx-live.json"), source: "tdx")
        #expect(String(decoding: evidence.tpmQuote.extraData, as: UTF8.self) == "attestation-test-fixture")
        var verifier = HCLVerifier()
        verifier.take(evidence)
        let verdict = verifier.verify(evidence.report)
        #expect(verdict.isAccepted, "\(verdict.checks)")
        verifier.tpm?.registers?[0][0] ^= 1
        #expect(verifier.verify(evidence.report).failures == ["pcr-digest"])
    }
}
