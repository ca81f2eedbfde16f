import ArgumentParser
import Bytes
import Evidence
import Files
import ReferenceValues
import Signing

/// What a report is verified with; every file is optional, and none makes another trusted.
struct EvidenceOptions: ParsableArguments {
    @Flag(help: "Check an SNP report's signature, chain, TCB and chip; exit 1 if it is not genuine.")
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

    @Option(help: ArgumentHelp("Root to trust in place of AMD's pinned ones; implies --verify.", valueName: "file"))
    var ark: String?

    @Option(help: "Time to judge certificates by, e.g. 2026-08-31T12:00:00Z; by default this machine's clock.")
    var at: String?

    /// Whether a verification is wanted.
    var isAsked: Bool { verify || !chain.isEmpty || !crl.isEmpty || ark != nil || at != nil }

    private static let maximumFileByteCount = RevocationList.maximumByteCount

    /// Verifies a report with the certificates that came with it, if any.
    func verdict(_ evidence: SNPExtendedReport) throws -> EvidenceVerdict {
        var verifier = SNPVerifier()
        try add(evidence.table, to: &verifier)
        for path in chain {
            let bytes = try InputFile.contents(of: path, limit: Certificate.maximumFileByteCount)
            if SNPCertificateTable.begins(bytes) {
                try add(SNPCertificateTable(bytes, source: path), to: &verifier)
            } else {
                verifier.certificates += try Certificate.read(bytes, source: path)
            }
        }
        verifier.revocationLists += try crl.map {
            try RevocationList(InputFile.contents(of: $0, limit: Self.maximumFileByteCount), source: $0)
        }
        if let ark {
            let bytes = try InputFile.contents(of: ark, limit: Certificate.maximumFileByteCount)
            verifier.roots = try Certificate.read(bytes, source: ark).filter(\.isSelfIssued)
            guard !verifier.roots.isEmpty else {
                throw CommandFailure("--ark: \(ark) holds no certificate that issued itself")
            }
        }
        verifier.time = try time().seconds
        return verifier.verify(evidence.report)
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
            let name = check.name + String(repeating: " ", count: max(0, 16 - check.name.utf8.count))
            lines.append("\(Self.word(check.answer)) \(name) \(check.detail)")
            if check.answer == .failed, let hint = check.hint { lines.append("          hint: \(hint)") }
        }
        lines.append(
            verdict.isAccepted
                ? "genuine: AMD's chain vouches for this report; whether it reports what was wanted was not asked"
                : "REFUSED: nothing vouches for this report")
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
