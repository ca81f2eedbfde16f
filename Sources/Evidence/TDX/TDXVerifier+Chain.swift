private import Hashing
internal import Signing

extension TDXVerifier {
    /// The chain from the platform's certificate to the root.
    func checkPath(_ leaf: Certificate, _ pool: [Certificate], _ verdict: inout EvidenceVerdict) -> CertificatePath? {
        guard let path = CertificatePath(from: leaf, through: pool) else {
            verdict.add(
                "chain", .failed, "no path from \(leaf.name) to a root: '\(leaf.issuer)' or an issuer of it is missing",
                hint: "give the issuers' certificates with --chain")
            return nil
        }
        let names = path.certificates.map(\.name)
        var problems = Self.problems(path)
        let isRightShape =
            names.count == 3 && names[0] == IntelRoot.pckName && IntelRoot.pckIssuerNames.contains(names[1])
            && names[2] == IntelRoot.rootName
        if !isRightShape {
            problems.append("it is \(names.joined(separator: ", ")); expected PCK, platform or processor CA, root")
        }
        verdict.add("chain", problems, otherwise: names.joined(separator: ", "))
        checkRoot(path.root, &verdict)
        return path
    }

    /// What is wrong with the links, validity left out: that is a question of its own.
    static func problems(_ path: CertificatePath) -> [String] {
        path.problems(understanding: [PCKCertificate.identifier]).map(\.description)
    }

    private func checkRoot(_ root: Certificate, _ verdict: inout EvidenceVerdict) {
        if !roots.isEmpty {
            verdict.add(
                "root", isTrusted(root) ? [] : ["\(root.name) has not the key of a given root"],
                otherwise: "\(root.name), which was given as root")
            return
        }
        verdict.add(
            "root", isTrusted(root) ? [] : ["\(root.name), key SHA-256 \(root.key.digest), is not Intel's root key"],
            otherwise: "Intel's root key, pinned by SHA-256",
            hint: "a root of your own has to be given with --root")
    }

    /// Whether a root's key is the pinned one, or one that was given in its place.
    func isTrusted(_ root: Certificate) -> Bool {
        roots.isEmpty ? root.key.digest == IntelRoot.keyDigest : roots.contains { $0.key == root.key }
    }
}
