public import Documents
private import Hashing
public import Packages

/// A maintainer script of a package in the root that was not run, and why that is fine.
public struct ScriptVerdict: Sendable, Hashable {
    public enum Ground: String, Sendable, Hashable {
        /// A rule of Assay's knows the script.
        case rule
        /// The definition accepts it.
        case definition
        /// No script of this kind is run when an image is made.
        case kind
    }

    public var package: String
    public var script: MaintainerScript
    public var ground: Ground
    public var reason: String

    /// The verdict as `assay build --json` lists it.
    public var document: Value {
        .object([
            ("package", .string(package)), ("script", .string(script.kind.rawValue)),
            ("sha256", .string(script.sha256.hex)), ("ground", .string(ground.rawValue)), ("reason", .string(reason)),
        ])
    }
}
