private import Bytes
public import Signing

/// Checks that AMD's chain vouches for an SEV-SNP report: root, chain, revocation, signature, TCB and chip.
///
/// Everything comes in as an argument: it opens no file, asks no clock and no network.
public struct SNPVerifier: Sendable {
    /// Certificates to find the chain in, in any order; none is trusted for being here.
    public var certificates: [Certificate] = []
    /// Roots that are trusted as they are, in place of those that are pinned here.
    public var roots: [Certificate] = []
    public var revocationLists: [RevocationList] = []
    /// Seconds since 1970 to judge validity by; nil leaves validity out.
    public var time: Int64?

    public init() {}

    private static let required = [
        "signing-key", "endorsement", "chain", "root", "product", "report-signature", "tcb",
    ]

    /// Checks `report`; every check is made that can be, also after one has failed.
    public func verify(_ report: SNPReport) -> EvidenceVerdict {
        var verdict = EvidenceVerdict(required: Self.required)
        if let leaf = leaf(for: report, &verdict) {
            var endorsement: EndorsementKey?
            do throws(FormatError) {
                let key = try EndorsementKey(leaf)
                endorsement = key
                verdict.add("endorsement", Self.problems(of: key), otherwise: Self.text(key))
            } catch {
                verdict.add("endorsement", .failed, "\(error)")
            }
            let path = CertificatePath(from: leaf, through: certificates + roots)
            checkPath(path, leaf: leaf, &verdict)
            checkSignature(report, leaf, &verdict)
            if let endorsement { Self.check(report, endorsement, path, &verdict) }
        }
        Self.addWhatNobodyAsked(report, &verdict)
        return verdict
    }

    /// The certificate of the key that should have signed; of several, one whose key did.
    private func leaf(for report: SNPReport, _ verdict: inout EvidenceVerdict) -> Certificate? {
        let kind: EndorsementKey.Kind
        switch report.signingKey {
        case .vcek: kind = .vcek
        case .vlek: kind = .vlek
        case .none:
            verdict.add("signing-key", .failed, "the report says that no key signed it")
            return nil
        }
        let candidates = certificates.filter { EndorsementKey.kind(of: $0) == kind }
        let leaf = candidates.first { Self.signs(report, $0) } ?? candidates.first
        guard let leaf else {
            let others = certificates.compactMap { EndorsementKey.kind(of: $0)?.rawValue }
            let found = others.isEmpty ? "none of either kind" : "only a \(others[0])'s"
            verdict.add(
                "signing-key", .failed, "the report is signed by a \(kind.rawValue), and \(found) was given",
                hint: "give the \(kind.rawValue) certificate, from the host's certificate table or AMD's key service")
            return nil
        }
        verdict.add("signing-key", .passed, "\(kind.rawValue), as the report says")
        return leaf
    }

    private static func signs(_ report: SNPReport, _ certificate: Certificate) -> Bool {
        certificate.key.publicKey.map { report.signature.isValid(of: report.signedBytes, by: $0) } ?? false
    }

    private func checkSignature(_ report: SNPReport, _ leaf: Certificate, _ verdict: inout EvidenceVerdict) {
        verdict.add(
            "report-signature",
            Self.signs(report, leaf) ? [] : ["the signature is not by the key of \(leaf.name) over bytes 0 to 0x29f"],
            otherwise: "by \(leaf.name), ECDSA P-384 with SHA-384",
            hint: "the report was changed, or is another chip's or another firmware's than the certificate")
    }

    private static func addWhatNobodyAsked(_ report: SNPReport, _ verdict: inout EvidenceVerdict) {
        verdict.add("measurement", .notAsked, "compare it, and ID keys, VMPL and HOST_DATA, with reference values")
        verdict.add("freshness", .notAsked, "REPORT_DATA was not compared with a nonce")
        verdict.add("minimum-tcb", .notAsked, "no least version was demanded")
        var detail = "no policy was demanded"
        if report.policy.has(.debug) { detail += "; DEBUG is set: the host may read and change the guest" }
        if report.policy.has(.migrationAgent) { detail += "; MIGRATE_MA is set: an agent may move the guest" }
        verdict.add("policy", .notAsked, detail)
    }
}
