import Bytes
import Documents
import Evidence
import Files
import Hashing
import Signing

extension FileRecognizer {
    /// A report alone, or with a host's certificate table behind it.
    static let snpReport = FileRecognizer(
        kind: "SEV-SNP attestation report",
        matches: { file in
            // The format has no magic number: its size is told, and a version below 256.
            guard file.head.count >= SNPReport.byteCount, file.head[1...3].allSatisfy({ $0 == 0 }), file.head[0] != 0
            else { return false }
            return file.file.size == SNPReport.byteCount
                || SNPCertificateTable.begins(Array(file.head.dropFirst(SNPReport.byteCount)))
        },
        describe: { file in
            let evidence = try SNPExtendedReport(file.contents(limit: 2 << 20), source: file.file.path)
            return evidence.report.facts + (try evidence.table.map(CertificateFacts.table) ?? [])
        })

    /// The certificates that a host hands out with a report.
    static let snpCertificateTable = FileRecognizer(
        kind: "SEV-SNP certificate table",
        matches: { SNPCertificateTable.begins($0.head) },
        describe: { file in
            try CertificateFacts.table(
                SNPCertificateTable(file.contents(limit: 2 << 20), source: file.file.path))
        })

    /// Certificates, PEM or DER.
    static let certificates = FileRecognizer(
        kind: "X.509 certificates",
        matches: { $0.begins(with: "-----BEGIN CERTIFICATE-----") || $0.isSigned(secondTag: [0xA0]) },
        describe: { file in
            let bytes = try file.contents(limit: Certificate.maximumFileByteCount)
            return try CertificateFacts.chain(Certificate.read(bytes, source: file.file.path))
        })

    /// A certificate revocation list, PEM or DER.
    static let revocationList = FileRecognizer(
        kind: "X.509 revocation list",
        matches: { $0.begins(with: "-----BEGIN X509 CRL-----") || $0.isSigned(secondTag: [0x02, 0x30]) },
        describe: { file in
            let bytes = try file.contents(limit: RevocationList.maximumByteCount)
            return CertificateFacts.facts(try RevocationList(bytes, source: file.file.path))
        })
}

extension InspectedFile {
    /// Whether the file is DER: SEQUENCE { SEQUENCE { element of one of these tags, …
    fileprivate func isSigned(secondTag: [UInt8]) -> Bool {
        var rest = head[...]
        for _ in 0..<2 {
            guard rest.count >= 6, rest[rest.startIndex] == 0x30 else { return false }
            let length = rest[rest.startIndex + 1]
            rest = rest.dropFirst(length < 0x80 ? 2 : 2 + Int(length & 0x7F))
        }
        // A revocation list of version 1 starts with its algorithm, and so do other things; version 2 says so.
        guard let tag = rest.first, secondTag.contains(tag) else { return false }
        return tag != 0x02 || rest.starts(with: [0x02, 0x01, 0x01, 0x30])
    }
}

/// What `inspect` says about certificates and revocation lists.
enum CertificateFacts {
    /// Every certificate, and the chain from the first.
    static func chain(_ certificates: [Certificate]) -> [(String, Value)] {
        var facts: [(String, Value)] = []
        for (index, certificate) in certificates.enumerated() {
            facts.append(("certificate \(index + 1)", .object(self.facts(certificate))))
        }
        if let first = certificates.first, let path = CertificatePath(from: first, through: certificates) {
            let understood = path.problems(understanding: Set(first.extensions.map(\.identifier)))
            facts.append(("chain", .array(of: path.certificates.map { .string($0.name) })))
            facts.append(("chainProblems", .array(of: understood.map { .string($0.description) })))
        }
        return facts
    }

    /// The entries of a certificate table.
    static func table(_ table: SNPCertificateTable) throws -> [(String, Value)] {
        let entries = table.entries.map { entry in
            Value.object([
                ("identifier", .string(entry.identifier.description)), ("kind", .string(entry.kind.rawValue)),
                ("offset", .hex(table.base + entry.offset)), ("size", .count(entry.contents.count)),
            ])
        }
        return [("certificateTable", .array(of: entries))] + chain(try table.certificates())
    }

    static func facts(_ list: RevocationList) -> [(String, Value)] {
        [
            ("issuer", .string(list.issuer.description)), ("signature", .string(list.scheme.description)),
            ("thisUpdate", .string(CertificateTime.text(list.thisUpdate))),
            ("nextUpdate", list.nextUpdate.map { .string(CertificateTime.text($0)) } ?? .null),
            (
                "revoked",
                .array(
                    of: list.entries.map {
                        .object([
                            ("serial", .string($0.serial.hex)), ("date", .string(CertificateTime.text($0.date))),
                        ])
                    })
            ),
        ]
    }

    private static func facts(_ certificate: Certificate) -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("subject", .string(certificate.subject.description)), ("issuer", .string(certificate.issuer.description)),
            ("serial", .string(certificate.serial.hex)), ("version", .count(certificate.version)),
            ("notBefore", .string(CertificateTime.text(certificate.notBefore))),
            ("notAfter", .string(CertificateTime.text(certificate.notAfter))),
            ("key", .string(certificate.key.description)), ("keySHA256", .string(certificate.key.digest.hex)),
            ("signature", .string(certificate.scheme.description)),
            ("sha256", .string(certificate.fingerprint.hex)),
            ("authority", .bool(certificate.basicConstraints?.isAuthority ?? false)),
            (
                "extensions",
                .array(of: certificate.extensions.map { .string($0.identifier.description) })
            ),
        ]
        guard EndorsementKey.kind(of: certificate) != nil else { return facts }
        do throws(FormatError) {
            facts.append(("endorsement", .object(self.facts(try EndorsementKey(certificate)))))
        } catch {
            facts.append(("endorsementProblem", .string(error.description)))
        }
        return facts
    }

    private static func facts(_ key: EndorsementKey) -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("kind", .string(key.kind.rawValue)), ("product", .string(key.productName)),
            ("structureVersion", .count(key.structureVersion)),
            ("tcb", .object(key.tcb.parts(key.tcbLayout).map { ($0.component.rawValue, .count(Int($0.version))) })),
        ]
        if let hardwareID = key.hardwareID { facts.append(("hardwareID", .string(hardwareID.hex))) }
        if let provider = key.provider { facts.append(("provider", .string(provider))) }
        return facts
    }
}
