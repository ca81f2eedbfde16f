import Bytes
import Documents
import Files
import Hashing
public import LaunchMeasurement
import YAMLDocuments

/// A platform profile's folder, read and checked: the decoded profile and every blob that it pins.
public struct PlatformFolder: Sendable {
    /// The folder's path.
    public var path: String
    public var profile: PlatformProfile
    /// Contents of the pinned blobs by their name in the profile.
    public var blobs: [String: [UInt8]]

    /// Reads `path/profile.yaml` and its blobs; a blob that is not the pinned one is an error.
    public init(_ path: String) throws {
        let file = path + "/profile.yaml"
        let bytes = try InputFile.contents(of: file, limit: YAMLReader.maximumSize)
        profile = try PlatformProfile(YAMLReader.parse(bytes, source: file))
        self.path = path
        blobs = [:]
        for pin in profile.blobs {
            let blobPath = path + "/" + pin.file
            let contents = try InputFile.contents(of: blobPath, limit: 1 << 26)
            let digest = Digest.of(contents, .sha256)
            guard contents.count == pin.size, digest == pin.sha256 else {
                throw FormatError(
                    source: blobPath, field: pin.name, found: "\(contents.count) bytes, SHA-256 \(digest.hex)",
                    expected: "\(pin.size) bytes, SHA-256 \(pin.sha256.hex)",
                    hint: "the profile pins this blob; restore it from version control or capture it anew")
            }
            blobs[pin.name] = contents
        }
    }

    /// Every profile below `folder` (`measurements/platforms`), or those that are named, in name order.
    public static func all(in folder: String, named names: [String] = []) throws -> [PlatformFolder] {
        let present = try FileSystem.list(folder).filter { FileSystem.exists("\(folder)/\($0)/profile.yaml") }
        for name in names where !present.contains(name) {
            throw FormatError(
                source: folder, field: "platform", found: "'\(name)'",
                expected: "one of \(present.joined(separator: ", "))")
        }
        return try present.filter { names.isEmpty || names.contains($0) }.map { name in
            let found = try PlatformFolder("\(folder)/\(name)")
            guard found.profile.name == name else {
                throw FormatError(
                    source: "\(folder)/\(name)/profile.yaml", field: "name", found: "'\(found.profile.name)'",
                    expected: "'\(name)', the name of the folder")
            }
            return found
        }
    }
}
