private import Bytes
public import Documents

/// The technology that launches a guest and reports on it.
public enum Technology: String, Sendable, CaseIterable, Hashable {
    case snp, tdx, vtpm
}

/// What a platform profile says about itself as far as whoever relies on its values must know it.
///
/// A statement repeats it from the profile, and `verify` holds one against the other.
public struct PlatformFacts: Hashable, Sendable {
    /// Name of the profile.
    public var name: String
    public var technology: Technology
    /// What must be trusted for the values to mean anything.
    public var rootOfTrust: String
    public var kernelBinding: KernelBinding
    /// Parts of the guest's start that no register covers.
    public var notCovered: [String]
    /// What must be true around the registers for a value set to apply.
    public var conditions: [Condition]
    /// How sure each rule of the profile is.
    public var rules: [Rule]

    /// Whether the firmware runs the kernel that it measured and nothing else (design, §6.8).
    public struct KernelBinding: Hashable, Sendable {
        public enum State: String, Sendable, CaseIterable { case proven, unproven, broken }
        public var state: State
        /// How that is known.
        public var origin: String

        public init(state: State, origin: String) {
            self.state = state
            self.origin = origin
        }
    }

    /// One rule of a profile by its name.
    public struct Rule: Hashable, Sendable {
        /// How a rule was learnt (design, §8.6), best first.
        public enum Confidence: String, Sendable, CaseIterable {
            case seenOnFirmware = "seen-on-firmware"
            case seenInQuote = "seen-in-quote"
            case severalPrograms = "several-programs"
            case readInSource = "read-in-source"
        }
        public var name: String
        public var confidence: Confidence

        public init(name: String, confidence: Confidence) {
            self.name = name
            self.confidence = confidence
        }
    }

    /// The rules that were only read in source.
    public var sourceOnlyRules: [String] { rules.filter { $0.confidence == .readInSource }.map(\.name) }

    /// The facts in a profile's document; its other members are of no concern here.
    public init(profile: Node) throws(DocumentError) {
        var decoder = try ObjectDecoder(profile)
        try self.init(&decoder)
    }

    /// Reads the members; the caller reads the rest of the object.
    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        name = try decoder.word("name")
        technology = try decoder.choice("tee")
        rootOfTrust = try decoder.string("rootOfTrust")
        var binding = try decoder.object("kernelBinding")
        kernelBinding = KernelBinding(state: try binding.choice("state"), origin: try binding.string("origin"))
        try binding.finish()
        notCovered = try decoder.strings("notCovered")
        conditions = []
        for (node, path) in try decoder.list("conditions") {
            var inner = try ObjectDecoder(node, path: path)
            let condition = try Condition(&inner)
            guard !conditions.contains(where: { $0.name == condition.name }) else {
                throw inner.error("name", "the condition '\(condition.name)' is given twice")
            }
            conditions.append(condition)
        }
        rules = []
        for (node, path) in try decoder.list("rules") {
            var inner = try ObjectDecoder(node, path: path)
            rules.append(Rule(name: try inner.string("name"), confidence: try inner.choice("confidence")))
        }
    }

    /// The members as a statement writes them.
    var members: [(String, Value)] {
        [
            ("name", .string(name)), ("tee", .string(technology.rawValue)), ("rootOfTrust", .string(rootOfTrust)),
            (
                "kernelBinding",
                .object([
                    ("state", .string(kernelBinding.state.rawValue)), ("origin", .string(kernelBinding.origin)),
                ])
            ),
            ("notCovered", .array(of: notCovered.map { .string($0) })),
            ("conditions", .array(of: conditions.map(\.document))),
            (
                "rules",
                .array(
                    of: rules.map { rule in
                        .object([("name", .string(rule.name)), ("confidence", .string(rule.confidence.rawValue))])
                    })
            ),
        ]
    }
}
