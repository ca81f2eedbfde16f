import Documents
private import Yams

/// A key that a block mapping has twice.
///
/// Yams says only which key it is and where it stands first; people want the second place and the way to it. So the
/// second is renamed, which makes the text valid, and looked up in the tree.
struct DuplicateKey {
    private let key: String
    /// Where it stands first, 1-based.
    private let first: (line: Int, column: Int)
    private let text: String
    private static let standIn = "assay-second-occurrence"

    init(_ key: String, at first: (line: Int, column: Int), in text: String) {
        self.key = key
        self.first = first
        self.text = text
    }

    /// What to tell about it. In a flow mapping (`{a: 1, a: 2}`) the place is that of the first key.
    func error(source: String) -> DocumentError {
        guard let (line, renamed) = secondRenamed() else {
            return DocumentError(
                Location(source: source, line: first.line, column: first.column), path: key, "duplicate key",
                hint: "a key may stand once")
        }
        return DocumentError(
            Location(source: source, line: line, column: first.column), path: Self.path(in: renamed, to: key) ?? key,
            "duplicate key; it stands in line \(first.line) already", hint: "remove one of the two")
    }

    /// The 1-based line of the second occurrence, and the text with another key there.
    private func secondRenamed() -> (line: Int, text: String)? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        guard first.line > 0, first.column > 0 else { return nil }
        for index in lines.indices.dropFirst(first.line) {
            let line = lines[index]
            let indentation = line.prefix { $0 == " " }.count
            if line.dropFirst(indentation).first.map({ $0 == "#" }) ?? true { continue }
            guard indentation >= first.column - 1 else { return nil }
            guard indentation == first.column - 1, let rest = rest(line.dropFirst(indentation)) else { continue }
            lines[index] = String(repeating: " ", count: indentation) + Self.standIn + rest
            return (index + 1, lines.joined(separator: "\n"))
        }
        return nil
    }

    /// What follows the key on its line; nil if the line has another key.
    private func rest(_ line: Substring) -> Substring? {
        for written in [key, "\"\(key)\"", "'\(key)'"] where line.hasPrefix(written) {
            let rest = line.dropFirst(written.count)
            if rest.drop(while: { $0 == " " }).first == ":" { return rest }
        }
        return nil
    }

    private static func path(in text: String, to key: String) -> String? {
        guard let parser = try? Yams.Parser(yaml: text, resolver: .basic) else { return nil }
        return withExtendedLifetime(parser) {
            guard let root = try? parser.singleRoot() else { return nil }
            return path(in: root, to: key, depth: 0)
        }
    }

    private static func path(in node: Yams.Node, to key: String, depth: Int) -> String? {
        guard depth < 32 else { return nil }
        switch node {
        case .mapping(let mapping):
            for (name, value) in mapping {
                guard case .scalar(let scalar) = name else { continue }
                if scalar.string == standIn { return key }
                if let inner = path(in: value, to: key, depth: depth + 1) {
                    return scalar.string + (inner.hasPrefix("[") ? "" : ".") + inner
                }
            }
        case .sequence(let sequence):
            for (index, value) in sequence.enumerated() {
                guard let inner = path(in: value, to: key, depth: depth + 1) else { continue }
                return "[\(index)]" + (inner.hasPrefix("[") ? "" : ".") + inner
            }
        case .scalar, .alias: break
        }
        return nil
    }
}
