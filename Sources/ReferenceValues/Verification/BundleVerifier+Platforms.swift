private import Bytes
private import Documents
private import Hashing

extension BundleVerifier {
    /// What must be true of the image as a whole.
    func checkImage(_ statement: ReferenceStatement, _ checks: inout [Check]) {
        let image = statement.image
        if image.channel == ReferenceStatement.Image.developmentChannel {
            checks.append(
                allowed(
                    .development, image.name, policy.allow.development, "development",
                    "signed with a development key, which proves nothing about who made it"))
        } else {
            checks.append(Check(.development, .passed, "channel \(image.channel)"))
        }
        if image.variant == ReferenceStatement.Image.debugVariant {
            checks.append(
                allowed(.debug, image.name, policy.allow.debug, "debug", "a debug variant: its console lets people in"))
        } else {
            checks.append(Check(.debug, .passed, "variant \(image.variant)"))
        }
        switch statement.archiveChain {
        case .verified:
            checks.append(Check(.archiveChain, .passed, "the publisher followed every package to its signed index"))
        case .unverified:
            checks.append(
                Check(.archiveChain, .notChecked, "the publisher did not follow the packages to a signed index"))
        }
    }

    /// What must be true of one platform.
    func checkPlatform(
        _ platform: Platform, _ image: ReferenceStatement.Image, _ contents: BundleContents, _ checks: inout [Check]
    ) {
        let facts = platform.facts
        if let reason = policy.ignoredPlatforms[facts.name] {
            checks.append(Check(.ignoredPlatform, .waived, "left out: \(reason)", subject: facts.name))
            return
        }
        checks.append(acceptedProfile(platform))
        checks.append(profileDocument(platform, contents))
        checks.append(kernelBinding(facts))
        if facts.technology == .vtpm {
            checks.append(
                allowed(
                    .vtpmOnly, facts.name, policy.allow.vtpmOnly, "vtpmOnly",
                    "a virtual TPM is run by the host, against which it proves nothing"))
        } else {
            checks.append(Check(.vtpmOnly, .passed, facts.rootOfTrust, subject: facts.name))
        }
        let sourceOnly = facts.sourceOnlyRules
        if sourceOnly.isEmpty {
            checks.append(Check(.ruleOrigins, .passed, "no rule was only read in source", subject: facts.name))
        } else {
            checks.append(
                allowed(
                    .ruleOrigins, facts.name, policy.allow.sourceOnlyOrigins, "sourceOnlyOrigins",
                    "only read in source: \(sourceOnly.joined(separator: ", "))"))
        }
        checks.append(launchPolicy(facts, image))
    }

    /// A refusal that the policy lifts for what it names.
    private func allowed(
        _ kind: Check.Kind, _ name: String, _ list: [String], _ key: String, _ detail: String
    ) -> Check {
        list.contains(name)
            ? Check(kind, .waived, "\(detail); the policy allows it by name", subject: name)
            : Check(
                kind, .failed, detail, subject: name,
                hint: "refused unless the policy names '\(name)' under allow.\(key)")
    }

    private func acceptedProfile(_ platform: Platform) -> Check {
        let name = platform.facts.name
        switch policy.acceptedProfiles {
        case .waived(let reason): return Check(.acceptedProfile, .waived, reason, subject: name)
        case .demanded(let profiles):
            let found = "profile \(platform.profileDigest)"
            if profiles[name] == platform.profileDigest {
                return Check(.acceptedProfile, .passed, found, subject: name)
            }
            return Check(
                .acceptedProfile, .failed,
                found + (profiles[name].map { ", the policy accepts \($0)" } ?? ", which the policy does not name"),
                subject: name,
                hint: "read the profile, then name it under acceptedProfiles, or leave the platform out with "
                    + "ignoredPlatforms")
        }
    }

    /// The profile in the bundle is the one that the statement names, and says what the statement says of it.
    private func profileDocument(_ platform: Platform, _ contents: BundleContents) -> Check {
        let file = Bundle.profileName(platform.facts.name)
        guard let bytes = contents.kept[file] else {
            return Check(.profileDocument, .failed, "missing from the bundle, or damaged", subject: file)
        }
        let digest = Digest.of(bytes, .sha256)
        guard digest == platform.profileDigest else {
            return Check(
                .profileDocument, .failed, "found SHA-256 \(digest), the statement says \(platform.profileDigest)",
                subject: file)
        }
        do {
            let facts = try PlatformFacts(profile: CanonicalJSON.parse(bytes, source: file))
            guard facts == platform.facts else {
                return Check(
                    .profileDocument, .failed, "the statement says other things of the profile than the profile does",
                    subject: file)
            }
        } catch {
            return Check(.profileDocument, .failed, "\(error)", subject: file)
        }
        return Check(.profileDocument, .passed, "the statement repeats the profile faithfully", subject: file)
    }

    private func kernelBinding(_ facts: PlatformFacts) -> Check {
        let origin = facts.kernelBinding.origin
        switch facts.kernelBinding.state {
        case .proven: return Check(.kernelBinding, .passed, "proven: \(origin)", subject: facts.name)
        case .unproven:
            return allowed(
                .kernelBinding, facts.name, policy.allow.unprovenKernelBinding, "unprovenKernelBinding",
                "unproven, so the measured kernel may not be the one that runs: \(origin)")
        case .broken:
            return Check(
                .kernelBinding, .failed, "broken: \(origin)", subject: facts.name,
                hint: "no policy can allow this; use other firmware")
        }
    }

    /// Whether the launch policy in the conditions keeps the host's debugger out.
    private func launchPolicy(_ facts: PlatformFacts, _ image: ReferenceStatement.Image) -> Check {
        // SNP: POLICY.DEBUG is bit 19 (SEV-SNP firmware ABI, guest policy). TDX: TDATTRIBUTES.DEBUG is bit 0.
        let field: (name: String, bit: Int)
        switch facts.technology {
        case .snp: field = ("POLICY", 19)
        case .tdx: field = ("TDATTRIBUTES", 0)
        case .vtpm: return Check(.launchPolicy, .passed, "a vTPM has none", subject: facts.name)
        }
        guard let condition = facts.conditions.first(where: { $0.name == field.name }) else {
            return Check(.launchPolicy, .failed, "nothing is said about \(field.name)", subject: facts.name)
        }
        if condition.keepsClear(bit: field.bit) {
            return Check(.launchPolicy, .passed, "\(field.name) forbids debugging", subject: facts.name)
        }
        let detail = "\(field.name) does not forbid debugging, so the host may read the guest's memory"
        if policy.allow.debug.contains(image.name) {
            return Check(.launchPolicy, .waived, detail + "; the policy allows it by name", subject: facts.name)
        }
        return Check(
            .launchPolicy, .failed, detail, subject: facts.name,
            hint: "refused unless the policy names '\(image.name)' under allow.debug")
    }
}
