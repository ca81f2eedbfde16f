import Bytes
import Files
import Hashing
public import LaunchMeasurement
public import Packages
import Transport

/// Firmware files out of the packages that profiles pin, found by hash wherever packages are found.
public struct FirmwareFiles: Sendable {
    public var sources: PackageSources

    public init(_ sources: PackageSources) { self.sources = sources }

    /// The bytes of a pinned file; package and file are checked against their hashes.
    public func bytes(of pin: FirmwarePin) throws -> [UInt8] {
        let file = PinnedFile(
            title: "firmware package \(pin.package) \(pin.version)", path: pin.poolPath,
            otherNames: [FileSystem.name(of: pin.poolPath)], byteCount: pin.packageSize, digest: pin.packageSHA256)
        let package = try DebianPackage(
            sources.fetch(file, archive: "debian"), source: FileSystem.name(of: pin.poolPath))
        var found: [UInt8]?
        try package.forEachEntry { entry in
            guard entry.path == Array(pin.path.utf8), case .file(let bytes) = entry.kind else { return }
            found = bytes
        }
        guard let found else {
            throw FormatError(
                source: package.source, field: pin.path, found: "", expected: "a file of this path",
                hint: "the profile's firmware.path is not in the package that it pins")
        }
        try pin.check(found, source: "\(package.source): \(pin.path)")
        return found
    }
}
