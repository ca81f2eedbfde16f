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

/// A case of an index of known answers that holds a report.
struct ReportCase: Sendable, CustomTestStringConvertible {
    let entry: Value

    var testDescription: String { entry["name"]?.text ?? "a case without a name" }

    /// The cases that `isWanted` takes of the list under `key`; none where there are no vectors.
    static func of(_ path: String, _ key: String, _ isWanted: (Value) -> Bool) -> [ReportCase] {
        guard let vectors = Outside.vectors, let bytes = try? InputFile.contents(of: vectors + path),
            let index = try? JSONReader.parse(bytes, source: path, mode: .foreign),
            case .array(let nodes) = index.value[key]
        else { return [] }
        return nodes.map(\.value).filter(isWanted).map(ReportCase.init)
    }

    static let known = of("/snp/public.json", "cases") { $0["mode"] == .string("report-parse-verify") }
    static let peers = of("/peers/index.json", "vectors") { $0["kind"]?.text?.contains("snp-report") == true }
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

    @Test("the cases are there") func count() {
        #expect(!ReportCase.known.isEmpty && ReportCase.peers.count >= 4)
    }

    @Test("fields, signature, chain, TCB and chip of a known report", arguments: ReportCase.known)
    func known(_ known: ReportCase) throws {
        let entry = known.entry
        func path(_ input: String) -> String? { entry["inputs"]?[input]?["file"]?.text.map { "/snp/" + $0 } }
        let report = try SNPReport(
            InputFile.contents(of: folder + #require(path("report"))), source: known.testDescription)
        let expected = try #require(entry["expected"])
        guard case .object(let fields)? = expected["fields"] else { throw TestFailure("no fields") }
        for field in fields where field.key != "key_info" {
            let key = Self.names[field.key] ?? field.key
            #expect(text(report.facts.first { $0.0 == key }?.1) == text(field.node.value), "\(field.key)")
        }
        let keyInfo =
            UInt32(report.isAuthorKeyUsed ? 1 : 0) | UInt32(report.isChipKeyMasked ? 2 : 0)
            | report.signingKey.rawValue << 2
        #expect(expected["fields"]?["key_info"]?.text == hexadecimal(keyInfo))
        var verifier = SNPVerifier()
        for input in ["vcek", "vlek", "chain", "ark", "ask"] {
            guard let path = path(input) else { continue }
            verifier.certificates += try certificates(path)
        }
        let verdict = verifier.verify(report)
        let isGenuine = expected["chain_valid"] == .bool(true) && expected["signature_valid"] == .bool(true)
        #expect(verdict.isAccepted == isGenuine, "\(verdict.checks)")
        let leaf = try #require(verifier.certificates.first { EndorsementKey.kind(of: $0) != nil })
        let key = try EndorsementKey(leaf)
        #expect(key.productName == expected["vcek_product"]?.text)
        for (name, component) in [("bl", TCBComponent.bootLoader), ("tee", .tee), ("snp", .snp), ("ucode", .microcode)]
        where expected["vcek_tcb"]?[name] != nil {
            #expect(expected["vcek_tcb"]?[name] == .count(Int(key.parts[component] ?? 0)), "\(name)")
        }
        if let equal = expected["hwid_equals_chip_id"] {
            #expect(equal == .bool(key.hardwareID == report.chipID))
        }
    }

    @Test("the fields that others read in a report", arguments: ReportCase.peers)
    func fields(_ known: ReportCase) throws {
        let path = try #require(known.entry["inputs"]?["report"]?.text)
        let report = try SNPReport(InputFile.contents(of: folder + "/peers/" + path), source: path)
        guard case .object(let fields)? = known.entry["expected"] else { throw TestFailure("no fields") }
        var compared = 0
        for field in fields {
            let key = field.key == "snp_measurement" ? "measurement" : Self.names[field.key] ?? field.key
            guard let fact = report.facts.first(where: { $0.0 == key })?.1 else { continue }
            compared += 1
            if key == "policy" {
                #expect(report.bytes[8..<16].hex == field.node.value.text)
            } else {
                #expect(text(fact) == text(field.node.value), "\(field.key)")
            }
        }
        #expect(compared >= 1)
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
