public import Documents

/// Changes to documents, a member at a time.
public enum DocumentChange {
    /// Every way to add, drop, mistype or misspell one member anywhere in `document`; of a list every entry is changed.
    public static func all(of document: Value) -> [(label: String, value: Value)] {
        var result: [(label: String, value: Value)] = []
        for path in objectPaths(document) {
            guard case .object(let members)? = value(document, path) else { continue }
            func add(_ label: String, _ key: String, _ new: Value?) {
                var copy = document
                set(&copy, path + [key], new)
                result.append((label: "\(label) in \((path).joined(separator: "."))", value: copy))
            }
            add("unknown member", "unknownMember", .null)
            for member in members {
                add("no \(member.key)", member.key, nil)
                add("mistyped \(member.key)", member.key, .bool(true))
                add("listed \(member.key)", member.key, .array(of: [.null]))
                add("misspelt \(member.key)", member.key, .string("\u{1}?"))
            }
        }
        return result
    }

    /// Those of `all` that change the form alone.
    public static func forms(of document: Value) -> [(label: String, value: Value)] {
        all(of: document).filter { change in
            ["unknown ", "no ", "mistyped "].contains { change.label.hasPrefix($0) }
        }
    }

    private static func objectPaths(_ value: Value, _ path: [String] = []) -> [[String]] {
        switch value {
        case .object(let members): [path] + members.flatMap { objectPaths($0.node.value, path + [$0.key]) }
        case .array(let nodes):
            nodes.enumerated().flatMap { objectPaths($0.element.value, path + ["\($0.offset)"]) }
        default: []
        }
    }

    /// The part of `value` at `path`, whose steps are keys and numbers.
    public static func value(_ value: Value, _ path: [String]) -> Value? {
        guard let key = path.first else { return value }
        if case .array(let nodes) = value, let index = Int(key), index < nodes.count {
            return self.value(nodes[index].value, Array(path.dropFirst()))
        }
        return value[key].flatMap { self.value($0, Array(path.dropFirst())) }
    }

    /// Sets the member at `path`; nil removes it.
    public static func set(_ value: inout Value, _ path: [String], _ new: Value?) {
        guard let key = path.first else {
            if let new { value = new }
            return
        }
        let rest = Array(path.dropFirst())
        switch value {
        case .array(var nodes):
            guard let index = Int(key), index < nodes.count else { return }
            set(&nodes[index].value, rest, new)
            value = .array(nodes)
        case .object(var members):
            if let index = members.firstIndex(where: { $0.key == key }) {
                if rest.isEmpty, new == nil {
                    members.remove(at: index)
                } else {
                    set(&members[index].node.value, rest, new)
                }
            } else if let new, rest.isEmpty {
                members.append(.init(key, Node(new)))
            }
            value = .object(members)
        default: return
        }
    }
}
