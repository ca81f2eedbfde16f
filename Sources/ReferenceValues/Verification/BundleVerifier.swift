private import Bytes
private import Documents
public import Hashing
private import Signing

/// Checks bundles against a trust policy, offline. What it knows of the time is what it is given.
public struct BundleVerifier: Sendable {
    public var policy: TrustPolicy
    /// SHA-256 of the policy's file.
    public var policyDigest: Digest
    /// The SHA-256 that the caller expects of the policy's file; nil if it does not say.
    public var pinnedPolicyDigest: Digest?
    /// Now, as the caller knows it.
    public var time: Timestamp

    public init(policy: TrustPolicy, policyDigest: Digest, pinnedPolicyDigest: Digest? = nil, time: Timestamp) {
        self.policy = policy
        self.policyDigest = policyDigest
        self.pinnedPolicyDigest = pinnedPolicyDigest
        self.time = time
    }

    /// Makes every check that can be made and gives all answers. Nothing a bundle holds makes it throw.
    public func verify(_ source: BundleSource) -> Verdict {
        var checks: [Check] = []
        checkPolicy(&checks)
        let contents = BundleContents(source, checks: &checks)
        var statementDigest: Digest?
        var statement: ReferenceStatement?
        if let envelope = envelope(contents, &checks) {
            statementDigest = .of(envelope.payload, .sha256)
            statement = signedStatement(envelope, &checks)
        }
        checkDemands(&checks)
        if let statement {
            checkContents(statement, source, contents, &checks)
            checkImage(statement, &checks)
            for platform in statement.platforms { checkPlatform(platform, statement.image, contents, &checks) }
        }
        return Verdict(
            checks: checks, policyDigest: policyDigest, policyVersion: policy.version, time: time,
            statementDigest: statementDigest, signedStatement: statement,
            ignored: Set(policy.ignoredPlatforms.keys))
    }

    private func checkPolicy(_ checks: inout [Check]) {
        if let pinnedPolicyDigest {
            let isRight = pinnedPolicyDigest == policyDigest
            checks.append(
                Check(
                    .policyPin, isRight ? .passed : .failed,
                    "the policy's SHA-256 is \(policyDigest)" + (isRight ? "" : ", expected \(pinnedPolicyDigest)"),
                    hint: isRight ? nil : "this is not the policy that you meant to trust"))
        } else {
            checks.append(
                Check(
                    .policyPin, .notChecked, "the policy's SHA-256 is \(policyDigest); nobody said what it should be",
                    hint: "pin it with --trust-sha256"))
        }
        let isCurrent = time < policy.expires
        checks.append(
            Check(
                .policyExpiry, isCurrent ? .passed : .failed,
                "the policy \(isCurrent ? "expires" : "expired") at \(policy.expires), the time given is \(time)",
                hint: isCurrent ? nil : "get the next version of the policy from its owner"))
    }

    private func envelope(_ contents: BundleContents, _ checks: inout [Check]) -> Envelope? {
        let name = BundleManifest.envelopeName
        guard let bytes = contents.kept[name] else {
            checks.append(Check(.signatures, .failed, "the bundle has no intact envelope", subject: name))
            return nil
        }
        do {
            let envelope = try Envelope(parsing: bytes, source: name)
            let isRight = envelope.payloadType == Envelope.statementType
            checks.append(
                Check(
                    .payloadType, isRight ? .passed : .failed,
                    "found \(envelope.payloadType)" + (isRight ? "" : ", expected \(Envelope.statementType)"),
                    subject: name))
            return isRight ? envelope : nil
        } catch {
            checks.append(Check(.signatures, .failed, "\(error)", subject: name))
            return nil
        }
    }

    /// The statement, if a key that may sign values signed it. Bytes that nobody trusted signed are not even parsed.
    private func signedStatement(_ envelope: Envelope, _ checks: inout [Check]) -> ReferenceStatement? {
        let signers = Role.allCases.reduce(into: [Role: [RoleGrant.TrustedKey]]()) { result, role in
            let keys = policy.roles[role]?.keys ?? []
            let valid = Set(envelope.signers(among: keys.map(\.publicKey)))
            result[role] = keys.filter { valid.contains($0.publicKey) }
        }
        let total = envelope.signatures.count
        guard signers[.publisher]?.isEmpty == false || signers[.development]?.isEmpty == false else {
            let others = signers.filter { !$0.value.isEmpty }.keys.map(\.rawValue).sorted().joined(separator: ", ")
            let detail =
                others.isEmpty
                ? "none of the \(total) signatures is by a key of the policy"
                : "signed by keys of the role \(others), which may not sign values"
            checks.append(
                Check(
                    .signatures, .failed, detail,
                    hint: "the payload was changed, or it was signed by someone the policy does not know"))
            return nil
        }
        let statement: ReferenceStatement
        do {
            statement = try ReferenceStatement(parsing: envelope.payload, source: "payload")
        } catch {
            checks.append(Check(.statement, .failed, "\(error)", hint: error.hint))
            return nil
        }
        let sets = statement.platforms.reduce(0) { $0 + $1.valueSets.count }
        checks.append(
            Check(
                .statement, .passed,
                "canonical, complete, \(sets) value sets for \(statement.platforms.count) platforms"))
        checks.append(threshold(statement, signers))
        return statement
    }

    private func threshold(_ statement: ReferenceStatement, _ signers: [Role: [RoleGrant.TrustedKey]]) -> Check {
        let image = statement.image
        let isDevelopment = image.channel == ReferenceStatement.Image.developmentChannel
        let role: Role = isDevelopment ? .development : .publisher
        guard let grant = policy.roles[role] else {
            return Check(
                .signatures, .failed, "the channel '\(image.channel)' needs the role \(role.rawValue), which nobody has"
            )
        }
        guard
            grant.covers(
                predicate: ReferenceStatement.predicateType, image: image.name, channel: image.channel)
        else {
            return Check(
                .signatures, .failed,
                "the role \(role.rawValue) is not granted for \(ReferenceStatement.predicateType) of the image "
                    + "'\(image.name)' on the channel '\(image.channel)'",
                subject: role.rawValue)
        }
        let names = (signers[role] ?? []).map(\.name)
        let found = "\(names.count) of \(grant.threshold) distinct keys: \(names.joined(separator: ", "))"
        return Check(
            .signatures, names.count >= grant.threshold ? .passed : .failed, found, subject: role.rawValue,
            hint: names.count >= grant.threshold ? nil : "a key counts once, however often it signed")
    }

    /// Demands that this form of bundle cannot meet: they are waived by the policy or they fail.
    private func checkDemands(_ checks: inout [Check]) {
        func demand<Wanted>(_ kind: Check.Kind, _ demand: TrustPolicy.Demand<Wanted>, _ missing: String) {
            switch demand {
            case .waived(let reason): checks.append(Check(kind, .waived, reason))
            case .demanded:
                checks.append(
                    Check(
                        kind, .failed, "the policy demands \(missing), and this bundle holds none",
                        hint: "ask the publisher for it; waiving it with 'skip' is the policy owner's decision"))
            }
        }
        demand(.channel, policy.channel, "a channel statement")
        demand(.log, policy.log, "a proof from a transparency log")
        demand(.witnesses, policy.witnesses, "witnesses' cosignatures")
        demand(.maximumAge, policy.maximumAge, "a signed time")
        demand(.quorum, policy.quorum, "rebuilders' statements")
    }
}
