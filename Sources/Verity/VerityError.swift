public import Bytes

/// Why a tree cannot be made, or what does not fit the root hash.
public struct VerityError: ExplainedError, Equatable {
    public enum Kind: Sendable, Equatable {
        /// A parameter outside of the format.
        case parameter
        /// Data or tree do not fit the root hash.
        case mismatch
    }

    /// The first block that does not fit; block numbers count from 0, `offset` is a byte in its file.
    public enum Place: Sendable, Hashable {
        case data(block: Int, offset: Int)
        /// Level 0 holds the digests of the data blocks; `block` counts within the level.
        case hash(level: Int, block: Int, offset: Int)
    }

    public var kind: Kind
    public var description: String
    public var place: Place?
    public var hint: String?

    public init(_ kind: Kind, _ description: String, at place: Place? = nil, hint: String? = nil) {
        self.kind = kind
        self.description = description
        self.place = place
        self.hint = hint
    }

    public var outcome: Outcome { kind == .mismatch ? .no : .unusable }
}
