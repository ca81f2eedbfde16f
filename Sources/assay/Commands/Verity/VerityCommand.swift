import ArgumentParser

/// `assay verity`: dm-verity trees, with the options of veritysetup.
struct VerityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verity",
        abstract: "Make, check and describe dm-verity trees; the options are those of veritysetup.",
        subcommands: [
            VerityFormatCommand.self, VerityVerifyCommand.self, VerityDumpCommand.self, VerityOpenArgumentsCommand.self,
        ])
}
