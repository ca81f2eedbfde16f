import ArgumentParser
import Documents
import GuestImage
import Release

/// `assay publish`: a build and its measurements to a signed bundle.
struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Measure a build, state its values, sign the statement and write the bundle.")

    @Argument(help: "The image's directory, e.g. images/minimal.")
    var image: String
    @OptionGroup(title: "What to publish")
    var build: BuildPlaceOptions
    @OptionGroup(title: "Under which profiles")
    var profiles: PlatformOptions
    @OptionGroup(title: "How to publish")
    var options: PublishOptions
    @OptionGroup(title: "Where packages come from")
    var places: SourceOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let folder = try ImageFolder(image)
        let sources = try places.sources()
        try options.release(folder, build: build.folder(of: folder), profiles, sources: sources).print(json: json)
    }
}

/// `assay release`: the main job, from a definition to a bundle.
struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Build, measure and publish an image: the main job.",
        discussion: """
            One step of a pipeline: the definition and its lock become artifacts, the artifacts become values for every \
            platform profile, the values become a signed bundle that `assay verify` checks offline.
            """)

    @Argument(help: "The image's directory, e.g. images/minimal.")
    var image: String
    @Option(help: ArgumentHelp("Where to build; build/NAME if not given.", valueName: "directory"))
    var output: String?
    @Option(help: "Which form: release or debug. They have measurements of their own.")
    var variant = ImageVariant.release
    @OptionGroup(title: "Under which profiles")
    var profiles: PlatformOptions
    @OptionGroup(title: "How to publish")
    var options: PublishOptions
    @OptionGroup(title: "Where packages come from")
    var places: SourceOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let folder = try ImageFolder(image)
        let sources = try places.sources()
        let place = output ?? folder.output(variant)
        try folder.builder(variant, sources: sources, progress: Console.progress).build(to: place)
        try options.release(folder, build: place, profiles, sources: sources).print(json: json)
    }
}
