public import Files
public import Hashing

/// The files beside a definition that it puts into an image, read once: what is hashed is what is written.
public struct OverlayFiles: Sendable {
    private let files: [String: [UInt8]]
    /// Texts and small programs; what is larger belongs into a package.
    private static let largest = 64 << 20

    /// Files by their path relative to the definition.
    public init(_ files: [String: [UInt8]]) {
        self.files = files
    }

    /// Reads the files that `definition` names, below `folder`.
    public init(of definition: ImageDefinition, in folder: String) throws(FileError) {
        var files: [String: [UInt8]] = [:]
        for name in definition.overlays {
            files[name] = try InputFile.contents(of: folder + "/" + name, limit: Self.largest)
        }
        self.files = files
    }

    /// These and the files that a definition fetches by hash, under their addresses.
    func adding(_ downloads: [String: [UInt8]]) -> OverlayFiles {
        OverlayFiles(files.merging(downloads) { first, _ in first })
    }

    /// Path and digest of each, sorted by path.
    public var digests: [(path: String, sha256: Digest)] {
        files.sorted { $0.key < $1.key }.map { (path: $0.key, sha256: Digest.of($0.value, .sha256)) }
    }

    func bytes(_ name: String) throws(ImageError) -> [UInt8] {
        guard let bytes = files[name] else {
            throw ImageError(name, "is named in the definition and was not read", hint: "put the file beside it")
        }
        return bytes
    }
}
