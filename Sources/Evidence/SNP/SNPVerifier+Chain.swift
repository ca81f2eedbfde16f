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
        let checks = ChainChecks(time: time, revocationLists: revocationLists)
        checks.addValidity(of: [path], to: &verdict)
        checks.addRevocation(of: [path], to: &verdict)
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
}
