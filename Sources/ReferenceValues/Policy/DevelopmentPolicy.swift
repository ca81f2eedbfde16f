private import Bytes
public import Hashing
public import Signing

/// The trust policy of a development build: one key made on the spot, and every check that such a build cannot pass waived
/// where the reader sees it.
public struct DevelopmentPolicy: Sendable {
    public var key: PublicKey
    public var image: String
    /// From then on the policy accepts nothing.
    public var expires: Timestamp
    /// Profile names and digests that are accepted.
    public var profiles: [(name: String, digest: Digest)]
    /// Profiles whose kernel binding is not proven, as their own words say.
    public var unprovenKernelBinding: [String]
    public var vtpmOnly: [String]
    public var sourceOnlyOrigins: [String]
    /// Whether the debug variant counts.
    public var allowsDebug: Bool

    /// The policy under which the platforms of `statement` pass if `key` signed it.
    public init(key: PublicKey, accepting statement: ReferenceStatement, expires: Timestamp) {
        self.key = key
        image = statement.image.name
        self.expires = expires
        profiles = statement.platforms.map { (name: $0.facts.name, digest: $0.profileDigest) }
        func names(_ isMeant: (PlatformFacts) -> Bool) -> [String] {
            statement.platforms.map(\.facts).filter(isMeant).map(\.name)
        }
        unprovenKernelBinding = names { $0.kernelBinding.state == .unproven }
        vtpmOnly = names { $0.technology == .vtpm }
        sourceOnlyOrigins = names { !$0.sourceOnlyRules.isEmpty }
        allowsDebug = statement.image.variant == ReferenceStatement.Image.debugVariant
    }

    /// The policy as YAML with its reasons in comments.
    public var text: String {
        let pem = key.pem.split(separator: "\n").map { "          \($0)" }.joined(separator: "\n")
        let skip = "a development build on one machine has none"
        var text = """
            # Trust policy of a DEVELOPMENT build. Its key was made on the spot and proves nothing to anyone else:
            # do not give this policy to a verifier that guards secrets.
            version: 1
            expires: \(expires)
            roles:
              development:
                threshold: 1
                predicates: ["\(ReferenceStatement.predicateType)"]
                images: ["\(image)"]
                channels: ["\(ReferenceStatement.Image.developmentChannel)"]
                keys:
                  - name: development
                    publicKey: |
            \(pem)
            channel: {skip: "\(skip): no channel statement"}
            log: {skip: "\(skip): no transparency log"}
            witnesses: {skip: "\(skip): no witnesses"}
            maximumAge: {skip: "\(skip): no signed time"}
            quorum: {skip: "\(skip): no independent rebuilders"}
            acceptedProfiles:

            """
        for profile in profiles { text += "  \"\(profile.name)\": \"\(profile.digest)\"\n" }
        text += "allow:\n  development: [\"\(image)\"]\n"
        if allowsDebug { text += "  # The console of this variant lets anyone in.\n  debug: [\"\(image)\"]\n" }
        text += Self.list(
            "unprovenKernelBinding", unprovenKernelBinding,
            "Nobody has proven that this firmware runs the measured kernel and nothing else.")
        text += Self.list(
            "vtpmOnly", vtpmOnly,
            "A virtual TPM is run by the host: against the host itself these values prove nothing.")
        text += Self.list(
            "sourceOnlyOrigins", sourceOnlyOrigins, "Some rules behind these values were only read in source.")
        return text
    }

    private static func list(_ key: String, _ names: [String], _ comment: String) -> String {
        guard !names.isEmpty else { return "" }
        return "  # \(comment)\n  \(key):\n" + names.map { "    - \"\($0)\"\n" }.joined()
    }
}
