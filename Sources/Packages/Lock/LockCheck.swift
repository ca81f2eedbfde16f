public import Documents
public import Files
private import Hashing
public import Transport

/// What a check of a lock found: how far its signed chain could be walked, and which packages nobody serves any more.
public struct LockCheck: Sendable {
    public var chain: ArchiveChain
    /// Packages that no source has, in the lock's order, each with the places that were asked.
    public var unavailable: [FileUnavailable]
    /// Their names.
    public var unavailableNames: [String]

    /// Checks the lock in `folder`: kept files, signatures, indexes, and every package's own bytes.
    ///
    /// Packages that are not at hand are fetched, into the cache if there is one. What contradicts the lock throws;
    /// what is only gone is listed.
    ///
    /// - Parameters:
    ///   - request: what the definition asks for, with the keys that it pins.
    ///   - progress: is told what is being read.
    public init(
        _ lock: ImageLock, in folder: LockFolder, request: ResolutionRequest, sources: PackageSources,
        progress: ProgressSink = { _ in }
    ) throws {
        progress("walking the signed chain")
        let sources = sources.at(snapshot: lock.request.snapshot)
        chain = try lock.verify(folder: folder.path, keys: request.keys, sources: sources)
        try lock.require(request: request)
        unavailable = []
        unavailableNames = []
        for source in lock.sources {
            progress("reading \(source.request.place)")
            try sources.check(source)
        }
        for package in lock.packages {
            progress("reading \(package.name) \(package.version)")
            do {
                _ = try sources.open(package)
            } catch let error as FileUnavailable {
                unavailable.append(error)
                unavailableNames.append(package.name)
            }
        }
    }

    /// Whether nothing is missing.
    public var isComplete: Bool {
        guard case .verified = chain else { return false }
        return unavailable.isEmpty
    }

    public var document: Value {
        .object([
            ("archiveChain", .string(chain.name)), ("remarks", .strings(chain.remarks)),
            ("unavailable", .array(of: zip(unavailableNames, unavailable).map { Self.document($0, $1.file) })),
        ])
    }

    private static func document(_ name: String, _ file: PinnedFile) -> Value {
        .object([
            ("name", .string(name)), ("path", .string(file.path)), ("size", .count(file.byteCount)),
            ("sha256", .string(file.digest.hex)),
        ])
    }
}
