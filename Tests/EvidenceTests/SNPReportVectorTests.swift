import Bytes
import Documents
import Evidence
import Files
import Hashing
import Signing
import TestSupport
import Testing

extension Value {
    fileprivate var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}

@Suite(
    "SNP reports of real machines",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
struct SNPReportVectorTests {
    private let folder: String
    init() throws { folder = try #require(Outside.vectors) }

    private func certificates(_ path: String) throws -> [Certificate] {
        try Certificate.read(InputFile.contents(of: folder + path), source: path)
    }

    /// A field as the known answers write it.
    private func text(_ fact: Value?) -> String? {
        switch fact {
        case .integer(let number): String(number)
        case .string(let text): text
        case .object: fact?["value"]?.text ?? fact?["bytes"]?.text
        default: nil
        }
    }

    private static let names = [
        "guest_svn": "guestSVN", "family_id": "familyID", "image_id": "imageID",
        "signature_algo": "signatureAlgorithm", "current_tcb": "currentTCB", "platform_info": "platformInfo",
        "report_data": "reportData", "host_data": "hostData", "id_key_digest": "idKeyDigest",
        "author_key_digest": "authorKeyDigest", "report_id": "reportID", "report_id_ma": "migrationAgentReportID",
        "reported_tcb": "reportedTCB", "chip_id": "chipID", "committed_tcb": "committedTCB",
        "current_version": "currentFirmware", "committed_version": "committedFirmware", "launch_tcb": "launchTCB",
    ]

    @Test("every case of kind report-parse-verify: fields, signature, chain, TCB and chip")
    func known() throws {
        let index = try JSONReader.parse(
            InputFile.contents(of: folder + "/snp/public.json"), source: "public.json", mode: .foreign)
        guard case .array(let nodes) = index.value["cases"] else { throw TestFailure("no cases") }
        let cases = nodes.map(\.value).filter { $0["mode"] == .string("report-parse-verify") }
        #expect(!cases.isEmpty)
        for entry in cases {
            let name = entry["name"]?.text ?? ""
            func path(_ input: String) -> String? { entry["inputs"]?[input]?["file"]?.text.map { "/snp/" + $0 } }
            let bytes = try InputFile.contents(of: folder + #require(path("report")))
            let report = try SNPReport(bytes, source: name)
            guard case .object(let fields)? = entry["expected"]?["fields"] else { throw TestFailure("no fields") }
            for field in fields where field.key != "key_info" {
                let key = Self.names[field.key] ?? field.key
                let found = report.facts.first { $0.0 == key }?.1
                #expect(text(found) == text(field.node.value), "\(name): \(field.key)")
            }
            var verifier = SNPVerifier()
            for input in ["vcek", "vlek", "chain", "ark", "ask"] {
                guard let path = path(input) else { continue }
                verifier.certificates += try certificates(path)
            }
            let verdict = verifier.verify(report)
            let isGenuine =
                entry["expected"]?["chain_valid"] == .bool(true)
                && entry["expected"]?["signature_valid"] == .bool(true)
            #expect(verdict.isAccepted == isGenuine, "\(name): \(verdict.checks)")
        }
    }

    @Test("dstack's report holds up to AMD's root; a VLEK's report by its key; others are read")
    func peers() throws {
        func report(_ name: String) throws -> SNPReport {
            try SNPReport(InputFile.contents(of: folder + "/peers/snp/" + name + ".report.bin"), source: name)
        }
        var verifier = SNPVerifier()
        verifier.certificates =
            try certificates("/peers/snp/dstack-milan.vcek.pem") + certificates("/peers/snp/dstack-milan.ask.pem")
            + certificates("/snp/fixtures/report/milan_chain.pem")
        let verdict = verifier.verify(try report("dstack-milan"))
        #expect(verdict.isAccepted, "\(verdict.checks)")
        verifier.certificates = try certificates("/peers/snp/lunal-vlek.vlek.der")
        let provider = verifier.verify(try report("lunal-vlek"))
        let failed = provider.checks.filter { $0.answer == .failed }.map(\.name)
        #expect(
            failed == ["chain"] && provider.checks.contains { $0.name == "report-signature" && $0.answer == .passed })
        #expect(try report("tinfoil-deployment").product == .genoa)
        #expect(try report("go-sev-guest").version == 2)
    }
}
