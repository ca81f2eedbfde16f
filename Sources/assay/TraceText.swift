import Bytes
import Documents
import Hashing
import Trace

/// A trace for people: a node on a line or two, with what was hashed and where it went.
struct TraceText {
    /// Levels that are shown.
    let depth: Int

    func text(_ node: TraceNode) -> String {
        lines(node, level: 1).map { Self.oneLine($0) + "\n" }.joined()
    }

    /// The trace without what lies deeper.
    func cut(_ node: TraceNode, level: Int = 1) -> TraceNode {
        var node = node
        node.children = level < depth ? node.children.map { cut($0, level: level + 1) } : []
        return node
    }

    private func lines(_ node: TraceNode, level: Int) -> [String] {
        let space = String(repeating: "  ", count: level - 1)
        var lines = ["\(space)\(node.name) (\(node.id))\(Self.place(node))"]
        if let source = Self.source(node) { lines.append("\(space)  from \(source)") }
        if !node.origin.isEmpty { lines.append("\(space)  by \(node.origin)") }
        let details = node.details.map { "\($0.name) \(Self.flat($0.value))" }
        if !details.isEmpty { lines.append("\(space)  with \(details.joined(separator: ", "))") }
        if let digest = node.digest {
            lines.append("\(space)  \(Self.verb(node.operation)) \(digest.algorithm.rawValue) \(digest)")
        }
        if level < depth {
            lines += node.children.flatMap { self.lines($0, level: level + 1) }
        } else if !node.children.isEmpty {
            lines.append("\(space)  … \(node.children.count) nodes below; --depth shows more")
        }
        return lines
    }

    private static func place(_ node: TraceNode) -> String {
        var parts: [String] = []
        if let gpa = node.gpa { parts.append("at \(hexadecimal(gpa))") }
        if node.count != 1 { parts.append("\(node.count) times") }
        if let register = node.register { parts.append("into \(register)") }
        return parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
    }

    private static func source(_ node: TraceNode) -> String? {
        switch node.source {
        case .range(let artifact, let offset, let count): "\(artifact), \(count) bytes at \(hexadecimal(offset))"
        case .literal(let bytes) where bytes.isEmpty: "no bytes"
        case .literal(let bytes) where bytes.allSatisfy { (0x20..<0x7F).contains($0) }:
            "'\(String(decoding: bytes, as: UTF8.self))'"
        case .literal(let bytes): "bytes \(bytes.hex)"
        case .zeros(let count): "\(count) zero bytes"
        case nil: nil
        }
    }

    private static func verb(_ operation: TraceNode.Operation) -> String {
        switch operation {
        case .group: "holds"
        case .hash, .concatenation: "hashed to"
        case .chain: "chained to"
        case .extend: "extended to"
        }
    }

    /// A detail on one line.
    private static func flat(_ value: Value) -> String {
        switch value {
        case .null: "none"
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let number): String(number)
        case .number(let text), .string(let text), .plain(let text): text
        case .array(let nodes): nodes.map { flat($0.value) }.joined(separator: " ")
        case .object(let members):
            "{" + members.map { "\($0.key): \(flat($0.node.value))" }.joined(separator: " ") + "}"
        }
    }

    /// Text that stays on its line and moves no cursor.
    static func oneLine(_ text: String) -> String {
        Console.escape(text).replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    }
}
