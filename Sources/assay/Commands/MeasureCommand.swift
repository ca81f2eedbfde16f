import ArgumentParser

/// `assay measure`: the group of everything that computes launch measurements.
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Say what hardware will report for an image, before any machine has booted it.",
        subcommands: [
            MeasureImageCommand.self, MeasureSNPCommand.self, MeasureTDXCommand.self, MeasureTPMCommand.self,
            MeasureIGVMCommand.self,
        ],
        defaultSubcommand: MeasureImageCommand.self
    )
}
