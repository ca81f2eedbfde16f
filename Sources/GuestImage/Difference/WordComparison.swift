private import Documents

/// Words of a command line that only one has, in order; nil if the bytes are no text.
enum WordComparison {
    static func lines(_ old: [UInt8], _ new: [UInt8]) -> [String]? {
        guard let left = TextComparison.text(old), let right = TextComparison.text(new) else { return nil }
        let one = left.split(separator: " ").map(String.init)
        let other = right.split(separator: " ").map(String.init)
        guard one != other else { return ["the same words with other blanks between them or a line end"] }
        let changes = other.difference(from: one)
        var removed: [String] = []
        var added: [String] = []
        for change in changes.removals { if case .remove(_, let word, _) = change { removed.append("-\(word)") } }
        for change in changes.insertions { if case .insert(_, let word, _) = change { added.append("+\(word)") } }
        return removed + added
    }
}

/// Members of two JSON documents that differ, by key path; nil if one is no JSON.
enum JSONComparison {
    private static let most = 20

    static func lines(_ old: [UInt8], _ new: [UInt8]) -> [String]? {
        guard let one = try? JSONReader.parse(old, source: "old", mode: .foreign),
            let other = try? JSONReader.parse(new, source: "new", mode: .foreign)
        else { return nil }
        var (left, right) = ([String: String](), [String: String]())
        flatten(one.value, "", into: &left)
        flatten(other.value, "", into: &right)
        var lines: [String] = []
        for path in Set(left.keys).union(right.keys).sorted() where left[path] != right[path] {
            lines.append("\(path): \(left[path] ?? "absent") to \(right[path] ?? "absent")")
        }
        guard !lines.isEmpty else { return ["the same members, written otherwise"] }
        return lines.count > most ? lines.prefix(most) + ["and \(lines.count - most) more members"] : lines
    }

    private static func flatten(_ value: Value, _ path: String, into members: inout [String: String]) {
        switch value {
        case .object(let list):
            for member in list {
                flatten(member.node.value, path.isEmpty ? member.key : "\(path).\(member.key)", into: &members)
            }
        case .array(let nodes):
            for (index, node) in nodes.enumerated() { flatten(node.value, "\(path)[\(index)]", into: &members) }
        case .string(let text), .plain(let text), .number(let text): members[path] = text
        case .integer(let number): members[path] = "\(number)"
        case .bool(let flag): members[path] = "\(flag)"
        case .null: members[path] = "null"
        }
    }
}
