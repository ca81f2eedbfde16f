private import Bytes
public import Documents
private import Hashing

extension TraceNode {
    /// Most nodes of a trace that is read.
    public static let maximumCount = 1 << 20
    /// How many levels of nodes a trace that is read may have.
    public static let maximumDepth = 24
    /// Most zero bytes that a source of a trace that is read may stand for: a section of firmware has at most 4 GiB.
    public static let maximumZeros = 1 << 32

    /// Reads what `document` gives; an unknown member is an error.
    ///
    /// Digests are taken as they stand: nothing is recomputed.
    public init(_ node: Node, path: String = "trace") throws(DocumentError) {
        var reader = TraceReader()
        self = try reader.read(node, path: path, depth: 1)
    }
}

private struct TraceReader {
    private var count = 0

    mutating func read(_ node: Node, path: String, depth: Int) throws(DocumentError) -> TraceNode {
        count += 1
        guard count <= TraceNode.maximumCount, depth <= TraceNode.maximumDepth else {
            throw DocumentError(
                node.location, path: path,
                "expected at most \(TraceNode.maximumCount) nodes on \(TraceNode.maximumDepth) levels")
        }
        var decoder = try ObjectDecoder(node, path: path)
        var result = TraceNode(
            id: try decoder.string("id"), name: try decoder.string("name"),
            origin: try decoder.optionalString("origin") ?? "", operation: try decoder.choice("operation"),
            gpa: try gpa(&decoder, of: node),
            register: try decoder.optionalString("register"), digest: try digest(&decoder),
            source: try source(&decoder), count: try decoder.optionalInteger("count") ?? 1)
        if var details = try decoder.optionalObject("details") {
            result.details = details.remainingMembers().map { ($0.key, $0.node.value.unplaced) }
        }
        for (child, path) in try decoder.optionalList("children") {
            result.children.append(try read(child, path: path, depth: depth + 1))
        }
        try decoder.finish()
        return result
    }

    private func gpa(_ decoder: inout ObjectDecoder, of node: Node) throws(DocumentError) -> UInt64? {
        guard node.value["gpa"] != nil else { return nil }
        return try decoder.unsigned("gpa")
    }

    private func digest(_ decoder: inout ObjectDecoder) throws(DocumentError) -> Digest? {
        guard let text = try decoder.optionalString("digest") else { return nil }
        let algorithm: HashAlgorithm = try decoder.choice("algorithm")
        guard let digest = Digest(algorithm, hex: text), digest.hex == text else {
            throw decoder.error(
                "digest", "found '\(text)', expected \(algorithm.byteCount * 2) lower-case hex digits")
        }
        return digest
    }

    private func source(_ decoder: inout ObjectDecoder) throws(DocumentError) -> TraceNode.Source? {
        guard var inner = try decoder.optionalObject("source") else { return nil }
        if let text = try inner.optionalString("literal") {
            guard let bytes = [UInt8](hex: text) else {
                throw inner.error("literal", "found '\(text.prefix(64))', expected hex digits")
            }
            try inner.finish()
            return .literal(bytes)
        }
        if let count = try inner.optionalInteger("zeros") {
            guard (0...TraceNode.maximumZeros).contains(count) else {
                throw inner.error("zeros", "found \(count), expected 0 to \(TraceNode.maximumZeros)")
            }
            try inner.finish()
            return .zeros(count)
        }
        let source = TraceNode.Source.range(
            artifact: try inner.string("artifact"), offset: try inner.integer("offset"),
            count: try inner.integer("count"))
        try inner.finish()
        return source
    }
}

extension Value {
    /// The value without the places where it stood, so that equal values of two documents are equal.
    fileprivate var unplaced: Value {
        switch self {
        case .array(let nodes): .array(of: nodes.map(\.value.unplaced))
        case .object(let members): .object(members.map { ($0.key, $0.node.value.unplaced) })
        default: self
        }
    }
}
