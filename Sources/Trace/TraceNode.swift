private import Bytes
public import Documents
public import Hashing

/// One step of a measurement: what was hashed, where it came from, where it went.
///
/// A measurement's trace is the tree of these in hashing order. Whoever has the named inputs can recompute every
/// digest from it; `ci/test` does so with a script that shares no code with Assay.
public struct TraceNode: Hashable, Sendable {
    /// Stable within the trace, e.g. `firmware/section-3`; two traces are compared by it.
    public var id: String
    /// What people call it, e.g. `SNP_KERNEL_HASHES page`.
    public var name: String
    /// The rule that put it here and how sure that rule is, e.g. `edk2 OVMF metadata, table order`.
    public var origin: String
    /// How this node's digest follows from its source or children.
    public var operation: Operation
    /// Guest physical address of the first byte, for pages.
    public var gpa: UInt64?
    /// Register that takes the digest: `RTMR1`, `PCR4`, …
    public var register: String?
    public var digest: Digest?
    /// The bytes that were hashed.
    public var source: Source?
    /// Facts that enter the digest beside the bytes, by name: page type, event type, …
    public var details: [(name: String, value: Value)]
    /// More than one for a run of equal pages.
    public var count: Int
    public var children: [TraceNode]

    /// How a digest is made.
    public enum Operation: String, Sendable, CaseIterable {
        /// Holds others; has no digest of its own.
        case group
        /// digest = H(source bytes).
        case hash
        /// digest = H(concatenation of the children's source bytes).
        case concatenation
        /// digest = H(previous ‖ …) as the platform chains it; the node holds the running value after it.
        case chain
        /// The register's final value after extending by the children in order.
        case extend
    }

    /// Bytes by artifact name and range, or given literally when they are short and made by a rule.
    public enum Source: Hashable, Sendable {
        case range(artifact: String, offset: Int, count: Int)
        case literal([UInt8])
        /// So many zero bytes, which fill up memory that is hashed as a whole.
        case zeros(Int)
    }

    public init(
        id: String, name: String, origin: String = "", operation: Operation = .group, gpa: UInt64? = nil,
        register: String? = nil, digest: Digest? = nil, source: Source? = nil,
        details: [(name: String, value: Value)] = [], count: Int = 1, children: [TraceNode] = []
    ) {
        self.id = id
        self.name = name
        self.origin = origin
        self.operation = operation
        self.gpa = gpa
        self.register = register
        self.digest = digest
        self.source = source
        self.details = details
        self.count = count
        self.children = children
    }

    public static func == (a: TraceNode, b: TraceNode) -> Bool { a.document == b.document }
    public func hash(into hasher: inout Hasher) { hasher.combine(document) }
}

extension TraceNode {
    /// The node and all below it as a document; empty members are left out.
    public var document: Value {
        var members: [(String, Value)] = [("id", .string(id)), ("name", .string(name))]
        members.append(("operation", .string(operation.rawValue)))
        if !origin.isEmpty { members.append(("origin", .string(origin))) }
        if let gpa { members.append(("gpa", .hex(gpa))) }
        if let register { members.append(("register", .string(register))) }
        if let digest {
            members.append(("digest", .string(digest.hex)))
            members.append(("algorithm", .string(digest.algorithm.rawValue)))
        }
        switch source {
        case .range(let artifact, let offset, let count):
            let range: [(String, Value)] = [
                ("artifact", .string(artifact)), ("offset", .hex(offset)), ("count", .count(count)),
            ]
            members.append(("source", .object(range)))
        case .literal(let bytes): members.append(("source", .object([("literal", .string(bytes.hex))])))
        case .zeros(let count): members.append(("source", .object([("zeros", .count(count))])))
        case nil: break
        }
        if !details.isEmpty { members.append(("details", .object(details.map { ($0.name, $0.value) }))) }
        if count != 1 { members.append(("count", .count(count))) }
        if !children.isEmpty { members.append(("children", .array(of: children.map(\.document)))) }
        return .object(members)
    }

    /// SHA-256 over the canonical JSON of the trace: how a statement names it.
    public func documentDigest() throws(DocumentError) -> Digest {
        .of(try CanonicalJSON.encode(document), .sha256)
    }
}
