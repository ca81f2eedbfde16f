private import Bytes
public import Files
internal import Hashing
private import Transport

/// Makes locks: asks apt, checks the signed chain on the very bytes that apt used, writes the lock or nothing.
public struct LockUpdate: Sendable {
    public var sources: PackageSources
    /// The file that the pinned keys are taken from.
    public var keyringPath: String
    public var progress: ProgressSink

    public init(sources: PackageSources, keyringPath: String, progress: @escaping ProgressSink = { _ in }) {
        self.sources = sources
        self.keyringPath = keyringPath
        self.progress = progress
    }

    /// Where Debian's keys are on Debian; nil if they are not installed.
    public static var hostKeyring: String? {
        ["gpg", "pgp"].map { "/usr/share/keyrings/debian-archive-keyring." + $0 }.first { FileSystem.exists($0) }
    }

    /// Resolves `request` and writes the lock into `folder`. An older index than the present lock's is refused.
    ///
    /// Updates of one folder go one after another: the second sees the lock that the first has written.
    ///
    /// - Returns: what changed against the present lock.
    public func run(_ request: ResolutionRequest, in folder: LockFolder) throws -> LockDifference {
        try request.validate()
        let turn = try FileLock(directory: folder.path) {
            progress("waiting for another update of the lock in \(folder.path)")
        }
        defer { withExtendedLifetime(turn) {} }
        let previous = try folder.read()
        var resolution = try resolve(request)
        for source in request.sources {
            progress("reading \(source.place)")
            resolution.lock.sources.append(try sources.locked(source))
        }
        // A time stamp may lie before the last one: the definition says so.
        if let previous, request.snapshot == nil { try resolution.lock.require(notOlderThan: previous) }
        if let cache = sources.cache { for index in resolution.indexes { try cache.insert(index) } }
        try folder.write(resolution)
        return LockDifference(old: previous, new: resolution.lock)
    }

    private func resolve(_ request: ResolutionRequest) throws -> Resolution {
        let bytes = try InputFile.contents(of: keyringPath, limit: 16 << 20)
        let keyring = try Keyring(bytes, source: keyringPath).bytes(of: request.keys, source: keyringPath)
        let root = try FileSystem.temporaryDirectory(
            beside: (FileSystem.environment("TMPDIR") ?? "/tmp") + "/assay-apt")
        defer { try? FileSystem.remove(root) }
        let mirrors = sources.at(snapshot: request.snapshot).mirrors
        if request.snapshot != nil, mirrors.isEmpty { throw Self.noSnapshotService }
        let apt = try AptResolver(request, mirrors: mirrors, keyring: keyring, root: root)
        progress("fetching package indexes")
        try apt.update()
        progress("resolving packages")
        let choices = try apt.choices()
        progress("checking the signed indexes")
        return try assemble(request, choices: choices, apt: apt, keyring: keyring)
    }

    private static let noSnapshotService = PackageError(
        "archive.snapshot", "no address of a snapshot service is known", outcome: .environment,
        hint: "give it with --mirror or ASSAY_MIRROR: ARCHIVE=ADDRESS with {snapshot} where the time stamp belongs")

    private func assemble(
        _ request: ResolutionRequest, choices: [AptResolver.Choice], apt: AptResolver, keyring: [UInt8]
    ) throws -> Resolution {
        let keys = KeptFile(stem: "keyring", suffix: ".pgp", bytes: keyring)
        var resolution = Resolution(
            lock: ImageLock(request: request, keyring: keys, suites: [], packages: []), keptFiles: [(keys, keyring)],
            indexes: [])
        var open = choices
        for asked in request.suites {
            let inRelease = try apt.inRelease(of: asked)
            let (release, verdict) = try ReleaseFile.signed(
                inRelease, source: "InRelease of \(asked.name)", keyring: keyring)
            guard release.names.contains(asked.name), !verdict.hasExpired else {
                throw PackageError(
                    "suite \(asked.name)",
                    verdict.hasExpired
                        ? "its only good signature is by a key that has expired"
                        : "the archive answers with '\(release.names.joined(separator: ", "))'", outcome: .no)
            }
            let kept = KeptFile(stem: asked.name, suffix: ".InRelease", bytes: inRelease)
            resolution.keptFiles.append((kept, inRelease))
            var suite = LockedSuite(
                name: asked.name, archive: asked.archive, inRelease: kept, date: release.date,
                signedBy: verdict.signers, indexes: [])
            for component in asked.components {
                let packed = try apt.index(component, of: asked)
                let path = "\(component)/binary-\(request.architecture)/Packages.xz"
                let index = LockedIndex(
                    component: component, path: path, byteCount: packed.count, sha256: .of(packed, .sha256))
                try index.require(listedIn: release, of: suite)
                suite.indexes.append(index)
                resolution.indexes.append(packed)
                resolution.lock.packages += try Self.take(&open, from: index, of: suite, packed: packed)
            }
            resolution.lock.suites.append(suite)
        }
        guard open.isEmpty else {
            throw PackageError("apt", "chose \(open.count) packages that no signed index lists", outcome: .no)
        }
        resolution.lock.packages.sort()
        return resolution
    }

    /// The chosen packages that this index lists; they leave `open`.
    private static func take(
        _ open: inout [AptResolver.Choice], from index: LockedIndex, of suite: LockedSuite, packed: [UInt8]
    ) throws -> [LockedPackage] {
        let source = "\(suite.name)/\(index.path)"
        let table = try PackageIndex(packed: packed, name: index.path, source: source)
        var result: [LockedPackage] = []
        var rest: [AptResolver.Choice] = []
        for choice in open {
            guard let stanza = try table.stanza(choice.sha256) else {
                rest.append(choice)
                continue
            }
            result.append(
                try LockedPackage(stanza: stanza, index: index, of: suite, isExtra: choice.isExtra, named: source))
        }
        open = rest
        return result
    }
}
