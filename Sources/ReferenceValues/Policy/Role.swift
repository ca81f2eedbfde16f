public import Signing

/// What a key may speak for (design, §6.3).
public enum Role: String, Sendable, CaseIterable, Hashable {
    case root, publisher, channel, rebuilder, op = "operator", development

    /// Whether the role is granted for statements, so that a grant must say for which.
    var isScoped: Bool { self != .root }
}

/// The keys of one role, how many of them must sign, and for what they count.
public struct RoleGrant: Hashable, Sendable {
    public var keys: [TrustedKey]
    /// Number of distinct keys that must sign.
    public var threshold: Int
    /// Predicate types, image names and channels for which the keys count; never wildcards.
    public var predicates, images, channels: [String]

    /// A public key with the policy's name for it.
    public struct TrustedKey: Hashable, Sendable {
        public var name: String
        public var publicKey: PublicKey
        /// Who runs a rebuilder; distinct operators are counted.
        public var operatorLabel: String?
    }

    /// Whether the grant covers a statement.
    func covers(predicate: String, image: String, channel: String) -> Bool {
        predicates.contains(predicate) && images.contains(image) && channels.contains(channel)
    }
}
