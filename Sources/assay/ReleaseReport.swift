import Documents
import Hashing
import ReferenceValues
import Release

/// What a release made, and where it is.
struct ReleaseReport {
    private let published: PublishOptions.Published
    private let artifacts: BuiltArtifacts
    private let platforms: [MeasuredPlatform]

    init(_ published: PublishOptions.Published, artifacts: BuiltArtifacts, platforms: [MeasuredPlatform]) {
        self.published = published
        self.artifacts = artifacts
        self.platforms = platforms
    }

    func print(json: Bool) throws {
        Swift.print(json ? ReadableJSON.encode(try document) : try text, terminator: "")
    }

    var document: Value {
        get throws {
            let image = published.statement.image
            return .object([
                ("image", .string(image.name)), ("version", .string(image.version)),
                ("variant", .string(image.variant)), ("channel", .string(image.channel)),
                ("build", .string(artifacts.folder)), ("bundle", .string(published.bundle)),
                ("rootHash", .string(artifacts.rootHash)),
                ("statement", .string(Digest.of(try published.statement.encoded(), .sha256).hex)),
                ("archiveChain", .string(published.statement.archiveChain.rawValue)),
                ("remarks", .array(of: published.remarks.map { .string($0) })),
                ("platforms", .array(of: try platforms.map { try $0.summary() })),
                ("published-values", .string(published.values.text)),
            ])
        }
    }

    private var text: String {
        get throws {
            let image = published.statement.image
            var lines = ["\(image.name) \(image.version) (\(image.variant)), channel \(image.channel)"]
            if image.channel == ReferenceStatement.Image.developmentChannel {
                lines.append("DEVELOPMENT: signed by a key that proves nothing to anyone else")
            }
            lines.append("root hash     \(artifacts.rootHash)")
            lines.append("build         \(artifacts.folder)")
            lines.append("bundle        \(published.bundle)")
            lines.append("statement     sha256 \(Digest.of(try published.statement.encoded(), .sha256))")
            lines.append("archive chain \(published.statement.archiveChain.rawValue)")
            lines += published.remarks.map { "              \(Console.escape($0))" }
            return lines.map { $0 + "\n" }.joined() + "\n" + MeasurementText(platforms).text
                + "\npublished-values: \(Console.escape(published.values.text))\n"
        }
    }
}
