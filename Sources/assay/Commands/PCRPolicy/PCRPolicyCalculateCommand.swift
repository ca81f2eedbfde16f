import ArgumentParser
import Bytes
import Documents
import Hashing
import LaunchMeasurement

/// `assay pcr-policy calculate`.
struct PCRPolicyCalculateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calculate",
        abstract: "Compute PolicyPCR digests.",
        discussion: """
            The digest is TPM2_PolicyPCR's in a fresh session. Without banks in --pcrs there is one policy for each --bank; \\
            with them, as in sha256:4,7+sha1:0, the selection is one policy over these banks in this order.
            """)
    @OptionGroup var options: PCRPolicyOptions
    @Option(
        help: ArgumentHelp(
            "Take PCRs from what 'assay measure tpm --json' printed instead of an image; phases only as --phase says.",
            valueName: "file"))
    var values: String?
    @Option(help: ArgumentHelp("The PCRs: numbers, or banks with numbers.", valueName: "selection"))
    var pcrs = "11"
    @Option(help: ArgumentHelp("A bank: sha1, sha256, sha384 or sha512; may be repeated.", valueName: "hash"))
    var bank: [String] = ["sha256"]
    @Option(name: .customLong("policy-hash"), help: ArgumentHelp("The hash of the policy.", valueName: "hash"))
    var policyHash = "sha256"
    @Flag(help: "Print JSON.") var json = false

    private struct Line {
        var phases: BootPhases
        var policy: PCRPolicy
    }

    func run() throws {
        guard let hash = try HashAlgorithm.banks([policyHash]).first else { return }
        let selection = try PCRSelectionText(pcrs, banks: HashAlgorithm.banks(bank))
        let registers = try values.map { try PCRValuesFile.registers(at: $0) }
        guard registers == nil || options.uki == nil else {
            throw CommandFailure("--values with --uki: two sources of PCRs", hint: "give one of them")
        }
        let lines = try selection.selections.flatMap { banks in
            let known = try registers ?? options.registers(banks.map(\.bank))
            let selected = try banks.map { bank in
                try [PCRPolicy.Bank].bank(bank.bank, bank.numbers, of: known)
            }
            let hasPhases = selected.contains { $0.values[11] != nil } && (values == nil || !options.phase.isEmpty)
            return try options.phases(extending: hasPhases).map { phases in
                Line(phases: phases, policy: try PCRPolicy(selected.map { $0.after(phases) }))
            }
        }
        guard json else {
            for line in lines { print(text(line, hash)) }
            return
        }
        print(
            ReadableJSON.encode(
                .object([
                    ("policyHash", .string(hash.rawValue)), ("policies", .array(of: lines.map { document($0, hash) })),
                ])), terminator: "")
    }

    private func text(_ line: Line, _ hash: HashAlgorithm) -> String {
        let banks = line.policy.banks.map { bank in
            bank.algorithm.rawValue + ":" + bank.registers.map { "\($0)" }.joined(separator: ",")
        }
        let phase = line.phases.names.isEmpty ? [] : ["phase=\(line.phases)"]
        return ([banks.joined(separator: "+")] + phase + [line.policy.digest(hash).hex]).joined(separator: " ")
    }

    private func document(_ line: Line, _ hash: HashAlgorithm) -> Value {
        .object([
            ("phase", .string("\(line.phases)")),
            (
                "pcrs",
                .object(
                    line.policy.banks.map { bank in
                        (
                            bank.algorithm.rawValue,
                            .object(
                                bank.registers.map { ("\($0)", .string(bank.values[$0]?.hex ?? "")) })
                        )
                    })
            ),
            ("selection", .string(line.policy.selection.hex)),
            ("pcrDigest", .string(line.policy.valuesDigest(hash).hex)),
            ("policy", .string(line.policy.digest(hash).hex)),
        ])
    }
}
