private import Bytes
import Documents
public import Hashing

/// A firmware file, pinned by the package that it comes from and by its own hash.
public struct FirmwarePin: Hashable, Sendable {
    /// Name, version and architecture of the binary package.
    public var package, version, architecture: String
    /// The package's path below the archive's root, as its index gives it.
    public var poolPath: String
    public var packageSHA256: Digest
    /// Size of the package in bytes.
    public var packageSize: Int
    /// The file's path inside the package, without a leading slash.
    public var path: String
    public var sha256: Digest
    /// Size of the file in bytes.
    public var size: Int

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        package = try decoder.string("package")
        version = try decoder.string("version")
        architecture = try decoder.string("architecture")
        poolPath = try decoder.relativePath("poolPath")
        packageSHA256 = try decoder.digest("packageSHA256", .sha256)
        packageSize = try decoder.integer("packageSize", in: 1...1 << 32)
        path = try decoder.relativePath("path")
        sha256 = try decoder.digest("sha256", .sha256)
        size = try decoder.integer("size", in: 1...1 << 28)
        try decoder.finish()
    }

    var document: Value {
        .object([
            ("package", .string(package)), ("version", .string(version)), ("architecture", .string(architecture)),
            ("poolPath", .string(poolPath)), ("packageSHA256", .string(packageSHA256.hex)),
            ("packageSize", .count(packageSize)), ("path", .string(path)), ("sha256", .string(sha256.hex)),
            ("size", .count(size)),
        ])
    }

    /// Requires that `bytes` are the pinned file; `source` names them in the error.
    public func check(_ bytes: [UInt8], source: String) throws(FirmwareMismatch) {
        let found = Digest.of(bytes, .sha256)
        guard bytes.count == size, found == sha256 else {
            throw FirmwareMismatch(source: source, pin: self, foundSize: bytes.count, found: found)
        }
    }
}
