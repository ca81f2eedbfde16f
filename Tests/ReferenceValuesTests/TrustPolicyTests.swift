import Bytes
import Documents
import ReferenceValues
import Signing
import TestSupport
import Testing
import YAMLDocuments

@Suite("Trust policy")
struct TrustPolicyTests {
    @Test("reads roles, demands and waivers")
    func reads() throws {
        let keys = try (0..<3).map { _ in try PrivateKey.generate(.ed25519).publicKey }
        var text = PolicyText()
        text.roles = [("root", [keys[0]], 1), ("publisher", [keys[1], keys[2]], 2)]
        text.rest = "allow:\n  vtpmOnly: [a, b]\nignoredPlatforms:\n  old: no machine of ours\n"
        let policy = try text.policy()
        #expect(policy.version == 3)
        #expect(policy.roles[.publisher]?.threshold == 2)
        #expect(policy.roles[.publisher]?.keys.map(\.publicKey) == [keys[1], keys[2]])
        #expect(policy.waivers.count == 6)
        #expect(policy.allow.vtpmOnly == ["a", "b"])
        #expect(policy.ignoredPlatforms == ["old": "no machine of ours"])
    }

    @Test("one key in two roles, or twice in one, is an error")
    func keyInTwoRoles() throws {
        let keys = try (0..<2).map { _ in try PrivateKey.generate(.ed25519).publicKey }
        for roles in [
            [("root", [keys[0]], 1), ("publisher", [keys[1], keys[0]], 1)],
            [("publisher", [keys[0], keys[0]], 2)], [("publisher", [keys[0]], 1), ("development", [keys[0]], 1)],
        ] as [[(role: String, keys: [PublicKey], threshold: Int)]] {
            var text = PolicyText()
            text.roles = roles
            let error = #expect(throws: DocumentError.self) { try text.policy() }
            #expect(error?.problem.contains("one role a key") == true)
        }
    }

    @Test(
        "a demand that is left out, or waived without a reason, is an error that says how",
        arguments: ["channel", "log", "witnesses", "maximumAge", "quorum", "acceptedProfiles"])
    func missingDemand(name: String) throws {
        let key = try PrivateKey.generate(.ed25519).publicKey
        var text = PolicyText()
        text.roles = [("publisher", [key], 1)]
        text.demands.removeAll { $0.hasPrefix(name) }
        let missing = #expect(throws: DocumentError.self) { try text.policy() }
        #expect(missing?.path == name)
        #expect(missing?.hint?.contains("skip") == true)
        for value in [
            "{skip: \"\"}", "{skip: \" \"}", "{skip: }", "{}", "skip", "{skip: why, keys: [a]}", "{keys: []}",
        ] {
            var bad = text
            bad.demands.append("\(name): \(value)")
            #expect(throws: DocumentError.self, "\(value)") { try bad.policy() }
        }
    }

    @Test(
        "what does not fit is refused",
        arguments: [
            ("threshold: 1", "threshold: 0"), ("threshold: 1", "threshold: 2"), ("version: 3", "version: 0"),
            ("version: 3", "version: 3\nversion: 3"), ("version: 3", "Version: 3"), ("version: 3", "version: 3\nx: y"),
            ("2030-01-01T00:00:00Z", "2030-01-01"), ("channels: [stable]", "channels: []"),
            ("channels: [stable]", "channels: [stable, stable]"), ("channels: [stable]", "channels: [development]"),
            ("  publisher:", "  rebuilder:"), ("  publisher:", "  publishers:"), ("BEGIN PUBLIC", "BEGIN PRIVATE"),
        ])
    func malformed(from: String, to: String) throws {
        var text = PolicyText()
        text.roles = [("publisher", [try PrivateKey.generate(.ed25519).publicKey], 1)]
        _ = try text.policy()
        let changed = text.text.replacing(from, with: to)
        #expect(throws: DocumentError.self) {
            try TrustPolicy(YAMLReader.parse(Array(changed.utf8), source: "trust.yaml"))
        }
    }

    @Test("development keys are for the development channel alone")
    func developmentRole() throws {
        var text = PolicyText()
        text.roles = [("development", [try PrivateKey.generate(.ed25519).publicKey], 1)]
        _ = try text.policy()
        text.channels["development"] = "stable"
        #expect(throws: DocumentError.self) { try text.policy() }
    }

    @Test("the policy made for a development build accepts that build, and says what it waives")
    func developmentPolicy() throws {
        let key = try PrivateKey.generate(.p384)
        var sample = Sample()
        sample.image.channel = "development"
        sample.snpProfile = Sample.profile(
            "snp-test", "snp", binding: "unproven", confidence: "read-in-source", conditions: Sample.snpConditions())
        let folder = try TemporaryFolder()
        let bundle = try sample.write(into: folder, signedBy: [key])
        let expires = try #require(Timestamp("2027-01-01T00:00:00Z"))
        let text = DevelopmentPolicy(key: key.publicKey, accepting: try sample.statement(), expires: expires).text
        #expect(text.contains("unprovenKernelBinding:\n    - \"snp-test\"\n"))
        let policy = try TrustPolicy(YAMLReader.parse(Array(text.utf8), source: "trust.yaml"))
        let time = try #require(Timestamp("2026-09-01T00:00:00Z"))
        let verdict = BundleVerifier(policy: policy, policyDigest: Sample.digest(text, .sha256), time: time)
            .verify(try .folder(bundle))
        #expect(verdict.failures == [])
        #expect(verdict.isAccepted)
        let waived = Set(verdict.waived.map(\.kind))
        #expect(waived.isSuperset(of: [.development, .kernelBinding, .ruleOrigins, .log, .quorum]))
    }
}
