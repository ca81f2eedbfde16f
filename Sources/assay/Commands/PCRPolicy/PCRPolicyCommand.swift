import ArgumentParser

/// `assay pcr-policy`: TPM policies over predicted PCRs, and their signatures as systemd reads them.
struct PCRPolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pcr-policy",
        abstract: "Compute, sign and verify TPM policies over predicted PCRs.",
        discussion: """
            A secret sealed to such a policy opens only while the PCRs have these values. Signed policies are what systemd \\
            reads from a unified kernel image's section .pcrsig: they are those of PCR 11 in the phases of a boot.

              assay pcr-policy calculate --uki uki.efi
              assay pcr-policy calculate --values measured.json --pcrs sha256:0,2,4,7
              assay pcr-policy sign --uki uki.efi --key pcr.pem --output uki.pcrsig
              assay pcr-policy verify --uki uki.efi --signatures uki.pcrsig --public-key pcr.pub.pem
            """,
        subcommands: [
            PCRPolicyCalculateCommand.self, PCRPolicySignCommand.self, PCRPolicyVerifyCommand.self,
        ],
        defaultSubcommand: PCRPolicyCalculateCommand.self)
}
