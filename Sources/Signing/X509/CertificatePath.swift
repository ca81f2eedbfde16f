extension Certificate {
    /// Extensions whose meaning is known here, so that they may be critical.
    private static let understood: Set<ObjectIdentifier> = [
        .keyUsage, .basicConstraints, .subjectKeyIdentifier, .authorityKeyIdentifier, .crlDistributionPoints,
    ]

    /// What is wrong with the link from this certificate to `issuer` (RFC 5280, §6.1.3): name, right to sign, signature,
    /// validity and critical extensions. All of it, not the first alone; empty if nothing is.
    ///
    /// - Parameters:
    ///   - time: seconds since 1970 to judge validity by; nil leaves validity out.
    ///   - authoritiesBelow: how many authorities stand between `issuer` and the end of the chain.
    ///   - understanding: extensions that the caller reads itself.
    public func problems(
        issuedBy issuer: Certificate, at time: Int64? = nil, authoritiesBelow: Int = 0,
        understanding: Set<ObjectIdentifier> = []
    ) -> [CertificateProblem] {
        var problems: [CertificateProblem] = []
        if self.issuer != issuer.subject {
            problems.append(
                .otherIssuer(
                    subject: name, issuer: self.issuer.commonName ?? self.issuer.description, expected: issuer.name))
        }
        if let reason = issuer.reasonNotToSign(authoritiesBelow: authoritiesBelow) {
            problems.append(.issuerMayNotSign(subject: name, issuer: issuer.name, reason: reason))
        }
        if !issuer.key.accepts(signature, of: signedBytes, scheme: scheme) {
            problems.append(.signature(subject: name, issuer: issuer.name))
        }
        return problems + timeProblems(at: time) + extensionProblems(understanding)
    }

    private func reasonNotToSign(authoritiesBelow: Int) -> String? {
        guard let constraints = basicConstraints, constraints.isAuthority else { return "it is no authority" }
        guard keyUsage?.contains(.certificateSign) ?? true else { return "keyUsage does not let it sign certificates" }
        guard let limit = constraints.pathLength, authoritiesBelow > limit else { return nil }
        return "\(authoritiesBelow) authorities stand below it, at most \(limit) may"
    }

    private func timeProblems(at time: Int64?) -> [CertificateProblem] {
        guard let time else { return [] }
        if time < notBefore { return [.notYetValid(subject: name, from: notBefore)] }
        return time > notAfter ? [.expired(subject: name, since: notAfter)] : []
    }

    private func extensionProblems(_ understanding: Set<ObjectIdentifier>) -> [CertificateProblem] {
        extensions
            .filter {
                $0.isCritical && !Self.understood.contains($0.identifier) && !understanding.contains($0.identifier)
            }
            .map { .unknownCriticalExtension(subject: name, identifier: $0.identifier) }
    }
}

/// A chain of certificates from the one in question to a root that signed itself.
///
/// Whether the root is to be trusted is for the caller, who compares it, or its key, with what they know.
public struct CertificatePath: Hashable, Sendable {
    /// Longest chain that is looked at.
    public static let maximumCount = 8

    /// The leaf first, the root last; at least one.
    public let certificates: [Certificate]

    /// A path as given; nil if it is empty or longer than `maximumCount`.
    public init?(_ certificates: [Certificate]) {
        guard (1...Self.maximumCount).contains(certificates.count) else { return nil }
        self.certificates = certificates
    }

    /// The path from `leaf` upwards through `pool` by names alone; it ends at a self-issued certificate. Nil if an issuer
    /// is missing. Where several certificates have one name, those whose key signed the one below are taken.
    public init?(from leaf: Certificate, through pool: [Certificate]) {
        var path = [leaf]
        while let last = path.last, !last.isSelfIssued {
            let candidates = pool.filter { $0.subject == last.issuer && !path.contains($0) }
            let signer = candidates.first { $0.key.accepts(last.signature, of: last.signedBytes, scheme: last.scheme) }
            guard let next = signer ?? candidates.first, path.count < Self.maximumCount else { return nil }
            path.append(next)
        }
        certificates = path
    }

    /// The last certificate.
    public var root: Certificate { certificates[certificates.count - 1] }

    /// What is wrong with the links, the root's with itself included.
    public func problems(
        at time: Int64? = nil, understanding: Set<ObjectIdentifier> = []
    ) -> [CertificateProblem] {
        certificates.indices.flatMap { index in
            let isRoot = index == certificates.count - 1
            return certificates[index].problems(
                issuedBy: isRoot ? root : certificates[index + 1], at: time,
                authoritiesBelow: isRoot ? max(0, index - 1) : index, understanding: understanding)
        }
    }
}
