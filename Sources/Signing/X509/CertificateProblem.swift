/// Why a certificate, or a revocation list, is not vouched for by its issuer at a time.
public enum CertificateProblem: Hashable, Sendable, CustomStringConvertible {
    /// The issuer's name is not the name of the certificate that should have issued it.
    case otherIssuer(subject: String, issuer: String, expected: String)
    /// The issuer may not sign certificates (`basicConstraints`, `keyUsage`), or not this deep (`pathLenConstraint`).
    case issuerMayNotSign(subject: String, issuer: String, reason: String)
    case signature(subject: String, issuer: String)
    case notYetValid(subject: String, from: Int64)
    case expired(subject: String, since: Int64)
    /// An extension that must be understood, and is not.
    case unknownCriticalExtension(subject: String, identifier: ObjectIdentifier)
    case revoked(subject: String, list: String, since: Int64)

    public var description: String {
        switch self {
        case .otherIssuer(let subject, let issuer, let expected):
            "\(subject): issued by '\(issuer)', expected '\(expected)'"
        case .issuerMayNotSign(let subject, let issuer, let reason): "\(subject): \(issuer) may not sign it: \(reason)"
        case .signature(let subject, let issuer): "\(subject): the signature is not \(issuer)'s"
        case .notYetValid(let subject, let from): "\(subject): not valid before \(CertificateTime.text(from))"
        case .expired(let subject, let since): "\(subject): not valid after \(CertificateTime.text(since))"
        case .unknownCriticalExtension(let subject, let identifier):
            "\(subject): the critical extension \(identifier) is not understood"
        case .revoked(let subject, let list, let since):
            "\(subject): revoked by \(list) since \(CertificateTime.text(since))"
        }
    }
}
