import Bytes
import Files
import Hashing
import LaunchMeasurement
import Packages
import ReferenceValues

/// Every file that a release follows from, with its part in it: definition, lock, overlays, index chain and profiles.
///
/// Names are the same for everybody: `image/…` below the image's folder, `platforms/NAME/…` below a profile's.
public struct ReleaseInputs: Sendable {
    /// One input and its bytes' place.
    struct Item: Sendable {
        var name: String
        var role: Inputs.File.Role
        var bytes: [UInt8]
    }

    static let definitionName = "image.yaml"
    /// Indexes of the archive that only hashes in the lock name.
    static let indexPrefix = "image/index/"
    private(set) var items: [Item] = []

    /// Reads the files below the image's folder and below each profile's folder; links and devices are refused.
    public init(imageFolder: String, platforms: [PlatformFolder]) throws(FileError) {
        for name in try FileSystem.filesBelow(imageFolder) where !Self.isBeside(name) {
            let role: Inputs.File.Role =
                switch name {
                case Self.definitionName: .definition
                case LockFolder.fileName: .lock
                default: name.hasPrefix("lock/") ? .index : .overlay
                }
            try add(imageFolder + "/" + name, as: "image/" + name, role)
        }
        for platform in platforms {
            for name in try FileSystem.filesBelow(platform.path) {
                try add(platform.path + "/" + name, as: "platforms/\(platform.profile.name)/\(name)", .profile)
            }
        }
    }

    /// What lies in an image's folder and decides nothing.
    private static func isBeside(_ name: String) -> Bool {
        name == "unavailable.txt" || name == "README.md" || FileSystem.name(of: name).hasPrefix(".")
    }

    private mutating func add(_ path: String, as name: String, _ role: Inputs.File.Role) throws(FileError) {
        guard FileSystem.kind(of: path) == .file else {
            throw FileError(
                "read", path, reason: "not a regular file", isInput: true,
                hint: "inputs of a release are regular files only")
        }
        items.append(Item(name: name, role: role, bytes: try InputFile.contents(of: path, limit: 64 << 20)))
    }

    /// Adds index files that only hashes in the lock name, so that the bundle has the whole chain.
    mutating func add(index name: String, _ bytes: [UInt8]) {
        items.append(Item(name: name, role: .index, bytes: bytes))
    }

    /// The inputs as a statement names them.
    func inputs(source: Inputs.Source?) throws -> Inputs {
        try Inputs(
            source: source,
            files: items.map { .init(name: $0.name, role: $0.role, sha256: .of($0.bytes, .sha256)) })
    }
}
