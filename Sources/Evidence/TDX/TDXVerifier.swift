private import Bytes
private import Hashing
public import Signing

/// Checks that Intel's chain vouches for a quote: the quote by the attestation key, that key by the quoting enclave, the
/// enclave by the platform's key (PCK), that by Intel's root; and with Intel's collateral, how current all of it is.
///
/// Everything comes in as an argument: it opens no file, asks no clock and no network.
public struct TDXVerifier: Sendable {
    /// Certificates to find chains in beside those in the quote, in any order; none is trusted for being here.
    public var certificates: [Certificate] = []
    /// Roots that are trusted as they are, in place of the one that is pinned here.
    public var roots: [Certificate] = []
    public var revocationLists: [RevocationList] = []
    public var collateral = IntelCollateral()
    /// The TCB statuses that are good enough; a revoked one never is.
    public var acceptedStatuses: Set<TCBStatus> = [.upToDate]
    /// Seconds since 1970 to judge validity by; nil leaves validity out.
    public var time: Int64?

    public init() {}

    static let required = [
        "quoting-enclave", "quote-signature", "key-binding", "pck", "qe-report-signature", "chain", "root",
    ]

    /// Checks `quote`; every check is made that can be, also after one has failed.
    public func verify(_ quote: TDXQuote) -> EvidenceVerdict {
        var verdict = EvidenceVerdict(required: Self.required)
        Self.checkEnclave(quote, &verdict)
        Self.checkSignature(quote, &verdict)
        Self.checkBinding(quote, &verdict)
        let pool = pool(quote, &verdict)
        let pck = checkPCK(quote, pool, &verdict)
        let path = pck.flatMap { checkPath($0.certificate, pool, &verdict) }
        let signers = checkCollateral(quote, pck, path, pool, &verdict)
        let paths = [path].compactMap(\.self) + signers
        if !paths.isEmpty {
            let checks = ChainChecks(time: time, revocationLists: revocationLists + collateral.revocationLists)
            checks.addValidity(of: paths, to: &verdict)
            checks.addRevocation(of: paths, to: &verdict)
        }
        Self.addWhatNobodyAsked(quote, &verdict)
        return verdict
    }

    private static func checkEnclave(_ quote: TDXQuote, _ verdict: inout EvidenceVerdict) {
        var problems: [String] = []
        if quote.qeVendorID != TDXQuote.intelVendorID {
            problems.append("QE_VENDOR_ID \(quote.qeVendorID.hex) is not Intel's")
        }
        if quote.certification.report.isDebuggable { problems.append("the quoting enclave may be debugged") }
        verdict.add("quoting-enclave", problems, otherwise: "Intel's by its vendor identifier, not debuggable")
    }

    private static func checkSignature(_ quote: TDXQuote, _ verdict: inout EvidenceVerdict) {
        let isValid = quote.key?.isValid(rawSignature: quote.signature, of: quote.signedBytes) ?? false
        verdict.add(
            "quote-signature",
            isValid
                ? [] : ["the signature is not the attestation key's over the first \(quote.signedBytes.count) bytes"],
            otherwise: "by the attestation key, ECDSA P-256 with SHA-256", hint: "the quote was changed")
    }

    /// The quoting enclave's REPORTDATA is SHA-256 of the attestation key and its authentication data, and 32 zeros.
    private static func checkBinding(_ quote: TDXQuote, _ verdict: inout EvidenceVerdict) {
        let bound = Digest.of(quote.attestationKey + quote.certification.authenticationData, .sha256).bytes
        let isBound = quote.certification.report.reportData == bound + [UInt8](repeating: 0, count: 32)
        verdict.add(
            "key-binding", isBound ? [] : ["the quoting enclave's REPORTDATA is not the attestation key's hash"],
            otherwise: "the quoting enclave reports the attestation key",
            hint: "attestation key and certification are of different quotes")
    }

    /// Every certificate that is known, the quote's own first.
    private func pool(_ quote: TDXQuote, _ verdict: inout EvidenceVerdict) -> [Certificate] {
        var own: [Certificate] = []
        if quote.certification.dataType == .pckChain {
            do throws(FormatError) {
                own = try quote.certificates()
            } catch {
                verdict.add("quote-certificates", .failed, error.description)
            }
        }
        return (own + certificates + collateral.certificates + roots).withoutRepeats
    }

    /// The platform's key: the certificate that is one by its extension; of several, the one that signed the enclave's
    /// report.
    private func checkPCK(
        _ quote: TDXQuote, _ pool: [Certificate], _ verdict: inout EvidenceVerdict
    ) -> PCKCertificate? {
        let candidates = pool.filter { $0.extension(PCKCertificate.identifier) != nil && !$0.isAuthority }
        guard let leaf = candidates.first(where: { Self.signs(quote, $0) }) ?? candidates.first else {
            verdict.add(
                "pck", .failed, "no PCK certificate is in the quote, and none was given",
                hint: "give the PCK certificate and its chain with --chain")
            return nil
        }
        let pck: PCKCertificate
        do throws(FormatError) {
            pck = try PCKCertificate(leaf)
        } catch {
            verdict.add("pck", .failed, error.description)
            return nil
        }
        verdict.add(
            "pck", .passed,
            "FMSPC \(pck.fmspc.hex), PCE \(pck.pceID.hex) SVN \(pck.tcb.pceSVN), SGX TCB \(pck.tcb.components.hex)")
        verdict.add(
            "qe-report-signature",
            Self.signs(quote, leaf) ? [] : ["the quoting enclave's report is not signed by the key of \(leaf.name)"],
            otherwise: "by the platform's key, ECDSA P-256 with SHA-256")
        return pck
    }

    private static func signs(_ quote: TDXQuote, _ certificate: Certificate) -> Bool {
        guard let key = certificate.key.publicKey, key.algorithm == .p256 else { return false }
        return key.isValid(
            rawSignature: quote.certification.signature, of: quote.certification.report.bytes)
    }

    private static func addWhatNobodyAsked(_ quote: TDXQuote, _ verdict: inout EvidenceVerdict) {
        verdict.add("measurement", .notAsked, "compare MRTD, RTMRs, MRCONFIGID and MROWNER with reference values")
        verdict.add("freshness", .notAsked, "REPORTDATA was not compared with a nonce")
        var detail = "no policy was demanded"
        if quote.body.attributes.has(.debug) { detail += "; DEBUG is set: the host may read and change the domain" }
        if quote.body.attributes.has(.migratable) { detail += "; MIGRATABLE is set: another domain may move it" }
        if let service = quote.body.mrServiceTD, service.bytes.contains(where: { $0 != 0 }) {
            detail += "; service domains are bound to it"
        }
        verdict.add("policy", .notAsked, detail)
    }
}

extension Certificate {
    /// Whether it may issue certificates.
    var isAuthority: Bool { basicConstraints?.isAuthority ?? false }
}
