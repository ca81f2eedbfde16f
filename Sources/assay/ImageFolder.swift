import Files
import GuestImage
import YAMLDocuments

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
}
