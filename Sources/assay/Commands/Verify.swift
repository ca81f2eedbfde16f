import ArgumentParser
import Bytes
import Documents
import Glibc
import Hashing
import ReferenceValues

/// `assay verify`: a bundle against a trust policy, offline.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a bundle of reference values against a trust policy, offline.",
        discussion: """
            Every check is made and printed, also after one has failed: signatures by distinct keys against thresholds and \
            roles, every digest, the form of the statement, and what the policy demands of image and platforms. What the \
            policy waives is listed with its reason. Exit code 0 means yes, 1 means no.
            """)

    @Argument(help: "Folder of the bundle (NAME-VERSION.assay).")
    var bundle: String

    @Option(help: "The trust policy (YAML). It never comes from the bundle.")
    var trust: String

    @Option(help: "SHA-256 that the trust policy's file must have.")
    var trustSha256: String?

    @Option(help: "Time to judge by, e.g. 2026-08-31T12:00:00Z; by default this machine's clock.")
    var at: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let file = try TrustPolicyFile(trust)
        let verifier = BundleVerifier(
            policy: file.policy, policyDigest: file.digest, pinnedPolicyDigest: try pin(), time: try time())
        let verdict = verifier.verify(try .folder(bundle))
        if json {
            print(ReadableJSON.encode(verdict.document), terminator: "")
        } else {
            print(VerdictText(verdict, bundle: bundle, policy: trust).text, terminator: "")
        }
        if !verdict.isAccepted { throw ExitCode(Outcome.no.rawValue) }
    }

    private func pin() throws -> Digest? {
        guard let trustSha256 else { return nil }
        guard let digest = Digest(.sha256, hex: trustSha256) else {
            throw CommandFailure("--trust-sha256: found '\(trustSha256)', expected 64 hex digits")
        }
        return digest
    }

    private func time() throws -> Timestamp {
        guard let at else { return .now }
        guard let time = Timestamp(at) else {
            throw CommandFailure("--at: found '\(at)', expected a UTC time like 2026-08-31T12:00:00Z")
        }
        return time
    }
}

extension Timestamp {
    /// This machine's clock.
    static var now: Timestamp { Timestamp(seconds: Int64(Glibc.time(nil))) }
}
