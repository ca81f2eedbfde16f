import ArgumentParser
import Documents
import Files
import GuestImage
import LaunchMeasurement
import Packages
import Release

/// `assay measure IMAGE`: a build's artifacts under every platform profile.
struct MeasureImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Measure a build of an image under platform profiles (the default).",
        discussion: """
            Every value is written with its trace to measurements/PLATFORM.json in the build's folder. QEMU is never \
            started: ACPI and SMBIOS tables are the pinned files beside a profile, firmware is the pinned file of its \
            package.
            """)

    @Argument(help: "The image's directory, e.g. images/minimal.")
    var image: String
    @OptionGroup(title: "What to measure")
    var build: BuildPlaceOptions
    @OptionGroup(title: "Under which profiles")
    var profiles: PlatformOptions
    @OptionGroup(title: "Where firmware packages come from")
    var places: SourceOptions
    @Flag(help: "Print the values as JSON, without the traces.")
    var json = false

    func run() throws {
        let folder = try ImageFolder(image)
        let artifacts = try BuiltArtifacts(build.folder(of: folder))
        let platforms = try profiles.measure(artifacts, sources: places.sources())
        if json {
            print(ReadableJSON.encode(.array(of: try platforms.map { try $0.summary() })), terminator: "")
        } else {
            print(MeasurementText(platforms).text, terminator: "")
        }
    }
}

/// Which build is meant.
struct BuildPlaceOptions: ParsableArguments {
    @Option(
        name: .customLong("build"),
        help: ArgumentHelp("The build's folder; build/NAME if not given.", valueName: "directory"))
    var place: String?
    @Option(help: "Which form was built: release or debug.")
    var variant = ImageVariant.release

    func folder(of image: ImageFolder) -> String { place ?? image.output(variant) }
}

/// Which platform profiles count.
struct PlatformOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A profile by name; may be repeated. All of them if not given.", valueName: "name"))
    var platform: [String] = []
    @Option(help: ArgumentHelp("The folder of the platform profiles.", valueName: "directory"))
    var platforms = "measurements/platforms"
    @Flag(
        name: .customLong("check-compact"),
        help:
            "Of profiles that keep digests of one vCPU, measure the firmware too, and refuse digests it does not give.")
    var checkCompact = false

    /// Measures a build and writes `measurements/PLATFORM.json` into its folder.
    func measure(_ artifacts: BuiltArtifacts, sources: PackageSources) throws -> [MeasuredPlatform] {
        let firmware = FirmwareFiles(sources)
        let folders = try PlatformFolder.all(in: platforms, named: platform)
        guard !folders.isEmpty else {
            throw CommandFailure(
                "\(platforms): there is no platform profile", hint: "give their folder with --platforms")
        }
        let target = artifacts.folder + "/measurements"
        try FileSystem.makeDirectory(target)
        return try folders.map { folder in
            Console.progress("measuring under \(folder.profile.name)")
            let profile = folder.profile
            let needed = profile.compact == nil || checkCompact
            let measured = try MeasuredPlatform(
                folder, firmware: needed ? firmware.bytes(of: profile.firmware) : nil, artifacts: artifacts.boot)
            try OutputFile.write(
                CanonicalJSON.encode(measured.document()), to: "\(target)/\(folder.profile.name).json")
            return measured
        }
    }
}
