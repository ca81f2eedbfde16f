public import Documents

/// How one lock's packages differ from another's.
public struct LockDifference: Sendable, Hashable {
    public struct Change: Sendable, Hashable {
        public var name: String
        /// Nil where the package was not there before, or is not there any more.
        public var old: LockedPackage?
        public var new: LockedPackage?
    }

    /// Sorted by name.
    public let changes: [Change]

    /// Compares by name; without an old lock every package is new.
    public init(old: ImageLock?, new: ImageLock) {
        let before = Dictionary((old?.packages ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.packages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        changes = Set(before.keys).union(after.keys).sorted().compactMap { name in
            let change = Change(name: name, old: before[name], new: after[name])
            return change.old == change.new ? nil : change
        }
    }

    /// One line a change: `+` new, `-` gone, `~` another version, `!` the same version with other bytes.
    public var lines: [String] {
        changes.map { change in
            switch (change.old, change.new) {
            case (nil, let new?): "+ \(new.name) \(new.version)"
            case (let old?, nil): "- \(old.name) \(old.version)"
            case (let old?, let new?) where old.version != new.version: "~ \(old.name) \(old.version) -> \(new.version)"
            case (let old?, let new?) where old.sha256 != new.sha256:
                "! \(old.name) \(old.version): other bytes under the same version"
            default: "~ \(change.name): other origin"
            }
        }
    }

    public var document: Value {
        .array(
            of: changes.map { change in
                .object([
                    ("name", .string(change.name)), ("old", change.old.map { .string($0.version) } ?? .null),
                    ("new", change.new.map { .string($0.version) } ?? .null),
                ])
            })
    }
}
