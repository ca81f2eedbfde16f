import ArgumentParser
import Files
import GuestImage
import Hashing
import Packages
import YAMLDocuments

extension ImageVariant: ExpressibleByArgument {}

/// An image's directory: the definition, its overlay files and its lock.
struct ImageFolder {
    let path: String
    let definition: ImageDefinition

    /// Reads the definition in `path`, which is the directory or the `image.yaml` in it.
    init(_ path: String) throws {
        let isDefinition = FileSystem.name(of: path) == Self.definitionName
        self.path = isDefinition ? FileSystem.parent(of: path) : path
        let file = self.path + "/" + Self.definitionName
        let bytes = try InputFile.contents(of: file, limit: YAMLReader.maximumSize)
        definition = try ImageDefinition(YAMLReader.parse(bytes, source: file))
    }

    private static let definitionName = "image.yaml"

    /// A builder for a variant.
    func builder(_ variant: ImageVariant, sources: PackageSources, progress: @escaping ProgressSink) throws
        -> ImageBuilder
    {
        let folder = LockFolder(path)
        var sources = sources
        sources.folder = path
        let lock = try folder.require()
        try lock.require(request: definition.resolutionRequest, source: folder.lockPath)
        let digest = Digest.of(try InputFile.contents(of: folder.lockPath), .sha256)
        let chosen = try definition.resolved(for: variant)
        return ImageBuilder(
            definition: definition, variant: variant, lock: lock, lockDigest: digest,
            overlays: try OverlayFiles(of: chosen, in: path), sources: sources, progress: progress)
    }

    /// Where a build goes when nobody says.
    func output(_ variant: ImageVariant) -> String {
        variant == .release ? "build/\(definition.name)" : "build/\(definition.name)-\(variant.rawValue)"
    }
}
