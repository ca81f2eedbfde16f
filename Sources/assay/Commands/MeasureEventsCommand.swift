import ArgumentParser
import Bytes
import Documents
import EventLogs
import Files
import Hashing
import LaunchMeasurement
import Release

/// What the commands about event registers share: the profile, the firmware and how results are shown.
struct MeasureEventsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the platform profile.", valueName: "folder"))
    var profile: String
    @Option(help: ArgumentHelp("The firmware file that the profile pins.", valueName: "file"))
    var firmware: String
    @Option(help: ArgumentHelp("Also write the predicted event log in its binary form.", valueName: "file"))
    var log: String?
    @Option(
        name: .customLong("exit-boot-services"),
        help: "For --log: how the kernel's call goes, if the profile knows two ways.")
    var exitBootServices: ExitBootServices = .first
    @Flag(help: "Print axes and registers as JSON.")
    var json = false
    @Flag(help: "Print JSON with everything that was hashed, in order.")
    var trace = false

    func output(_ measurements: [Measurement], log events: () throws -> EventLog) throws {
        if let log { try OutputFile.write(events().encoded, to: log) }
        if json || trace {
            let documents = measurements.map { trace ? $0.document : Self.withoutTrace($0.document) }
            return print(ReadableJSON.encode(.array(of: documents)), terminator: "")
        }
        for measurement in measurements {
            if measurements.count > 1 {
                print(measurement.axes.map { "# \($0.name): \($0.value)" }.joined(separator: ", "))
            }
            for register in measurement.registers { print("\(register.name) \(register.digest.hex)") }
        }
    }

    private static func withoutTrace(_ document: Value) -> Value {
        guard case .object(let members) = document else { return document }
        return .object(members.filter { $0.key != "trace" })
    }
}

extension ExitBootServices: ExpressibleByArgument {}

/// `assay measure tdx`.
struct MeasureTDXCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tdx",
        abstract: "Compute MRTD and RTMR0 to RTMR3 of a direct boot under a TDX profile.",
        discussion: """
            The firmware is the file of the package; where the profile says so, its variable store counts as empty. \
            Example:

              assay measure tdx --profile measurements/platforms/qemu-tdx-inteltdx-2026.08 \\
                  --firmware OVMF.inteltdx.ms.fd --kernel vmlinuz --initrd initrd --cmdline cmdline
            """)
    @OptionGroup var options: MeasureEventsOptions
    @Option(help: ArgumentHelp("The kernel.", valueName: "file"))
    var kernel: String
    @Option(help: ArgumentHelp("The initrd.", valueName: "file"))
    var initrd: String
    @Option(help: ArgumentHelp("A file that holds the kernel command line and nothing else.", valueName: "file"))
    var cmdline: String

    func run() throws {
        let pinned = try PlatformFolder(options.profile)
        let firmware = try InputFile.contents(of: options.firmware)
        try pinned.profile.firmware.check(firmware, source: options.firmware)
        let artifacts = BootArtifacts(paths: ["vmlinuz": kernel, "initrd": initrd, "cmdline": cmdline])
        let measurements = try TDXMeasurement.measure(
            profile: pinned.profile, firmware: firmware, blobs: pinned.blobs, artifacts: artifacts)
        try options.output(measurements) {
            try TDXMeasurement.log(
                profile: pinned.profile, firmware: firmware, blobs: pinned.blobs, artifacts: artifacts,
                exit: options.exitBootServices)
        }
    }
}

/// `assay measure tpm`.
struct MeasureTPMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tpm",
        abstract: "Compute the PCRs of a boot from disk under a vTPM profile.",
        discussion: """
            Example:

              assay measure tpm --profile measurements/platforms/qemu-vtpm-ovmf-2026.08 \\
                  --firmware OVMF_CODE_4M.fd --uki uki.efi --disk disk.raw
            """)
    @OptionGroup var options: MeasureEventsOptions
    @Option(help: ArgumentHelp("The unified kernel image on the disk.", valueName: "file"))
    var uki: String
    @Option(help: ArgumentHelp("The disk, whose partition table is measured.", valueName: "file"))
    var disk: String

    func run() throws {
        let pinned = try PlatformFolder(options.profile)
        let firmware = try InputFile.contents(of: options.firmware)
        try pinned.profile.firmware.check(firmware, source: options.firmware)
        let artifacts = BootArtifacts(paths: ["uki.efi": uki, "disk.raw": disk])
        let measurements = try VTPMMeasurement.measure(
            profile: pinned.profile, firmware: firmware, blobs: pinned.blobs, artifacts: artifacts)
        try options.output(measurements) {
            try VTPMMeasurement.log(
                profile: pinned.profile, firmware: firmware, blobs: pinned.blobs, artifacts: artifacts,
                exit: options.exitBootServices)
        }
    }
}
