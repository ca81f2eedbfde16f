public import Hashing

/// What a verifier trusts: `trust.yaml`. It never comes from a bundle.
public struct TrustPolicy: Hashable, Sendable {
    /// Rises by one with every change.
    public var version: Int
    /// From then on the policy accepts nothing.
    public var expires: Timestamp
    public var roles: [Role: RoleGrant]
    /// The channel statement that must be there, with the lowest version of the channel.
    public var channel: Demand<Int>
    /// Keys of transparency logs of which one must hold the statement.
    public var log: Demand<[String]>
    /// Witnesses that must have cosigned the log's checkpoint.
    public var witnesses: Demand<Witnesses>
    /// Greatest age of the youngest signed time, in seconds.
    public var maximumAge: Demand<Int>
    /// Number of distinct operators whose rebuilds must agree.
    public var quorum: Demand<Int>
    /// Profile name and digest; a platform with another profile is refused.
    public var acceptedProfiles: Demand<[String: Digest]>
    public var allow: Allowances
    /// Profiles whose value sets are left out, with the reason; they are not judged and not given out.
    public var ignoredPlatforms: [String: String]

    /// Something that the policy demands, or waives with a reason that every verdict repeats.
    public enum Demand<Wanted: Hashable & Sendable>: Hashable, Sendable {
        case demanded(Wanted)
        case waived(reason: String)
    }

    /// Witnesses' keys, and how many of them must have cosigned.
    public struct Witnesses: Hashable, Sendable {
        public var keys: [String]
        public var threshold: Int
    }

    /// What is refused unless it is named here.
    public struct Allowances: Hashable, Sendable {
        /// Images whose development channel counts.
        public var development: [String] = []
        /// Images whose debug variant, or whose debuggable launch policy, counts.
        public var debug: [String] = []
        /// Profiles that rest on a vTPM alone.
        public var vtpmOnly: [String] = []
        /// Profiles whose firmware was not proven to run the measured kernel alone.
        public var unprovenKernelBinding: [String] = []
        /// Profiles with rules that were only read in source.
        public var sourceOnlyOrigins: [String] = []

        public init() {}
    }

    /// What was waived, by the member's name, in the policy's order.
    public var waivers: [(name: String, reason: String)] {
        var result: [(name: String, reason: String)] = []
        func add<Wanted>(_ name: String, _ demand: Demand<Wanted>) {
            if case .waived(let reason) = demand { result.append((name, reason)) }
        }
        add("channel", channel)
        add("log", log)
        add("witnesses", witnesses)
        add("maximumAge", maximumAge)
        add("quorum", quorum)
        add("acceptedProfiles", acceptedProfiles)
        return result
    }
}
