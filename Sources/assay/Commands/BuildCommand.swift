import ArgumentParser
import Documents
import GuestImage

/// `assay build`: from a definition and its lock to artifacts.
struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image's artifacts from its definition and its lock.",
        discussion: """
            The output is the same for everybody who has the definition, the lock and the locked packages, on any \
            machine. It appears whole or not at all; what was there before is replaced.
            """)

    @Argument(help: "The image's directory, e.g. images/minimal.")
    var image: String
    @Option(help: ArgumentHelp("Where to build; build/NAME if not given.", valueName: "directory"))
    var output: String?
    @Option(help: "Which form: release or debug. They have measurements of their own.")
    var variant = ImageVariant.release
    @OptionGroup(title: "Where packages come from")
    var places: SourceOptions
    @Flag(help: "Print what was built as JSON, with the data blocks of each file of the root.")
    var json = false

    func run() throws {
        let folder = try ImageFolder(image)
        let place = output ?? folder.output(variant)
        let builder = try folder.builder(variant, sources: places.sources(), progress: Console.progress)
        let built = try builder.build(to: place)
        if json {
            print(ReadableJSON.encode(.object([("build", built.document), ("files", built.fileMap)])), terminator: "")
        } else {
            print(Self.text(built, place), terminator: "")
        }
    }

    private static func text(_ built: BuiltImage, _ place: String) -> String {
        let width = built.artifacts.map(\.name.count).max() ?? 0
        var lines = ["\(built.name) \(built.version) (\(built.variant.rawValue)) in \(Console.escape(place))"]
        lines.append("root hash \(built.rootHash)")
        for artifact in built.artifacts {
            let name = artifact.name + String(repeating: " ", count: width - artifact.name.count)
            lines.append("  \(name)  sha256 \(artifact.sha256)  \(artifact.size) bytes")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
