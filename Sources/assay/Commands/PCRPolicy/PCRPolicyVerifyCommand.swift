import ArgumentParser
import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
import Signing

/// `assay pcr-policy verify`.
struct PCRPolicyVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check signed PCR policies against an image and a key.",
        discussion: """
            Every entry must be signed by the key and be the policy of PCR 11 after one of the phases, and there must be one. \\
            Without --signatures they are those in the image's section .pcrsig; without --public-key the key is the \\
            image's own, in .pcrpkey, which proves only that the image is in agreement with itself.
            """)
    @OptionGroup var options: PCRPolicyOptions
    @Option(help: ArgumentHelp("The signatures, as systemd reads them.", valueName: "file"))
    var signatures: String?
    @Option(name: .customLong("public-key"), help: ArgumentHelp("The RSA public key, PEM or DER.", valueName: "file"))
    var publicKey: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Finding {
        var bank: HashAlgorithm
        var entry: PCRSignatures.Entry
        var isSigned: Bool
        /// The phases whose policy it is.
        var phases: BootPhases?
        var isAccepted: Bool { isSigned && phases != nil }
    }

    func run() throws {
        let signed = try read()
        let key = try readKey()
        let banks = signed.banks.map(\.algorithm)
        let registers = banks.isEmpty ? [] : try options.registers(banks)
        let phases = try options.phases(extending: true)
        let findings = try signed.banks.flatMap { bank in
            let value = try [PCRPolicy.Bank].bank(bank.algorithm, [11], of: registers)
            return try bank.entries.map { entry in
                Finding(
                    bank: bank.algorithm, entry: entry, isSigned: entry.isSigned(by: key, bank: bank.algorithm),
                    phases: entry.registers == [11]
                        ? try phases.first { try PCRPolicy([value.after($0)]).digest() == entry.policy } : nil)
            }
        }
        show(findings, key)
        guard !findings.isEmpty, findings.allSatisfy(\.isAccepted) else { throw ExitCode(Outcome.no.rawValue) }
    }

    private func read() throws -> PCRSignatures {
        if let signatures {
            return try PCRSignatures(
                InputFile.contents(of: signatures, limit: PCRSignatures.maximumByteCount), source: signatures)
        }
        guard let own = try options.section(".pcrsig") else {
            throw CommandFailure("the image has no section .pcrsig", hint: "give signatures with --signatures")
        }
        return try PCRSignatures(own, source: "\(options.uki ?? ""), section .pcrsig")
    }

    private func readKey() throws -> CertificateKey {
        if let publicKey {
            return try CertificateKey(
                InputFile.contents(of: publicKey, limit: PublicKey.maximumTextSize), source: publicKey)
        }
        guard let own = try options.section(".pcrpkey") else {
            throw CommandFailure("the image has no section .pcrpkey", hint: "give the key with --public-key")
        }
        Console.warning("the key is the image's own: give --public-key to say whose signatures count")
        return try CertificateKey(own, source: "\(options.uki ?? ""), section .pcrpkey")
    }

    private func show(_ findings: [Finding], _ key: CertificateKey) {
        let verdict = !findings.isEmpty && findings.allSatisfy(\.isAccepted)
        guard json else {
            for finding in findings {
                let pcrs = finding.entry.registers.map { "\($0)" }.joined(separator: ",")
                let about = finding.phases.map { $0.names.isEmpty ? "before any phase" : "phase=\($0)" }
                let words = [
                    "\(finding.bank.rawValue):\(pcrs)", finding.entry.policy.hex,
                    finding.isSigned ? "signed by the key" : "NOT signed by the key",
                    about ?? "NOT a policy of this image in these phases",
                ]
                print(words.joined(separator: "  "))
            }
            return print(findings.isEmpty ? "no signatures" : verdict ? "accepted" : "refused")
        }
        let entries = findings.map { finding in
            Value.object([
                ("bank", .string(finding.bank.rawValue)),
                ("pcrs", .array(of: finding.entry.registers.map { .count(Int($0)) })),
                ("policy", .string(finding.entry.policy.hex)), ("signed", .bool(finding.isSigned)),
                ("phase", finding.phases.map { .string("\($0)") } ?? .null),
            ])
        }
        print(
            ReadableJSON.encode(
                .object([
                    ("accepted", .bool(verdict)),
                    ("key", .string((key.rsaPublicKey.map { Digest.of($0, .sha256).hex }) ?? "")),
                    ("entries", .array(of: entries)),
                ])), terminator: "")
    }
}
