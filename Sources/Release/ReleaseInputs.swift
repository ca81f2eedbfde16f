import Bytes
import Documents
import Files
import GuestImage
import Hashing
import LaunchMeasurement
import Packages
import ReferenceValues
import YAMLDocuments

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
    /// Paths of files that lie in one of the folders although nothing names them, as an update of the lock leaves them that
    /// was killed. They are no inputs.
    public private(set) var strays: [String] = []

    /// Reads definition and lock of the image's folder, the files that these two name, and each profile with its blobs.
    /// Links and devices are refused.
    public init(imageFolder: String, platforms: [PlatformFolder]) throws {
        let definition = try add(Self.definitionName, in: imageFolder, below: "image", .definition)
        let lock = try add(LockFolder.fileName, in: imageFolder, below: "image", .lock)
        let overlays = try ImageDefinition(
            YAMLReader.parse(definition, source: imageFolder + "/" + Self.definitionName)
        ).overlays
        let kept = try ImageLock(parsing: lock, source: imageFolder + "/" + LockFolder.fileName).keptFiles.map(\.path)
        for name in overlays { try add(name, in: imageFolder, below: "image", .overlay) }
        for name in kept where !overlays.contains(name) { try add(name, in: imageFolder, below: "image", .index) }
        try note(imageFolder, named: [Self.definitionName, LockFolder.fileName] + overlays + kept)
        for platform in platforms {
            let names = ["profile.yaml"] + Set(platform.profile.blobs.map(\.file)).sorted()
            let place = "platforms/\(platform.profile.name)"
            for name in names { try add(name, in: platform.path, below: place, .profile) }
            try note(platform.path, named: names)
        }
        items.sort { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    /// Notes what else lies in `folder`, but for files that people put beside.
    private mutating func note(_ folder: String, named names: [String]) throws {
        let named = Set(names)
        for name in try FileSystem.filesBelow(folder) where !named.contains(name) {
            let last = FileSystem.name(of: name)
            if last == "unavailable.txt" || last == "README.md" || last.hasPrefix(".") { continue }
            strays.append(folder + "/" + name)
        }
    }

    @discardableResult
    private mutating func add(
        _ name: String, in folder: String, below place: String, _ role: Inputs.File.Role
    ) throws -> [UInt8] {
        let path = folder + "/" + name
        if let kind = FileSystem.kind(of: path), kind != .file {
            throw FileError(
                "read", path, reason: "not a regular file", isInput: true,
                hint: "inputs of a release are regular files only")
        }
        let bytes = try InputFile.contents(of: path, limit: 64 << 20)
        items.append(Item(name: place + "/" + name, role: role, bytes: bytes))
        return bytes
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
