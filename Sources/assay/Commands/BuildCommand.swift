import ArgumentParser
import Documents
import GuestImage
import Packages

/// `assay build`: from a definition and its lock to artifacts.
struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image's artifacts from its definition and its lock.",
        discussion: """
            The output is the same for everybody who has the definition, the lock and the locked packages, on any \
            machine. It appears whole or not at all; what was there before is replaced. No script of a \
            package is run; those that would have been are listed with what stands for them.
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
            let document: [(String, Value)] = [
                ("build", built.document), ("files", built.fileMap),
                ("scripts", .array(of: built.scripts.map(\.document))),
            ]
            print(ReadableJSON.encode(.object(document)), terminator: "")
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
        lines += scripts(built.scripts)
        return lines.map { $0 + "\n" }.joined()
    }

    /// The scripts that were not run: those that need a reason each, then the rest by kind.
    private static func scripts(_ verdicts: [ScriptVerdict]) -> [String] {
        guard !verdicts.isEmpty else { return [] }
        var lines = ["\(verdicts.count) maintainer scripts of the root's packages, none of which was run:"]
        for verdict in verdicts where verdict.ground != .kind {
            let accepted = verdict.ground == .definition ? ", by the definition" : ""
            lines.append(
                "  \(verdict.package) \(verdict.script.kind.rawValue): \(Console.escape(verdict.reason))\(accepted)")
        }
        for kind in MaintainerScript.Kind.allCases {
            let others = verdicts.filter { $0.ground == .kind && $0.script.kind == kind }
            guard let first = others.first else { continue }
            lines.append("  \(kind.rawValue) of \(others.map(\.package).joined(separator: ", ")): \(first.reason)")
        }
        return lines
    }
}
