import Bytes
import Documents
import Evidence
import Files
import Signing

extension FileRecognizer {
    /// A TDX quote; certificates inside are told apart.
    static let tdxQuote = FileRecognizer(
        kind: "TDX quote",
        matches: { TDXQuote.begins($0.head) },
        describe: { file in
            let quote = try TDXQuote(file.contents(limit: TDXQuote.maximumByteCount), source: file.file.path)
            guard quote.certification.dataType == .pckChain else { return quote.facts }
            return quote.facts + CertificateFacts.chain(try quote.certificates())
        })

    /// A TD report, as a domain gets it from the TDX module.
    static let tdReport = FileRecognizer(
        kind: "TD report",
        matches: { $0.file.size == TDReport.byteCount && TDReport.begins($0.head) },
        describe: { file in
            try TDReport(file.contents(limit: TDReport.byteCount), source: file.file.path).facts
        })

    /// What Azure's paravisor keeps in the vTPM.
    static let hclReport = FileRecognizer(
        kind: "Azure HCL report",
        matches: { HCLReport.begins($0.head) },
        describe: { file in
            try HCLReport(file.contents(limit: HCLReport.maximumByteCount), source: file.file.path).facts
        })

    /// All the evidence of an Azure machine in one object.
    static let azureEvidence = FileRecognizer(
        kind: "Azure vTPM evidence",
        matches: { $0.hasMember("hcl_report") },
        describe: { file in
            try AzureEvidence(file.contents(limit: AzureEvidence.maximumByteCount), source: file.file.path).facts
        })

    /// A quote of a TPM.
    static let tpmQuote = FileRecognizer(
        kind: "TPM quote",
        matches: { TPMQuote.begins($0.head) },
        describe: { file in
            try TPMQuote(file.contents(limit: TPMQuote.maximumByteCount), source: file.file.path).facts
        })

    /// TCB information or enclave identities of Intel's.
    static let intelCollateral = FileRecognizer(
        kind: "Intel TDX collateral",
        matches: { file in ["tcbInfo", "enclaveIdentity", "tcb_info"].contains { file.hasMember($0) } },
        describe: { file in
            var collateral = IntelCollateral()
            try collateral.add(file.contents(limit: IntelCollateral.maximumByteCount), source: file.file.path)
            return CollateralFacts.facts(collateral)
        })
}

extension InspectedFile {
    /// Whether the file is JSON that speaks of a member of this name near its start.
    fileprivate func hasMember(_ name: String) -> Bool {
        guard head.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") else { return false }
        return String(decoding: head, as: UTF8.self).contains("\"\(name)\"")
    }
}

/// What `inspect` says about Intel's collateral.
private enum CollateralFacts {
    static func facts(_ collateral: IntelCollateral) -> [(String, Value)] {
        var facts: [(String, Value)] = []
        for signed in collateral.tcbInfos { facts.append(("tcbInfo", .object(self.facts(signed.body)))) }
        for signed in collateral.identities { facts.append(("enclaveIdentity", .object(self.facts(signed.body)))) }
        facts += collateral.revocationLists.enumerated().map {
            ("revocationList \($0.offset + 1)", .object(CertificateFacts.facts($0.element)))
        }
        return facts + CertificateFacts.chain(collateral.certificates)
    }

    private static func facts(_ info: TCBInfo) -> [(String, Value)] {
        [
            ("fmspc", .string(info.fmspc.hex)), ("pceID", .string(info.pceID.hex)),
            ("issueDate", .string(CertificateTime.text(info.issueDate))),
            ("nextUpdate", .string(CertificateTime.text(info.nextUpdate))),
            ("evaluationNumber", .count(info.evaluationNumber)),
            ("modules", .array(of: info.modules.map { .object([("id", .string($0.id)), levels($0.levels)]) })),
            (
                "levels",
                .array(
                    of: info.levels.map {
                        .object([
                            ("sgx", .string($0.sgxComponents.hex)), ("pceSVN", .count(Int($0.pceSVN))),
                            ("tdx", .string($0.tdxComponents.hex)), ("status", .string($0.status.rawValue)),
                        ])
                    })
            ),
        ]
    }

    private static func facts(_ identity: EnclaveIdentity) -> [(String, Value)] {
        [
            ("issueDate", .string(CertificateTime.text(identity.issueDate))),
            ("nextUpdate", .string(CertificateTime.text(identity.nextUpdate))),
            ("evaluationNumber", .count(identity.evaluationNumber)), ("mrSigner", .string(identity.signer.hex)),
            ("isvProductID", .count(Int(identity.isvProductID))), levels(identity.levels),
        ]
    }

    private static func levels(_ levels: [EnclaveLevel]) -> (String, Value) {
        (
            "levels",
            .array(
                of: levels.map {
                    .object([("svn", .count(Int($0.svn))), ("status", .string($0.status.rawValue))])
                })
        )
    }
}
