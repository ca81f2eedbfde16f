private import Bytes
private import Hashing
internal import Signing

/// Intel's collateral: that it is Intel's, current, and for this platform; and what it says.
extension TDXVerifier {
    /// Checks what was given and gives the chains of its signers.
    func checkCollateral(
        _ quote: TDXQuote, _ pck: PCKCertificate?, _ path: CertificatePath?, _ pool: [Certificate],
        _ verdict: inout EvidenceVerdict
    ) -> [CertificatePath] {
        guard !collateral.isEmpty else {
            verdict.add("tcb-status", .notAsked, "no TCB information of Intel's was given")
            return []
        }
        var signers: [CertificatePath] = []
        let info = pck.flatMap { pck in
            checkInfo(pck, pool, &signers, &verdict)
        }
        let identity = checkIdentity(quote, pool, &signers, &verdict)
        guard let info, let identity, let pck else {
            verdict.add(
                "tcb-status", .failed, "it takes TCB information and the quoting enclave's identity, both genuine")
            return signers
        }
        checkModule(quote, info, &verdict)
        checkStatus(TCBEvaluation(quote, pck, info, identity), &verdict)
        return signers
    }

    private func checkInfo(
        _ pck: PCKCertificate, _ pool: [Certificate], _ signers: inout [CertificatePath],
        _ verdict: inout EvidenceVerdict
    ) -> TCBInfo? {
        let matching = collateral.tcbInfos.filter { $0.body.fmspc == pck.fmspc && $0.body.pceID == pck.pceID }
        guard let signed = matching.first else {
            let found = collateral.tcbInfos.map { "\($0.body.fmspc.hex)/\($0.body.pceID.hex)" }
            verdict.add(
                "tcb-info", .failed,
                "none is for FMSPC \(pck.fmspc.hex), PCE \(pck.pceID.hex); found \(found.joined(separator: ", "))",
                hint: "fetch the TCB information of TDX for this FMSPC")
            return nil
        }
        var problems = signatureProblems(signed.bytes, signed.signature, pool, &signers)
        problems += dateProblems(issued: signed.body.issueDate, next: signed.body.nextUpdate)
        verdict.add(
            "tcb-info", problems.map { "\(signed.source): \($0)" },
            otherwise: "Intel's for FMSPC \(pck.fmspc.hex), evaluation \(signed.body.evaluationNumber), issued "
                + CertificateTime.text(signed.body.issueDate))
        return problems.isEmpty ? signed.body : nil
    }

    private func checkIdentity(
        _ quote: TDXQuote, _ pool: [Certificate], _ signers: inout [CertificatePath], _ verdict: inout EvidenceVerdict
    ) -> EnclaveIdentity? {
        guard let signed = collateral.identities.first else {
            verdict.add("qe-identity", .failed, "TCB information was given, and no identity of the quoting enclave")
            return nil
        }
        var problems = signatureProblems(signed.bytes, signed.signature, pool, &signers)
        problems += dateProblems(issued: signed.body.issueDate, next: signed.body.nextUpdate)
        problems += signed.body.problems(quote.certification.report)
        verdict.add(
            "qe-identity", problems.map { "\(signed.source): \($0)" },
            otherwise: "the quoting enclave is the one that Intel describes, ISVSVN "
                + "\(quote.certification.report.isvSVN)")
        return problems.isEmpty ? signed.body : nil
    }

    /// Who signed a document: only Intel's TCB signing certificate, issued by the root itself, counts.
    private func signatureProblems(
        _ bytes: [UInt8], _ signature: [UInt8], _ pool: [Certificate], _ signers: inout [CertificatePath]
    ) -> [String] {
        let candidates = pool.filter { $0.subject.commonName == IntelRoot.tcbSigningName }
        guard !candidates.isEmpty else { return ["no certificate '\(IntelRoot.tcbSigningName)' was given"] }
        let signer = candidates.first {
            $0.key.publicKey.map { $0.algorithm == .p256 && $0.isValid(rawSignature: signature, of: bytes) } ?? false
        }
        guard let signer else { return ["the signature is not by the key of \(IntelRoot.tcbSigningName)"] }
        guard let path = CertificatePath(from: signer, through: pool) else {
            return ["no path from \(signer.name) to a root"]
        }
        signers = (signers + [path]).withoutRepeats
        var problems = Self.problems(path)
        if path.certificates.count != 2 || path.root.name != IntelRoot.rootName {
            problems.append("\(signer.name) is not issued by the root itself")
        }
        if !isTrusted(path.root) { problems.append("\(path.root.name) is not a root that is trusted") }
        return problems
    }

    private func dateProblems(issued: Int64, next: Int64) -> [String] {
        guard let time else { return [] }
        if time < issued { return ["issued \(CertificateTime.text(issued)), after the time that is asked"] }
        return time > next ? ["outdated since \(CertificateTime.text(next))"] : []
    }

    private func checkModule(_ quote: TDXQuote, _ info: TCBInfo, _ verdict: inout EvidenceVerdict) {
        let id = TCBInfo.moduleID(quote.body.teeTCBSVN[1])
        guard let module = info.module(for: quote.body.teeTCBSVN) else {
            verdict.add("tdx-module", .failed, "the TCB information does not know a module \(id)")
            return
        }
        var problems: [String] = []
        if quote.body.mrSignerSeam.bytes != module.signer {
            problems.append("MRSIGNERSEAM \(quote.body.mrSignerSeam) is not the signer of \(id)")
        }
        let attributes = (0..<8).map { UInt8(truncatingIfNeeded: quote.body.seamAttributes >> UInt64(8 * $0)) }
        if !Masked.match(attributes, module.attributes, mask: module.attributesMask) {
            problems.append("SEAMATTRIBUTES are \(attributes.hex), expected \(module.attributes.hex)")
        }
        verdict.add("tdx-module", problems, otherwise: "\(id), security version \(quote.body.teeTCBSVN[0])")
    }

    private func checkStatus(_ evaluation: TCBEvaluation, _ verdict: inout EvidenceVerdict) {
        guard let status = evaluation.status else {
            verdict.add("tcb-status", .failed, evaluation.problems.joined(separator: "; "))
            return
        }
        var detail = "\(status.rawValue): \(evaluation.text)"
        if !evaluation.advisories.isEmpty { detail += "; \(evaluation.advisories.joined(separator: ", "))" }
        let isAccepted = status != .revoked && acceptedStatuses.contains(status)
        verdict.add(
            "tcb-status", isAccepted ? .passed : .failed, detail,
            hint: status == .revoked ? nil : "if that is good enough, say so with --accept-tcb \(status.rawValue)")
    }
}
