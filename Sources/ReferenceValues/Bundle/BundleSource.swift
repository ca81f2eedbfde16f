private import Bytes
public import Files

/// Where a bundle's files are read from: names first, then one file at a time.
public struct BundleSource: Sendable {
    /// What to call the bundle in errors.
    public var name: String
    /// Every file that is there, by its name in the bundle.
    public var fileNames: [String]
    /// The bytes of a file; throws if there are more than `limit`.
    public var read: @Sendable (_ name: String, _ limit: Int) throws -> [UInt8]

    public init(
        name: String, fileNames: [String], read: @escaping @Sendable (_ name: String, _ limit: Int) throws -> [UInt8]
    ) {
        self.name = name
        self.fileNames = fileNames
        self.read = read
    }

    /// A bundle in a folder. Links are listed but not followed.
    public static func folder(_ path: String) throws(FileError) -> BundleSource {
        guard FileSystem.kind(of: path) != .file else {
            throw FileError(
                "read", path, reason: "a file", isInput: true,
                hint: "give the folder NAME-VERSION.assay that 'assay publish' wrote")
        }
        return BundleSource(name: path, fileNames: try FileSystem.filesBelow(path)) { name, limit in
            let full = path + "/" + name
            guard FileSystem.kind(of: full) == .file else {
                throw FileError("read", full, reason: "not a regular file", isInput: true)
            }
            return try InputFile.contents(of: full, limit: limit)
        }
    }
}
