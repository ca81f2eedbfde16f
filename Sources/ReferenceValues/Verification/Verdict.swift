private import Bytes
public import Documents
public import Hashing

/// The answer to `verify`: every check with its outcome, and the values if the answer is yes.
public struct Verdict: Sendable {
    /// Every check in the order it was made.
    public let checks: [Check]
    /// SHA-256 of the trust policy's file.
    public let policyDigest: Digest
    public let policyVersion: Int
    /// The time that the caller gave.
    public let time: Timestamp
    /// SHA-256 of the signed payload; nil if there was none to read.
    public let statementDigest: Digest?
    /// The statement as it was signed by a key of the policy; nil otherwise. It is worth nothing unless `isAccepted`.
    public let signedStatement: ReferenceStatement?
    private let ignored: Set<String>

    init(
        checks: [Check], policyDigest: Digest, policyVersion: Int, time: Timestamp, statementDigest: Digest?,
        signedStatement: ReferenceStatement?, ignored: Set<String>
    ) {
        self.checks = checks
        self.policyDigest = policyDigest
        self.policyVersion = policyVersion
        self.time = time
        self.statementDigest = statementDigest
        self.signedStatement = signedStatement
        self.ignored = ignored
    }

    /// Whether the policy accepts the bundle: every required check was made, and none failed.
    public var isAccepted: Bool {
        signedStatement != nil && !checks.contains { $0.answer == .failed }
            && Check.Kind.required.isSubset(of: checks.map(\.kind)) && !acceptedPlatformsIfAll.isEmpty
    }

    private var acceptedPlatformsIfAll: [Platform] {
        signedStatement?.platforms.filter { !ignored.contains($0.facts.name) } ?? []
    }

    /// The platforms whose value sets may be relied on: none unless the bundle is accepted.
    public var acceptedPlatforms: [Platform] { isAccepted ? acceptedPlatformsIfAll : [] }

    /// The checks that were waived, for whoever relies on the rest.
    public var waived: [Check] { checks.filter { $0.answer == .waived } }

    /// The verdict as a document.
    public var document: Value {
        let list = checks.map { check in
            var members: [(String, Value)] = [
                ("check", .string(check.kind.rawValue)), ("answer", .string(check.answer.rawValue)),
                ("detail", .string(check.detail)),
            ]
            if !check.subject.isEmpty { members.append(("subject", .string(check.subject))) }
            if let hint = check.hint { members.append(("hint", .string(hint))) }
            return Value.object(members)
        }
        var members: [(String, Value)] = [
            ("accepted", .bool(isAccepted)), ("checks", .array(of: list)),
            ("policySHA256", .string(policyDigest.hex)), ("policyVersion", .count(policyVersion)),
            ("time", .string(time.description)),
            ("waived", .array(of: waived.map { .string($0.kind.rawValue) })),
        ]
        if let statementDigest { members.append(("statementSHA256", .string(statementDigest.hex))) }
        if let image = signedStatement?.image {
            members.append(
                (
                    "image",
                    .object([
                        ("name", .string(image.name)), ("version", .string(image.version)),
                        ("variant", .string(image.variant)), ("channel", .string(image.channel)),
                    ])
                ))
        }
        members.append(
            (
                "platforms",
                .array(
                    of: acceptedPlatforms.map { platform in
                        .object([
                            ("name", .string(platform.facts.name)),
                            ("tee", .string(platform.facts.technology.rawValue)),
                            ("profileDigest", .string(platform.profileDigest.hex)),
                            ("valueSets", .count(platform.valueSets.count)),
                        ])
                    })
            ))
        return .object(members)
    }
}
