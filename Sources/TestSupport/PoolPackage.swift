import Files

/// A pinned package of `ASSAY_POOL`, unpacked for a test by dpkg-deb.
public struct PoolPackage {
    private let folder: TemporaryFolder

    /// Whether packages can be unpacked here; tests that need them are skipped by name otherwise.
    public static var available: Bool { Outside.pool != nil && Outside.has("dpkg-deb") }

    /// Unpacks the one package whose file name starts with `name_version_`.
    public init(_ name: String, version: String) throws {
        guard let pool = Outside.pool else { throw TestFailure("ASSAY_POOL is not set") }
        let found = try FileSystem.list(pool).filter { $0.hasPrefix("\(name)_\(version)_") && $0.hasSuffix(".deb") }
        guard found.count == 1, let file = found.first else {
            throw TestFailure("\(pool): found \(found.count) packages \(name) \(version), expected one")
        }
        folder = try TemporaryFolder()
        let result = try Subprocess("dpkg-deb", ["-x", "\(pool)/\(file)", folder.path]).run()
        guard result.status == 0 else { throw TestFailure("dpkg-deb: \(result.errorText)") }
    }

    /// The path of a file of the package on this machine.
    public func path(_ inside: String) -> String { folder.file(inside) }

    /// The contents of a file of the package.
    public func contents(_ inside: String) throws -> [UInt8] { try InputFile.contents(of: path(inside)) }
}
