private import Bytes
private import Hashing
public import Signing

/// Checks a quote of a virtual TPM: its signature by a key that something else vouches for, and the PCRs behind it.
public struct TPMQuoteVerifier: Sendable {
    /// The attestation key, and why it counts.
    public enum Key: Hashable, Sendable {
        /// Somebody who is trusted says so, in words; nil if nobody gave one.
        case trusted(CertificateKey?, by: String = "the key that was given")
        /// It has a certificate, which must lead to a root that was given.
        case certified(Certificate)
    }

    public var signature: TPMSignature
    public var key: Key
    /// The values of the quoted bank, register 0 first; nil if they are not at hand.
    public var registers: [[UInt8]]?
    /// For a certified key: certificates to find the chain in, the roots to trust, lists and time to judge by.
    public var certificates: [Certificate] = []
    public var roots: [Certificate] = []
    public var revocationLists: [RevocationList] = []
    /// Seconds since 1970; nil leaves validity out.
    public var time: Int64?

    public init(signature: TPMSignature, key: Key, registers: [[UInt8]]? = nil) {
        self.signature = signature
        self.key = key
        self.registers = registers
    }

    static let required = ["tpm-signature"]

    /// The verdict on a quote alone: as good as the attestation key.
    public func verify(_ quote: TPMQuote) -> EvidenceVerdict {
        var isCertified = false
        if case .certified = key { isCertified = true }
        var verdict = EvidenceVerdict(required: Self.required + (isCertified ? ["chain", "root"] : []))
        check(quote, &verdict)
        if case .certified(let leaf) = key { checkPath(leaf, &verdict) }
        verdict.add("freshness", .notAsked, "extraData \(quote.extraData.hex) was not compared with a nonce")
        return verdict
    }

    /// Adds what is found about signature and PCRs to a verdict.
    func check(_ quote: TPMQuote, _ verdict: inout EvidenceVerdict) {
        let (key, origin): (CertificateKey?, String) =
            switch key {
            case .trusted(let key, let origin): (key, origin)
            case .certified(let leaf): (leaf.key, "the key of \(leaf.name)")
            }
        let isValid = key.map { signature.isValid(of: quote, by: $0) } ?? false
        verdict.add(
            "tpm-signature", isValid ? [] : ["the signature is not by \(origin) over the quote"],
            otherwise: "by \(origin), \(signature.scheme)")
        guard let registers else {
            verdict.add("pcr-digest", .notAsked, "no PCR values were given")
            return
        }
        let problems = Self.problems(of: registers, in: quote, signature)
        let count = quote.selections.first?.registers.count ?? 0
        verdict.add("pcr-digest", problems, otherwise: "the \(count) PCRs that were given are those that were quoted")
    }

    /// Why `registers` are not what `quote` attests: its digest is over one bank's registers, one after the other, by the
    /// signature's hash.
    private static func problems(
        of registers: [[UInt8]], in quote: TPMQuote, _ signature: TPMSignature
    ) -> [String] {
        guard quote.selections.count == 1, let selection = quote.selections.first, let bank = selection.hash else {
            return ["\(quote.selections.count) banks are quoted, expected one that is known"]
        }
        guard !selection.registers.isEmpty else { return ["no PCR is quoted"] }
        var message: [UInt8] = []
        for index in selection.registers {
            guard index < registers.count else { return ["PCR \(index) is quoted and was not given"] }
            guard registers[index].count == bank.byteCount else {
                return ["PCR \(index) has \(registers[index].count) bytes, \(bank.rawValue) has \(bank.byteCount)"]
            }
            message += registers[index]
        }
        // Values that nobody attests must not look as if somebody did.
        if let extra = registers.indices.first(where: { !selection.registers.contains($0) }) {
            return ["PCR \(extra) was given and is not quoted"]
        }
        return Digest.of(message, signature.hash).bytes == quote.pcrDigest
            ? [] : ["the PCRs that were given hash to another digest than \(quote.pcrDigest.hex)"]
    }

    private func checkPath(_ leaf: Certificate, _ verdict: inout EvidenceVerdict) {
        guard let path = CertificatePath(from: leaf, through: certificates + roots) else {
            verdict.add("chain", .failed, "no path from \(leaf.name) to a root", hint: "give issuers with --chain")
            return
        }
        verdict.add(
            "chain", path.problems().map(\.description),
            otherwise: path.certificates.map(\.name).joined(separator: ", "))
        verdict.add(
            "root",
            roots.contains { $0.key == path.root.key } ? [] : ["\(path.root.name) is not a root that was given"],
            otherwise: "\(path.root.name), which was given as root",
            hint: "no vTPM's root is pinned here: give the cloud's with --root")
        let checks = ChainChecks(time: time, revocationLists: revocationLists)
        checks.addValidity(of: [path], to: &verdict)
        checks.addRevocation(of: [path], to: &verdict)
    }
}
