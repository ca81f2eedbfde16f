/// One question that a verification asks, and its answer.
public struct Check: Hashable, Sendable {
    /// What is asked. A bundle is accepted only if each of `Kind.required` was asked and none was answered with no.
    public enum Kind: String, Sendable, CaseIterable {
        case policyPin = "policy-pin"
        case policyExpiry = "policy-expiry"
        case manifest, files
        case payloadType = "payload-type"
        case signatures, statement
        case bundleName = "bundle-name"
        case inputs, traces, artifacts
        case strayFiles = "stray-files"
        case development, debug
        case archiveChain = "archive-chain"
        case channel, log, witnesses
        case maximumAge = "maximum-age"
        case quorum
        case acceptedProfile = "accepted-profile"
        case profileDocument = "profile-document"
        case kernelBinding = "kernel-binding"
        case vtpmOnly = "vtpm-only"
        case ruleOrigins = "rule-origins"
        case launchPolicy = "launch-policy"
        case ignoredPlatform = "ignored-platform"

        static let required: Set<Kind> = [
            .policyPin, .policyExpiry, .manifest, .files, .payloadType, .signatures, .statement, .bundleName, .inputs,
            .traces, .artifacts, .strayFiles, .development, .debug, .archiveChain, .channel, .log, .witnesses,
            .maximumAge, .quorum, .acceptedProfile, .profileDocument, .kernelBinding, .vtpmOnly, .ruleOrigins,
            .launchPolicy,
        ]
    }

    public enum Answer: String, Sendable, CaseIterable {
        case passed, failed
        /// Not asked, because the policy says so with a reason, or passed only because the policy names it.
        case waived
        /// Could not be asked of this bundle; says why, and is no acceptance.
        case notChecked = "not-checked"
    }

    public var kind: Kind
    /// What it was asked of: a file, a profile, a role; empty for the bundle as a whole.
    public var subject: String
    public var answer: Answer
    /// What was found, in words.
    public var detail: String
    /// What to do about a no.
    public var hint: String?

    init(_ kind: Kind, _ answer: Answer, _ detail: String, subject: String = "", hint: String? = nil) {
        self.kind = kind
        self.subject = subject
        self.answer = answer
        self.detail = detail
        self.hint = hint
    }
}
