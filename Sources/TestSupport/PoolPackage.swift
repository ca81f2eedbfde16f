import Files

/// A pinned package of `ASSAY_POOL`, or of the packages that `ci/setup --test` fetched, unpacked for a test by dpkg-deb.
public struct PoolPackage {
    private let folder: TemporaryFolder

    /// Whether packages can be unpacked here; tests that need them are skipped by name otherwise.
    public static var available: Bool { Outside.pool != nil && Outside.has("dpkg-deb") }

    /// Whether the package is here, of exactly this version.
    public static func has(_ name: String, version: String) -> Bool {
        available && files(name, version: version).count == 1
    }

    /// Unpacks the one package whose file name starts with `name_version_`.
    public init(_ name: String, version: String) throws {
        let found = Self.files(name, version: version)
        guard found.count == 1, let file = found.first else {
            throw TestFailure("found \(found.count) packages \(name) \(version) in ASSAY_POOL, expected one")
        }
        folder = try TemporaryFolder()
        let result = try Subprocess("dpkg-deb", ["-x", file, folder.path]).run()
        guard result.status == 0 else { throw TestFailure("dpkg-deb: \(result.errorText)") }
    }

    /// What the first of the folders that has the package has of it.
    private static func files(_ name: String, version: String) -> [String] {
        for folder in [Outside.pool, Outside.testPackages] {
            guard let folder, let all = try? FileSystem.list(folder) else { continue }
            let found = all.filter { $0.hasPrefix("\(name)_\(version)_") && $0.hasSuffix(".deb") }
            if !found.isEmpty { return found.map { "\(folder)/\($0)" } }
        }
        return []
    }

    /// The path of a file of the package on this machine.
    public func path(_ inside: String) -> String { folder.file(inside) }

    /// The contents of a file of the package.
    public func contents(_ inside: String) throws -> [UInt8] { try InputFile.contents(of: path(inside)) }
}
