import Bytes
import Documents
import Files
import Hashing
import ReferenceValues
import Signing
import TestSupport
import Testing

@Suite("Verification of a bundle")
struct VerifierTests {
    let one: PrivateKey
    let two: PrivateKey
    let folder: TemporaryFolder

    init() throws {
        one = try PrivateKey.generate(.p384)
        two = try PrivateKey.generate(.ed25519)
        folder = try TemporaryFolder()
    }

    func policy(_ threshold: Int = 1) -> PolicyText {
        var text = PolicyText()
        text.roles = [("publisher", [one.publicKey, two.publicKey], threshold)]
        return text
    }

    func verdict(
        _ sample: Sample = Sample(), _ policy: PolicyText? = nil, signedBy keys: [PrivateKey]? = nil,
        at time: String = "2026-09-01T00:00:00Z"
    ) throws -> Verdict {
        let path = try sample.write(into: folder, signedBy: keys ?? [one])
        return try (policy ?? self.policy()).verifier(at: time).verify(.folder(path))
    }

    @Test("a sound bundle is accepted, and every check is there")
    func accepted() throws {
        let verdict = try verdict(signedBy: [one, two])
        #expect(verdict.failures == [])
        #expect(verdict.isAccepted)
        #expect(verdict.acceptedPlatforms.count == 2)
        #expect(verdict.answers(.signatures) == [.passed])
        #expect(verdict.answers(.policyPin) == [.notChecked])
        #expect(verdict.waived.count == 5 + 2)
        #expect(verdict.document["accepted"] == .bool(true))
    }

    @Test("two keys are needed where the policy says two; one key twice is one")
    func threshold() throws {
        #expect(try verdict(Sample(), policy(2), signedBy: [one, two]).isAccepted)
        let path = try Sample().write(into: folder, signedBy: [one])
        try edit(path) { envelope in
            try envelope.sign(with: one)
            envelope.signatures[0].keyID = two.publicKey.id
            try envelope.sign(with: one)
        }
        let verdict = try policy(2).verifier().verify(.folder(path))
        #expect(verdict.failures == ["signatures publisher"])
        #expect(!verdict.isAccepted)
        #expect(verdict.acceptedPlatforms.isEmpty)
    }

    @Test("a signature by nobody known is refused before the payload is parsed")
    func unknownKey() throws {
        let verdict = try verdict(signedBy: [try PrivateKey.generate(.p256)])
        #expect(verdict.failures == ["signatures "])
        #expect(verdict.signedStatement == nil)
    }

    @Test("keys of other roles do not count")
    func wrongRole() throws {
        let other = try PrivateKey.generate(.ed25519)
        for role in ["root", "channel", "rebuilder", "operator"] {
            var text = policy()
            text.roles.append((role, [other.publicKey], 1))
            let verdict = try verdict(Sample(), text, signedBy: [other])
            #expect(verdict.failures == ["signatures "], "\(role)")
            #expect(verdict.checks.contains { $0.detail.contains("role \(role)") })
        }
        var text = policy()
        text.roles.append(("development", [other.publicKey], 1))
        #expect(try verdict(Sample(), text, signedBy: [other]).failures == ["signatures publisher"])
    }

    @Test("a role counts for the images, channels and predicates it was granted for")
    func scope() throws {
        var text = policy()
        text.images = "other"
        #expect(try verdict(Sample(), text).failures == ["signatures publisher"])
        text = policy()
        text.channels["publisher"] = "beta"
        #expect(try verdict(Sample(), text).failures == ["signatures publisher"])
        text = policy()
        text.predicates = "tag:assay,2026:other/v1"
        #expect(try verdict(Sample(), text).failures == ["signatures publisher"])
    }

    @Test("the development channel needs a development key and the policy's word")
    func development() throws {
        var sample = Sample()
        sample.image.channel = "development"
        let failures = try verdict(sample).failures
        #expect(failures == ["signatures ", "development tiny"])
        let key = try PrivateKey.generate(.p256)
        var text = PolicyText()
        text.roles = [("development", [key.publicKey], 1)]
        #expect(try verdict(sample, text, signedBy: [key]).failures == ["development tiny"])
        text.rest = "allow: {development: [tiny]}\n"
        let verdict = try verdict(sample, text, signedBy: [key])
        #expect(verdict.isAccepted)
        #expect(verdict.answers(.development) == [.waived])
    }

    @Test("the debug variant is refused unless the policy names the image")
    func debugVariant() throws {
        var sample = Sample()
        sample.image.variant = "debug"
        #expect(try verdict(sample).failures == ["debug tiny"])
        var text = policy()
        text.rest = "allow: {debug: [tiny]}\n"
        #expect(try verdict(sample, text).isAccepted)
    }

    @Test(
        "a launch policy that lets the host debug is refused",
        arguments: ["0xb0000", "0x80000", "720896", "nonsense", "0000080000000000"])
    func debugPolicy(value: String) throws {
        var sample = Sample()
        sample.snpProfile = Sample.profile("snp-test", "snp", conditions: Sample.snpConditions(policy: value))
        #expect(try verdict(sample).failures == ["launch-policy snp-test"])
    }

    @Test("kernel binding: unproven is denied unless the profile is named, broken always")
    func kernelBinding() throws {
        var sample = Sample()
        var text = policy()
        sample.snpProfile = Sample.profile("snp-test", "snp", binding: "unproven", conditions: Sample.snpConditions())
        #expect(try verdict(sample).failures == ["kernel-binding snp-test"])
        text.rest = "allow: {unprovenKernelBinding: [tdx-test]}\n"
        #expect(try verdict(sample, text).failures == ["kernel-binding snp-test"])
        text.rest = "allow: {unprovenKernelBinding: [snp-test]}\n"
        let verdict = try verdict(sample, text)
        #expect(verdict.isAccepted)
        #expect(verdict.answers(.kernelBinding) == [.waived, .passed])
        sample.snpProfile = Sample.profile("snp-test", "snp", binding: "broken", conditions: Sample.snpConditions())
        #expect(try self.verdict(sample, text).failures == ["kernel-binding snp-test"])
    }

    @Test("rules that were only read in source are denied unless the profile is named")
    func sourceOnly() throws {
        var sample = Sample()
        sample.snpProfile = Sample.profile(
            "snp-test", "snp", confidence: "read-in-source", conditions: Sample.snpConditions())
        #expect(try verdict(sample).failures == ["rule-origins snp-test"])
        var text = policy()
        text.rest = "allow: {sourceOnlyOrigins: [snp-test]}\n"
        #expect(try verdict(sample, text).isAccepted)
    }

    @Test("profiles are accepted by digest; another digest or no entry is a no")
    func acceptedProfiles() throws {
        let statement = try Sample().statement()
        var text = policy()
        let all = statement.platforms.map { "  \($0.facts.name): \($0.profileDigest)\n" }
        text.demands.removeLast()
        text.demands.append("acceptedProfiles:\n" + all.joined())
        #expect(try verdict(Sample(), text).isAccepted)
        text.demands.removeLast()
        text.demands.append("acceptedProfiles:\n" + all[0])
        #expect(try verdict(Sample(), text).failures == ["accepted-profile tdx-test"])
        text.demands.removeLast()
        text.demands.append("acceptedProfiles:\n" + all[0] + "  tdx-test: \(Sample.digest("other", .sha256))\n")
        #expect(try verdict(Sample(), text).failures == ["accepted-profile tdx-test"])
        text.rest = "ignoredPlatforms: {tdx-test: no such machines here}\n"
        let ignoring = try verdict(Sample(), text)
        #expect(ignoring.isAccepted)
        #expect(ignoring.acceptedPlatforms.map(\.facts.name) == ["snp-test"])
        text.rest = "ignoredPlatforms: {tdx-test: none here, snp-test: none here}\n"
        #expect(try !verdict(Sample(), text).isAccepted)
    }

    @Test("the statement must repeat the profile")
    func lyingStatement() throws {
        let sample = Sample()
        var honest = sample
        honest.snpProfile = Sample.profile("snp-test", "snp", binding: "unproven", conditions: Sample.snpConditions())
        // The facts say proven, the digest is that of the profile that says unproven.
        let facts = try PlatformFacts(profile: Node(sample.snpProfile))
        let good = try honest.statement()
        let lie = try ReferenceStatement(
            image: good.image, subjects: good.subjects, inputs: good.inputs, formatRevisions: good.formatRevisions,
            archiveChain: good.archiveChain,
            platforms: [
                Platform(
                    facts: facts, profileDigest: good.platforms[0].profileDigest, valueSets: good.platforms[0].valueSets
                ),
                good.platforms[1],
            ])
        let path = try honest.bundle(lie).write(into: folder.path, signedBy: [one])
        let verdict = try policy().verifier().verify(.folder(path))
        #expect(verdict.failures == ["profile-document profiles/snp-test.json"])
    }

    @Test("a trace must arrive at the values of the sets that name it")
    func traceOutcome() throws {
        let sample = Sample()
        let good = try sample.statement()
        var sets = good.platforms[0].valueSets
        let first = sets[0].trace
        sets[0].trace = sets[1].trace
        sets[1].trace = first
        let swapped = try ReferenceStatement(
            image: good.image, subjects: good.subjects, inputs: good.inputs, formatRevisions: good.formatRevisions,
            archiveChain: good.archiveChain,
            platforms: [Platform(profile: sample.snpProfile, valueSets: sets), good.platforms[1]])
        let path = try sample.bundle(swapped).write(into: folder.path, signedBy: [one])
        let verdict = try policy().verifier().verify(.folder(path))
        #expect(verdict.failures == ["traces snp-test vcpus=1 model=Milan", "traces snp-test vcpus=2 model=Milan"])
        #expect(verdict.checks.contains { $0.detail.contains("does not arrive at LAUNCH_DIGEST") })
    }

    @Test("an expired policy accepts nothing, from the second of its expiry on")
    func expired() throws {
        #expect(try verdict(at: "2029-12-31T23:59:59Z").isAccepted)
        #expect(try verdict(at: "2030-01-01T00:00:00Z").failures == ["policy-expiry "])
    }

    @Test("a pinned policy digest must be the policy's")
    func pin() throws {
        let path = try Sample().write(into: folder, signedBy: [one])
        var verifier = try policy().verifier()
        verifier.pinnedPolicyDigest = verifier.policyDigest
        #expect(try verifier.verify(.folder(path)).answers(.policyPin) == [.passed])
        verifier.pinnedPolicyDigest = Sample.digest("other", .sha256)
        #expect(try verifier.verify(.folder(path)).failures == ["policy-pin "])
    }

    @Test(
        "what the policy demands and the bundle cannot show is a no, not a skip",
        arguments: [
            ("channel", "{minimumVersion: 1}"), ("log", "{keys: [a]}"), ("witnesses", "{keys: [a], threshold: 1}"),
            ("maximumAge", "{seconds: 600}"), ("quorum", "{operators: 2}"),
        ])
    func demands(name: String, value: String) throws {
        var text = policy()
        text.demands = text.demands.map { $0.hasPrefix(name + ":") ? "\(name): \(value)" : $0 }
        let verdict = try verdict(Sample(), text)
        #expect(verdict.failures.count == 1)
        #expect(!verdict.isAccepted)
    }

    /// Rewrites the envelope of a bundle, and the manifest with it.
    func edit(_ path: String, _ change: (inout Envelope) throws -> Void) throws {
        let name = BundleManifest.envelopeName
        var envelope = try Envelope(parsing: InputFile.contents(of: "\(path)/\(name)"), source: name)
        try change(&envelope)
        let bytes = try envelope.encoded()
        try OutputFile.write(bytes, to: "\(path)/\(name)")
        try rewriteManifest(path)
    }

    /// Makes the manifest fit the files that are there.
    func rewriteManifest(_ path: String) throws {
        let files = try FileSystem.filesBelow(path).filter { $0 != BundleManifest.fileName }.map { name in
            let bytes = try InputFile.contents(of: "\(path)/\(name)")
            return BundleManifest.File(name: name, size: bytes.count, sha256: .of(bytes, .sha256))
        }
        let manifest = try BundleManifest(image: "tiny", version: "1.0", files: files)
        try OutputFile.write(manifest.encoded(), to: "\(path)/\(BundleManifest.fileName)")
    }

    @Test("a wrong payload type is refused whoever signed it")
    func payloadType() throws {
        let path = try Sample().write(into: folder, signedBy: [one])
        try edit(path) { envelope in
            envelope.payloadType = "application/json"
            try envelope.sign(with: one)
        }
        #expect(try policy().verifier().verify(.folder(path)).failures == ["payload-type reference.dsse.json"])
    }

    @Test("a signed statement that is not canonical, or not ours, is refused")
    func signedNonsense() throws {
        for payload in ["{}", " {}", "null", #"{"_type":"https://in-toto.io/Statement/v1"}"#] {
            let path = try Sample().write(into: folder, signedBy: [one])
            try edit(path) { envelope in
                envelope.payload = Array(payload.utf8)
                try envelope.sign(with: one)
            }
            let verdict = try policy().verifier().verify(.folder(path))
            #expect(verdict.failures == ["statement "], "\(payload)")
        }
    }
}
