private import Bytes
public import Documents
public import Hashing
public import Trace

/// The pages of a launch in the order in which a loader hands them to the secure processor.
///
/// A plan says what is measured and from where; `measure` and `measureSEV` turn it into the digest and its trace.
public struct LaunchPlan: Sendable {
    /// Consecutive pages of one type and one source.
    public struct Run: Sendable {
        /// Stable name inside a plan, e.g. `section-2`.
        public var id: String
        public var name: String
        public var origin: String
        public var type: PageType
        /// Guest physical address of the first page; the next one is `step` bytes further.
        public var gpa: UInt64
        public var count: Int
        public var step: UInt64
        public var content: Content
        /// How the content came about, for the trace.
        public var parts: [TraceNode]
        public var details: [(name: String, value: Value)]

        public init(
            id: String, name: String, origin: String, type: PageType, gpa: UInt64, count: Int = 1,
            step: UInt64 = 4096, content: Content = .none, parts: [TraceNode] = [],
            details: [(name: String, value: Value)] = []
        ) {
            self.id = id
            self.name = name
            self.origin = origin
            self.type = type
            self.gpa = gpa
            self.count = count
            self.step = step
            self.content = content
            self.parts = parts
            self.details = details
        }
    }

    /// Where the bytes of a run's pages come from.
    public enum Content: Sendable {
        /// Nothing of the pages is measured.
        case none
        /// Page after page of a file; `bytes` are the whole pages.
        case file(artifact: String, offset: Int, bytes: ArraySlice<UInt8>)
        /// Every page of the run holds these bytes.
        case page([UInt8])
    }

    /// Digest of the pages before the first run, when they are known by their digest alone.
    public var seed: Digest?
    public var runs: [Run]

    public init(seed: Digest? = nil, runs: [Run]) {
        self.seed = seed
        self.runs = runs
    }

    /// Bytes of a page.
    public static let pageByteCount = 4096

    /// The SEV-SNP digest after all runs, and one trace node a run.
    ///
    /// Each node's digest is the running value after its run. Whoever has the named files can compute it: for page i of
    /// the run, CONTENTS is the SHA-384 of 4096 bytes of the source at offset + 4096·i, or of a page that is zero but
    /// for the runs of bytes in `content`, or zero if there is neither; the GPA is `gpa` + i·`gpaStep`.
    public func measure(after start: LaunchDigest? = nil) -> (digest: LaunchDigest, nodes: [TraceNode]) {
        var digest = start ?? LaunchDigest(seed: seed ?? .zero(.sha384))
        var nodes: [TraceNode] = []
        for run in runs {
            digest.add(run)
            nodes.append(run.node(digest: digest.value))
        }
        return (digest, nodes)
    }

    /// The digest of a SEV or SEV-ES launch (GCTX.LD), and one trace node a run.
    ///
    /// It is the SHA-256 of the runs' bytes one after another (SEV API 0.24, LAUNCH_UPDATE_DATA and
    /// LAUNCH_UPDATE_VMSA): neither addresses nor types enter it, and a run without content adds nothing. Each node's
    /// digest is the SHA-256 of all bytes up to the end of its run.
    public func measureSEV() -> (digest: Digest, nodes: [TraceNode]) {
        var hash = Hash(.sha256)
        let nodes = addSEV(to: &hash)
        return (hash.finish(), nodes)
    }

    func addSEV(to hash: inout Hash) -> [TraceNode] {
        runs.map { run in
            switch run.content {
            case .none: break
            case .file(_, _, let bytes): hash.update(bytes)
            case .page(let bytes): for _ in 0..<run.count { hash.update(bytes) }
            }
            return run.node(digest: hash.copy().finish())
        }
    }
}

extension LaunchPlan.Run {
    /// SHA-384 of each page, packed, or of the one that all pages equal; empty where the type measures none.
    var contentDigests: [UInt8] {
        guard type.measuresContent else { return [] }
        switch content {
        case .none: return []
        case .page(let bytes): return Digest.of(bytes, .sha384).bytes
        case .file(_, _, let bytes):
            return unsafe BlockHasher(.sha384, blockSize: LaunchPlan.pageByteCount).digests(of: bytes.span.bytes)
        }
    }

    /// The run as a trace node: `digest` is the running value after it.
    func node(digest: Digest) -> TraceNode {
        var facts: [(name: String, value: Value)] = [("pageType", .count(Int(type.rawValue)))]
        if count > 1 { facts.append(("gpaStep", .hex(step))) }
        var source: TraceNode.Source?
        switch content {
        case .none: break
        case .file(let artifact, let offset, let bytes):
            source = .range(artifact: artifact, offset: offset, count: bytes.count)
        case .page(let bytes): facts.append(("content", Self.nonzeroRuns(bytes)))
        }
        return TraceNode(
            id: id, name: name, origin: origin, operation: .chain, gpa: gpa, register: "LAUNCH_DIGEST", digest: digest,
            source: source, details: facts + details, count: count, children: parts)
    }

    /// The bytes of a page that are not zero, as runs by offset; gaps of fewer than 8 zeros stay in a run.
    private static func nonzeroRuns(_ page: [UInt8]) -> Value {
        var runs: [(start: Int, end: Int)] = []
        for (offset, byte) in page.enumerated() where byte != 0 {
            if let last = runs.last, offset - last.end < 8 {
                runs[runs.count - 1].end = offset + 1
            } else {
                runs.append((offset, offset + 1))
            }
        }
        return .object(runs.map { (hexadecimal($0.start), Value.string(page[$0.start..<$0.end].hex)) })
    }
}
