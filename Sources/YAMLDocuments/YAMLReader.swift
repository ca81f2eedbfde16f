public import Documents
private import Yams

/// Reads the YAML that people write into the same tree as JSON (design, §4): one document, at most 1 MiB, no anchors,
/// aliases, tags or merge keys; an unquoted scalar stays raw text, and the schema says what it is.
public enum YAMLReader {
    /// Largest document accepted, in bytes.
    public static let maximumSize = 1 << 20
    private static let maximumDepth = 32

    /// Reads one document.
    public static func parse(_ bytes: [UInt8], source: String) throws(DocumentError) -> Documents.Node {
        let top = Location(source: source)
        guard bytes.count <= maximumSize else {
            throw DocumentError(top, "found \(bytes.count) bytes, expected at most \(maximumSize)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw notUTF8(bytes, source: source) }
        try refuseDeepNesting(text, source: source)
        do {
            // A node holds its anchor weakly: the parser must live until the tree is converted.
            let parser = try Yams.Parser(yaml: text, resolver: .basic)
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else { throw DocumentError(top, "empty document") }
                return try convert(root, source: source, path: "", depth: 0)
            }
        } catch let error as DocumentError {
            throw error
        } catch let error as YamlError {
            throw composed(error, text, source: source)
        } catch {
            throw DocumentError(top, "not YAML: \(error)")
        }
    }

    /// libyaml reads flow collections recursively: too many open brackets are refused before it sees them.
    private static func refuseDeepNesting(_ text: String, source: String) throws(DocumentError) {
        var depth = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: continue
            }
            if depth > 1024 { throw DocumentError(Location(source: source), "nested too deeply") }
        }
    }

    private static func notUTF8(_ bytes: [UInt8], source: String) -> DocumentError {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        return DocumentError(
            Location(source: source, line: bad + 1, column: 1), "holds bytes that are not UTF-8",
            hint: "save the file as UTF-8 text")
    }

    private static func composed(_ error: YamlError, _ text: String, source: String) -> DocumentError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return DocumentError(Location(source: source, line: mark.line, column: mark.column), problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return DuplicateKey(
                duplicates.first ?? "", at: (context.mark.line, context.mark.column), in: text
            ).error(source: source)
        default:
            return DocumentError(Location(source: source), "not YAML: \(error)")
        }
    }

    private static func convert(
        _ node: Yams.Node, source: String, path: String, depth: Int
    ) throws(DocumentError) -> Documents.Node {
        let place = Location(source: source, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0)
        guard depth < maximumDepth else { throw DocumentError(place, path: path, "nested too deeply") }
        guard node.anchor == nil else { throw DocumentError(place, path: path, "anchors are not allowed") }
        switch node {
        case .scalar(let scalar):
            try refuseTag(scalar.tag, place, path)
            let isPlain = scalar.style == .plain || scalar.style == .any
            return Documents.Node(isPlain ? .plain(scalar.string) : .string(scalar.string), at: place)
        case .sequence(let sequence):
            try refuseTag(sequence.tag, place, path)
            var nodes: [Documents.Node] = []
            for (index, child) in sequence.enumerated() {
                nodes.append(try convert(child, source: source, path: "\(path)[\(index)]", depth: depth + 1))
            }
            return Documents.Node(.array(nodes), at: place)
        case .mapping(let mapping):
            try refuseTag(mapping.tag, place, path)
            return Documents.Node(
                .object(try members(of: mapping, at: place, source: source, path: path, depth: depth)), at: place)
        case .alias:
            throw DocumentError(place, path: path, "aliases are not allowed")
        }
    }

    private static func members(
        of mapping: Yams.Node.Mapping, at place: Location, source: String, path: String, depth: Int
    ) throws(DocumentError) -> [Value.Member] {
        var members: [Value.Member] = []
        var seen: Set<String> = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key, scalar.string != "<<" else {
                throw DocumentError(place, path: path, "keys must be plain words; merge keys are not allowed")
            }
            let inner = path.isEmpty ? scalar.string : "\(path).\(scalar.string)"
            guard seen.insert(scalar.string).inserted else { throw DocumentError(place, path: inner, "duplicate key") }
            let node = try convert(value, source: source, path: inner, depth: depth + 1)
            members.append(Value.Member(scalar.string, node))
        }
        return members
    }

    private static func refuseTag(_ tag: Tag, _ place: Location, _ path: String) throws(DocumentError) {
        let allowed = ["", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"]
        guard allowed.contains(tag.description) else {
            throw DocumentError(place, path: path, "tags are not allowed")
        }
    }
}
