private import Bytes
private import Hashing
internal import Signing

/// The chain from the root key to the endorsement key.
extension SNPVerifier {
    func checkPath(_ path: CertificatePath?, leaf: Certificate, _ verdict: inout EvidenceVerdict) {
        guard let path else {
            verdict.add(
                "chain", .failed,
                "no chain from \(leaf.name) to a root: a certificate of "
                    + "'\(leaf.issuer.commonName ?? leaf.issuer.description)', or of its issuer, is missing",
                hint: "give AMD's ASK (or ASVK) and ARK of the product with the chain")
            return
        }
        let understood = EndorsementKey.understood
        verdict.add(
            "chain", Self.shapeProblems(path) + path.problems(understanding: understood).map(\.description),
            otherwise: path.certificates.reversed().map(\.name).joined(separator: " → "))
        checkRoot(path, &verdict)
        checkValidity(path, &verdict)
        checkRevocation(path, &verdict)
    }

    /// What AMD's chains have beside what every chain has: three certificates, RSA-4096 above and P-384 below, and
    /// RSASSA-PSS with SHA-384 throughout.
    private static func shapeProblems(_ path: CertificatePath) -> [String] {
        var problems: [String] = []
        if path.certificates.count != 3 {
            problems.append("\(path.certificates.count) certificates, expected ARK, ASK or ASVK, and the leaf")
        }
        for (index, certificate) in path.certificates.enumerated() {
            let isKeyRight =
                index == 0
                ? certificate.key.publicKey?.algorithm == .p384 : certificate.key.kind == .rsa(bits: 4096)
            if !isKeyRight {
                problems.append(
                    "\(certificate.name): key \(certificate.key), expected \(index == 0 ? "ecdsa-p384" : "rsa-4096")")
            }
            if certificate.scheme != .rsaPSS(.sha384, saltByteCount: 48) {
                problems.append("\(certificate.name): signed with \(certificate.scheme), expected RSASSA-PSS, SHA-384")
            }
        }
        return problems
    }

    private func checkRoot(_ path: CertificatePath, _ verdict: inout EvidenceVerdict) {
        let root = path.root
        if !roots.isEmpty {
            verdict.add(
                "root", roots.contains { $0.key == root.key } ? [] : ["\(root.name) has not the key of a given root"],
                otherwise: "\(root.name), which was given as root")
            return
        }
        let pinned = SNPProduct.allCases.filter { $0.rootKeyDigest == root.key.digest }
        guard let product = pinned.first else {
            verdict.add(
                "root", .failed, "\(root.name), key SHA-256 \(root.key.digest), is not a root key that is known here",
                hint: "a root of your own, or of a newer product, has to be given with --ark")
            return
        }
        verdict.add("root", .passed, "AMD's root key for \(product.rawValue), pinned by SHA-256")
    }

    private func checkValidity(_ path: CertificatePath, _ verdict: inout EvidenceVerdict) {
        guard let time else {
            verdict.add("validity", .notAsked, "no time was given")
            return
        }
        let problems = path.problems(at: time).filter {
            switch $0 {
            case .expired, .notYetValid: true
            default: false
            }
        }
        verdict.add(
            "validity", problems.map(\.description),
            otherwise: "every certificate is valid at \(CertificateTime.text(time))")
    }

    /// Lists count only if they are an issuer's of this chain; one that cannot be checked is a failure, for whoever gave
    /// it wanted it to be.
    private func checkRevocation(_ path: CertificatePath, _ verdict: inout EvidenceVerdict) {
        guard !revocationLists.isEmpty else {
            verdict.add("revocation", .notAsked, "no revocation list was given")
            return
        }
        var problems: [String] = []
        var covered: [String] = []
        for list in revocationLists {
            guard let issuer = path.certificates.first(where: { $0.subject == list.issuer }) else {
                let name = list.issuer.commonName ?? list.issuer.description
                problems.append("\(list.source): issued by '\(name)', who is not in the chain")
                continue
            }
            problems += list.problems(issuedBy: issuer, at: time).map(\.description)
            for certificate in path.certificates where certificate.issuer == list.issuer {
                covered.append(certificate.name)
                if let entry = list.entry(of: certificate) {
                    let revoked = CertificateProblem.revoked(
                        subject: certificate.name, list: list.source, since: entry.date)
                    problems.append(revoked.description)
                }
            }
        }
        let uncovered = path.certificates.map(\.name).filter { !covered.contains($0) }
        var detail = "not revoked: \(covered.joined(separator: ", "))"
        if !uncovered.isEmpty { detail += "; no list covers \(uncovered.joined(separator: ", "))" }
        verdict.add("revocation", problems, otherwise: detail)
    }
}
