import Bytes
import Documents
import Evidence
import Files
import Signing
import TestSupport
import Testing

/// A case of tinfoil's conformance suite, stage verify-attestation-sev.
private struct Case {
    let name: String
    let input, expected: Value

    init(_ folder: String, _ name: String) throws {
        func document(_ file: String) throws -> Value {
            let path = "\(folder)/\(name)/\(file).json"
            return try JSONReader.parse(InputFile.contents(of: path), source: path, mode: .foreign).value
        }
        self.name = name
        input = try document("input")
        expected = try document("expected")
    }

    func text(_ key: String) -> String? {
        if case .string(let text)? = input[key] { text } else { nil }
    }

    /// The report, which comes packed with gzip.
    func report() throws -> [UInt8] {
        let packed = try #require(text("attestation_doc_b64").flatMap(Base64.decode))
        let result = try Subprocess("gzip", ["-dc"]).run(input: packed)
        guard result.status == 0 else { throw TestFailure("gzip: \(result.errorText)") }
        return result.output
    }

    /// The codes of which one is to be the reason of a no.
    var codes: [String] {
        switch expected["rejection"]?["code"] {
        case .string(let code): [code]
        case .array(let nodes): nodes.compactMap { if case .string(let code) = $0.value { code } else { nil } }
        default: []
        }
    }
}

@Suite(
    "Conformance cases of SNP attestation",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"),
    .enabled(if: Outside.has("gzip"), "gzip is not installed: the reports cannot be unpacked"))
struct ConformanceTests {
    private let folder: String
    init() throws { folder = try #require(Outside.vectors) + "/peers/conformance/tinfoil/attestation-sev" }

    /// Every case, by name.
    private static let names = [
        "200-real-sev-snp-happy", "210-wrong-report-version", "221-signed-region-measurement-tampered",
        "230-vcek-first-byte-flipped", "231-vcek-signature-tampered", "240-vcek-expired",
        "410-host-data-pin-mismatch", "420-report-data-pin-mismatch", "440-author-key-digest-pin-mismatch",
        "450-tcb-bl-spl-below-min", "461-all-pins-match", "600-synth-debug-bit-set", "602-synth-reserved-mbz-set",
        "603-synth-migrate-ma-set", "701-vcek-bl-spl-mismatch", "702-vcek-ucode-spl-mismatch",
    ]

    /// What a check or a field that does not hold is called there.
    private static let codes: [String: [String]] = [
        "format": ["REPORT_FORMAT_UNSUPPORTED", "GUEST_POLICY_RESERVED_BIT_SET"], "certificate": ["VCEK_CHAIN_INVALID"],
        "chain": ["VCEK_CHAIN_INVALID"], "validity": ["VCEK_EXPIRED"],
        "report-signature": ["REPORT_SIGNATURE_INVALID"], "tcb": ["VCEK_TCB_MISMATCH"],
        "measurement": ["MEASUREMENT_MISMATCH"], "hostData": ["HOST_DATA_MISMATCH"],
        "reportData": ["REPORT_DATA_MISMATCH"], "idKeyDigest": ["ID_KEY_DIGEST_MISMATCH"],
        "authorKeyDigest": ["AUTHOR_KEY_DIGEST_MISMATCH"], "least TCB": ["TCB_OUT_OF_DATE"],
        "debug": ["GUEST_POLICY_DEBUG_SET"], "migration": ["GUEST_POLICY_MIGRATE_MA_SET"],
    ]

    @Test("no case is left out")
    func complete() throws {
        let found = Set(
            try FileSystem.filesBelow(folder).compactMap { $0.split(separator: "/").first.map(String.init) })
        #expect(found.subtracting(["_assets"]) == Set(Self.names))
    }

    @Test("is answered as the suite expects, for the reason that it names", arguments: names)
    func answer(name: String) throws {
        let known = try Case(folder, name)
        let reasons = try reasons(known)
        #expect(known.expected["accepted"] == .bool(reasons.isEmpty), "\(reasons)")
        let given = reasons.flatMap { Self.codes[$0] ?? [$0] }
        #expect(known.codes.isEmpty || !Set(known.codes).isDisjoint(with: given), "\(reasons), not \(known.codes)")
    }

    /// Names of everything that does not hold.
    private func reasons(_ known: Case) throws -> [String] {
        let report: SNPReport
        do { report = try SNPReport(known.report(), source: known.name) } catch is FormatError { return ["format"] }
        var verifier = SNPVerifier()
        do {
            let leaf = try #require(known.text("vcek_der_b64").flatMap(Base64.decode))
            verifier.certificates = try Certificate.read(leaf, source: known.name)
        } catch is FormatError { return ["certificate"] }
        if let root = known.text("amd_root_ca_pem"), let authority = known.text("ask_pem") {
            verifier.roots = try Certificate.read(Array(root.utf8), source: "root")
            verifier.certificates += try Certificate.read(Array(authority.utf8), source: "authority")
        } else {
            verifier.certificates += try AMDCertificates.chain("genoa")
        }
        if case .integer(let time)? = known.input["expiration_check_date_unix"] { verifier.time = time }
        let failed = verifier.verify(report).checks.filter { $0.answer == .failed }.map(\.name)
        return failed + pins(known.input["policy"], report)
    }

    /// Fields that are not as the case's policy wants them, which is no question of whether a report is genuine.
    private func pins(_ policy: Value?, _ report: SNPReport) -> [String] {
        var problems: [String] = []
        if report.policy.has(.debug) { problems.append("debug") }
        if report.policy.has(.migrationAgent) { problems.append("migration") }
        let fields: [(String, String, String)] = [
            ("expected_measurement_hex", "measurement", report.measurement.hex),
            ("expected_host_data_hex", "hostData", report.hostData.hex),
            ("expected_report_data_hex", "reportData", report.reportData.hex),
            ("expected_id_key_digest_hex", "idKeyDigest", report.idKeyDigest.hex),
            ("expected_author_key_digest_hex", "authorKeyDigest", report.authorKeyDigest.hex),
        ]
        for (key, name, found) in fields {
            if case .string(let wanted)? = policy?[key], wanted != found { problems.append(name) }
        }
        for (key, component) in [("min_tcb_bl_spl", TCBComponent.bootLoader), ("min_tcb_ucode_spl", .microcode)] {
            let version = report.reportedTCB.parts(.milan).first { $0.component == component }?.version ?? 0
            if case .integer(let least)? = policy?[key], Int64(version) < least { problems.append("least TCB") }
        }
        return problems
    }
}
