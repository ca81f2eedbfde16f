private import Bytes
private import Hashing
private import Signing

/// Checks the chain of an Azure confidential VM: AMD or Intel vouches for the hardware report, the report binds the
/// paravisor's claims, the claims name the vTPM's key, and that key signed the PCRs.
public struct HCLVerifier: Sendable {
    /// How the hardware's report is verified.
    public var snp = SNPVerifier()
    public var tdx = TDXVerifier()
    /// TDX: the quote over the report's TD report.
    public var tdQuote: TDXQuote?
    /// A quote of the vTPM with its signature, and the PCRs behind it.
    public var tpm: (quote: TPMQuote, signature: TPMSignature, registers: [[UInt8]]?)?

    public init() {}

    /// Checks evidence that brings everything with it.
    public mutating func take(_ evidence: AzureEvidence) {
        if let vcek = evidence.vcek { snp.certificates.insert(vcek, at: 0) }
        tdQuote = evidence.tdQuote ?? tdQuote
        tpm = (evidence.tpmQuote, evidence.tpmSignature, evidence.registers)
    }

    /// Checks `report`; every check is made that can be, also after one has failed.
    public func verify(_ report: HCLReport) -> EvidenceVerdict {
        let hardware = hardwareVerdict(report)
        let wantsTPM = tpm == nil ? [] : TPMQuoteVerifier.required
        var verdict = EvidenceVerdict(required: ["claims-binding", "hardware-report"] + wantsTPM + hardware.required)
        verdict.add(
            "claims-binding",
            report.bindsClaims ? [] : ["REPORT_DATA is not the \(report.hash.rawValue) of the claims"],
            otherwise: "the hardware report holds the claims' \(report.hash.rawValue)")
        checkReport(report, &verdict)
        checkTPM(report, &verdict)
        hardware.checks.forEach { verdict.add($0.name, $0.answer, $0.detail, hint: $0.hint) }
        return verdict
    }

    private func hardwareVerdict(_ report: HCLReport) -> EvidenceVerdict {
        switch report.hardware {
        case .snp(let report): return snp.verify(report)
        case .tdx:
            guard let tdQuote else { return EvidenceVerdict(required: TDXVerifier.required) }
            return tdx.verify(tdQuote)
        }
    }

    /// A TD report is vouched for by a quote alone, and the quote must be of that report.
    private func checkReport(_ report: HCLReport, _ verdict: inout EvidenceVerdict) {
        guard case .tdx(let td) = report.hardware else {
            verdict.add("hardware-report", .passed, "an SEV-SNP report, signed by the chip")
            return
        }
        guard let quote = tdQuote else {
            verdict.add(
                "hardware-report", .failed, "a TD report, which nobody but its processor can check",
                hint: "give the TD quote with --td-quote")
            return
        }
        let problems = Self.differences(td, quote.body).map { "\($0) differs between TD report and quote" }
        verdict.add("hardware-report", problems, otherwise: "the TD report that the quote was made from")
    }

    private static func differences(_ report: TDReport, _ body: TDXBody) -> [String] {
        let pairs: [(String, Bool)] = [
            ("TEE_TCB_SVN", report.teeTCBSVN == body.teeTCBSVN), ("MRSEAM", report.mrSeam == body.mrSeam),
            ("MRSIGNERSEAM", report.mrSignerSeam == body.mrSignerSeam),
            ("SEAMATTRIBUTES", report.seamAttributes == body.seamAttributes),
            ("TDATTRIBUTES", report.attributes == body.attributes), ("XFAM", report.xfam == body.xfam),
            ("MRTD", report.mrtd == body.mrtd), ("MRCONFIGID", report.mrConfigID == body.mrConfigID),
            ("MROWNER", report.mrOwner == body.mrOwner), ("MROWNERCONFIG", report.mrOwnerConfig == body.mrOwnerConfig),
            ("RTMRs", report.rtmrs == body.rtmrs), ("REPORTDATA", report.reportData == body.reportData),
        ]
        return pairs.filter { !$0.1 }.map(\.0)
    }

    private func checkTPM(_ report: HCLReport, _ verdict: inout EvidenceVerdict) {
        guard let tpm else {
            verdict.add("tpm-signature", .notAsked, "no quote of the vTPM was given")
            return
        }
        do throws(FormatError) {
            let key = try report.attestationKey()
            TPMQuoteVerifier(
                signature: tpm.signature, key: .trusted(key, by: "the vTPM's key in the claims"),
                registers: tpm.registers
            ).check(tpm.quote, &verdict)
        } catch {
            verdict.add("tpm-signature", .failed, error.description)
        }
    }
}
