internal import Signing

/// The questions about certificates that every vendor's chain is asked alike.
struct ChainChecks {
    /// Seconds since 1970; nil leaves validity out.
    var time: Int64?
    var revocationLists: [RevocationList]

    func addValidity(of paths: [CertificatePath], to verdict: inout EvidenceVerdict) {
        guard let time else {
            verdict.add("validity", .notAsked, "no time was given")
            return
        }
        let problems = paths.flatMap { $0.problems(at: time) }.filter {
            switch $0 {
            case .expired, .notYetValid: true
            default: false
            }
        }
        verdict.add(
            "validity", problems.map(\.description).withoutRepeats,
            otherwise: "every certificate is valid at \(CertificateTime.text(time))")
    }

    /// Lists count only if they are an issuer's of these chains; one that cannot be checked is a failure, for whoever gave
    /// it wanted it to be.
    func addRevocation(of paths: [CertificatePath], to verdict: inout EvidenceVerdict) {
        guard !revocationLists.isEmpty else {
            verdict.add("revocation", .notAsked, "no revocation list was given")
            return
        }
        let certificates = paths.flatMap(\.certificates).withoutRepeats
        var problems: [String] = []
        var covered: [String] = []
        for list in revocationLists {
            guard let issuer = certificates.first(where: { $0.subject == list.issuer }) else {
                let name = list.issuer.commonName ?? list.issuer.description
                problems.append("\(list.source): issued by '\(name)', who is not in the chain")
                continue
            }
            problems += list.problems(issuedBy: issuer, at: time).map(\.description)
            for certificate in certificates where certificate.issuer == list.issuer {
                covered.append(certificate.name)
                if let entry = list.entry(of: certificate) {
                    let revoked = CertificateProblem.revoked(
                        subject: certificate.name, list: list.source, since: entry.date)
                    problems.append(revoked.description)
                }
            }
        }
        let uncovered = certificates.map(\.name).filter { !covered.contains($0) }
        var detail = "not revoked: \(covered.withoutRepeats.joined(separator: ", "))"
        if !uncovered.isEmpty { detail += "; no list covers \(uncovered.joined(separator: ", "))" }
        verdict.add("revocation", problems, otherwise: detail)
    }
}

extension Array where Element: Hashable {
    /// The elements in order, each once.
    var withoutRepeats: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
