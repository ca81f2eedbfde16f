import ArgumentParser
import Documents
import GuestImage
import Packages

/// `assay oci layers`: the layers of an image with the verity root hashes that policies name.
struct OCILayersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers",
        abstract: "List an image's layers with digests and dm-verity root hashes.",
        discussion: """
            Every byte is checked against the digest that leads to it: index, manifest, configuration, layers, and each \
            layer's archive against its diff_id.

            The verity root hash is that of Kata's policies: over the layer's uncompressed archive with the index of \
            the tardev snapshotter behind it (\(LayerVerity.format)), SHA-256, blocks of 4096 bytes, a salt of 32 zero \
            bytes, no superblock.
            """)

    @OptionGroup var options: OCIOptions
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let (image, verity) = try options.withTree { tree, image in (image, try tree.verity()) }
        if json {
            print(ReadableJSON.encode(Self.document(image, verity)), terminator: "")
        } else {
            print(Console.escape(Self.text(image, verity)))
        }
    }

    static func document(_ image: OCIImage, _ verity: [LayerVerity]) -> Value {
        let layers = zip(image.layers, verity).map { layer, verity -> Value in
            .object([
                ("digest", .string(layer.descriptor.digestText)), ("mediaType", .string(layer.descriptor.mediaType)),
                ("size", .count(layer.descriptor.size)), ("diffID", .string(layer.diffID.ociText)),
                ("archiveSize", .count(verity.archiveSize)), ("verity", verity.document),
            ])
        }
        let configuration = image.configuration
        return .object([
            ("path", .array(of: image.path.map { .string($0.digestText) })),
            ("manifest", .string(image.manifest.digestText)),
            ("config", .string(image.configurationBlob.digestText)),
            ("platform", .string(configuration.platform.description)),
            ("entrypoint", strings(configuration.entrypoint)), ("command", strings(configuration.command)),
            ("environment", strings(configuration.environment)),
            ("workingDirectory", configuration.workingDirectory.map { .string($0) } ?? .null),
            ("user", configuration.user.map { .string($0) } ?? .null),
            ("labels", .object(configuration.labels.map { ($0.name, .string($0.value)) })),
            ("layers", .array(of: layers)),
        ])
    }

    private static func strings(_ texts: [String]) -> Value { .array(of: texts.map { .string($0) }) }

    private static func text(_ image: OCIImage, _ verity: [LayerVerity]) -> String {
        var lines = [
            "manifest \(image.manifest.digestText)", "config   \(image.configurationBlob.digestText)",
            "platform \(image.configuration.platform)",
        ]
        for (number, (layer, verity)) in zip(image.layers, verity).enumerated() {
            lines += [
                "layer \(number + 1): \(layer.descriptor.mediaType), \(layer.descriptor.size) bytes",
                "  digest  \(layer.descriptor.digestText)", "  diff_id \(layer.diffID.ociText)",
                "  verity  \(verity.root) (\(LayerVerity.format), \(verity.dataBlocks) blocks)",
            ]
        }
        return lines.joined(separator: "\n")
    }
}
