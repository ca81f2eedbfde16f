public import Documents

/// How far the way from a lock's packages back to the pinned keys could be walked.
public enum ArchiveChain: Sendable, Hashable {
    /// .deb → Packages → InRelease → pinned key, for every package.
    case verified(notes: [String])
    /// Nothing contradicts the lock, but parts of the way are gone: these.
    case unverified(reasons: [String])

    /// `verified` or `unverified`.
    public var name: String {
        switch self {
        case .verified: "verified"
        case .unverified: "unverified"
        }
    }

    /// What people should know about it.
    public var remarks: [String] {
        switch self {
        case .verified(let notes): notes
        case .unverified(let reasons): reasons
        }
    }

    public var document: Value {
        .object([("archiveChain", .string(name)), ("remarks", .strings(remarks))])
    }
}
