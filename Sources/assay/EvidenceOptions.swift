import ArgumentParser
import Bytes
import Evidence
import Files
import ReferenceValues
import Signing

/// What evidence is verified with; every file is optional, and none makes another trusted.
struct EvidenceOptions: ParsableArguments {
    @Flag(help: "Check signatures, chain and TCB of a report or quote; exit 1 if it is not genuine.")
    var verify = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Certificates to find the chain in, PEM or DER, or a host's certificate table; implies --verify.",
            valueName: "file"))
    var chain: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Revocation lists, PEM or DER; implies --verify.", valueName: "file"))
    var crl: [String] = []

    @Option(
        name: [.customLong("root"), .customLong("ark")],
        help: ArgumentHelp("Root to trust in place of the vendor's pinned one; implies --verify.", valueName: "file"))
    var root: String?

    @Option(help: "Time to judge certificates by, e.g. 2026-08-31T12:00:00Z; by default this machine's clock.")
    var at: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Intel's TCB information and quoting enclave identity, JSON; implies --verify.", valueName: "file"))
    var collateral: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "TCB statuses that are good enough beside UpToDate, e.g. SWHardeningNeeded.", valueName: "status"))
    var acceptTCB: [String] = []

    @Option(help: ArgumentHelp("The TD quote of an HCL report; implies --verify.", valueName: "file"))
    var tdQuote: String?

    @Option(help: ArgumentHelp("A quote of the vTPM of an HCL report; implies --verify.", valueName: "file"))
    var tpmQuote: String?

    @Option(help: ArgumentHelp("The signature of a vTPM's quote; implies --verify.", valueName: "file"))
    var tpmSignature: String?

    @Option(
        help: ArgumentHelp(
            "The key that signed a vTPM's quote, PEM or DER: a public key, or a certificate to be found under --root.",
            valueName: "file"))
    var tpmKey: String?

    /// Whether a verification is wanted.
    var isAsked: Bool {
        verify || at != nil || [chain, crl, collateral, acceptTCB].contains { !$0.isEmpty }
            || [root, tdQuote, tpmQuote, tpmSignature, tpmKey].contains { $0 != nil }
    }

    private static let maximumFileByteCount = RevocationList.maximumByteCount

    /// Verifies evidence of the kind that `recognizer` told.
    func verdict(on source: InspectedFile, _ recognizer: FileRecognizer) throws -> EvidenceVerdict {
        let path = source.file.path
        switch recognizer.kind {
        case FileRecognizer.snpReport.kind:
            let evidence = try SNPExtendedReport(source.contents(limit: 2 << 20), source: path)
            var verifier = try snpVerifier()
            try add(evidence.table, to: &verifier)
            return verifier.verify(evidence.report)
        case FileRecognizer.tdxQuote.kind:
            let bytes = try source.contents(limit: TDXQuote.maximumByteCount)
            return try tdxVerifier().verify(TDXQuote(bytes, source: path))
        case FileRecognizer.hclReport.kind:
            let report = try HCLReport(source.contents(limit: HCLReport.maximumByteCount), source: path)
            return try hclVerifier().verify(report)
        case FileRecognizer.azureEvidence.kind:
            let evidence = try AzureEvidence(source.contents(limit: AzureEvidence.maximumByteCount), source: path)
            var verifier = try hclVerifier()
            verifier.take(evidence)
            return verifier.verify(evidence.report)
        case FileRecognizer.tpmQuote.kind:
            return try tpmVerdict(TPMQuote(source.contents(limit: TPMQuote.maximumByteCount), source: path))
        case FileRecognizer.tdReport.kind:
            throw CommandFailure(
                "\(path): a TD report can be checked by the processor that made it and nobody else",
                hint: "ask the machine for a quote")
        default:
            throw CommandFailure("\(path): \(recognizer.kind), and only reports and quotes are verified here")
        }
    }

    private func snpVerifier() throws -> SNPVerifier {
        var verifier = SNPVerifier()
        for path in chain {
            let bytes = try InputFile.contents(of: path, limit: Certificate.maximumFileByteCount)
            if SNPCertificateTable.begins(bytes) {
                try add(SNPCertificateTable(bytes, source: path), to: &verifier)
            } else {
                verifier.certificates += try Certificate.read(bytes, source: path)
            }
        }
        verifier.revocationLists += try lists()
        verifier.roots = try roots()
        verifier.time = try time().seconds
        return verifier
    }

    private func tdxVerifier() throws -> TDXVerifier {
        var verifier = TDXVerifier()
        for path in chain {
            verifier.certificates += try Certificate.read(
                InputFile.contents(of: path, limit: Certificate.maximumFileByteCount), source: path)
        }
        for path in collateral {
            try verifier.collateral.add(
                InputFile.contents(of: path, limit: IntelCollateral.maximumByteCount), source: path)
        }
        for name in acceptTCB {
            guard let status = TCBStatus(rawValue: name), status != .revoked else {
                let known = TCBStatus.allCases.filter { $0 != .revoked }.map(\.rawValue)
                throw CommandFailure("--accept-tcb: found '\(name)', expected one of \(known.joined(separator: ", "))")
            }
            verifier.acceptedStatuses.insert(status)
        }
        verifier.revocationLists = try lists()
        verifier.roots = try roots()
        verifier.time = try time().seconds
        return verifier
    }

    /// A given root counts for the hardware's vendor, whichever it is.
    private func hclVerifier() throws -> HCLVerifier {
        var verifier = HCLVerifier()
        verifier.snp = try snpVerifier()
        verifier.tdx = try tdxVerifier()
        verifier.tdQuote = try tdQuote.map {
            try TDXQuote(InputFile.contents(of: $0, limit: TDXQuote.maximumByteCount), source: $0)
        }
        if let tpmQuote {
            let bytes = try InputFile.contents(of: tpmQuote, limit: TPMQuote.maximumByteCount)
            verifier.tpm = (try TPMQuote(bytes, source: tpmQuote), try signature(), nil)
        }
        return verifier
    }

    private func signature() throws -> TPMSignature {
        guard let tpmSignature else { throw CommandFailure("a vTPM's quote is verified with --tpm-signature FILE") }
        return try TPMSignature(
            InputFile.contents(of: tpmSignature, limit: TPMQuote.maximumByteCount), source: tpmSignature)
    }

    /// A vTPM's quote alone: the key is the user's, or has a certificate below a root of the user's.
    private func tpmVerdict(_ quote: TPMQuote) throws -> EvidenceVerdict {
        guard let tpmKey else { throw CommandFailure("a vTPM's quote is verified with --tpm-key FILE") }
        let bytes = try InputFile.contents(of: tpmKey, limit: Certificate.maximumFileByteCount)
        var verifier = TPMQuoteVerifier(
            signature: try signature(), key: .trusted(try? CertificateKey(bytes, source: tpmKey)))
        if verifier.key == .trusted(nil) {
            let certificates = try Certificate.read(bytes, source: tpmKey)
            guard let leaf = certificates.first else { throw CommandFailure("--tpm-key: \(tpmKey) holds no key") }
            verifier.key = .certified(leaf)
            verifier.certificates = certificates
            for path in chain {
                verifier.certificates += try Certificate.read(
                    InputFile.contents(of: path, limit: Certificate.maximumFileByteCount), source: path)
            }
            verifier.roots = try roots()
            verifier.revocationLists = try lists()
            verifier.time = try time().seconds
        }
        return verifier.verify(quote)
    }

    private func lists() throws -> [RevocationList] {
        try crl.map {
            try RevocationList(InputFile.contents(of: $0, limit: Self.maximumFileByteCount), source: $0)
        }
    }

    private func roots() throws -> [Certificate] {
        guard let root else { return [] }
        let bytes = try InputFile.contents(of: root, limit: Certificate.maximumFileByteCount)
        let roots = try Certificate.read(bytes, source: root).filter(\.isSelfIssued)
        guard !roots.isEmpty else {
            throw CommandFailure("--root: \(root) holds no certificate that issued itself")
        }
        return roots
    }

    private func add(_ table: SNPCertificateTable?, to verifier: inout SNPVerifier) throws {
        guard let table else { return }
        verifier.certificates += try table.certificates()
        verifier.revocationLists += try table.revocationLists()
    }

    private func time() throws -> Timestamp {
        guard let at else { return .now }
        guard let time = Timestamp(at) else {
            throw CommandFailure("--at: found '\(at)', expected a UTC time like 2026-08-31T12:00:00Z")
        }
        return time
    }
}

/// A verdict on evidence for people: every check on a line, then the answer.
struct EvidenceVerdictText {
    var verdict: EvidenceVerdict

    var text: String {
        var lines: [String] = []
        for check in verdict.checks {
            let name = check.name + String(repeating: " ", count: max(0, 19 - check.name.utf8.count))
            lines.append("\(Self.word(check.answer)) \(name) \(check.detail)")
            if check.answer == .failed, let hint = check.hint { lines.append("          hint: \(hint)") }
        }
        lines.append(
            verdict.isAccepted
                ? "genuine: the chain above vouches for it; whether it reports what was wanted was not asked"
                : "REFUSED: nothing vouches for it")
        return lines.map { Console.escape($0).replacing("\n", with: "\\u{a}") + "\n" }.joined()
    }

    private static func word(_ answer: EvidenceCheck.Answer) -> String {
        switch answer {
        case .passed: "passed   "
        case .failed: "FAILED   "
        case .notAsked: "not asked"
        }
    }
}
