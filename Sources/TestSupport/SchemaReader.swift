public import Documents

/// As much of JSON Schema as the printed schemas use.
public struct SchemaReader {
    private let schema: Value

    public init(_ schema: Value) { self.schema = schema }

    /// Why the schema refuses `value`; nil if it accepts it.
    public func problem(_ value: Value) -> String? { Self.problem(value, schema) }

    private static func problem(_ value: Value, _ schema: Value) -> String? {
        if case .array(let choices)? = schema["oneOf"] {
            let problems = choices.map { problem(value, $0.value) }
            let count = problems.count { $0 == nil }
            return count == 1 ? nil : "\(count) alternatives fit: \(problems.compactMap { $0 }.joined(separator: "; "))"
        }
        if case .array(let choices)? = schema["anyOf"] {
            return choices.contains { problem(value, $0.value) == nil } ? nil : "no alternative fits"
        }
        if case .bool(let flag)? = schema["const"] {
            return value == .bool(flag) || value == .plain("\(flag)") ? nil : "not the constant"
        }
        if let constant = schema["const"] { return text(value) == text(constant) ? nil : "not the constant" }
        if case .array(let allowed)? = schema["enum"] {
            return allowed.contains { text($0.value) == text(value) } ? nil : "not in the list"
        }
        switch schema["type"] {
        case .string(let type)?: return problem(value, type, schema)
        case .array(let types)?:
            let fits = types.contains { node in
                if case .string(let type) = node.value { problem(value, type, schema) == nil } else { false }
            }
            return fits ? nil : "no type fits"
        default: return "the schema has no type"
        }
    }

    private static func problem(_ value: Value, _ type: String, _ schema: Value) -> String? {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("boolean", .plain("true")), ("boolean", .plain("false")): return nil
        case ("string", .string), ("string", .plain):
            guard case .string(let pattern)? = schema["pattern"] else { return nil }
            guard let expression = try? Regex(pattern), let text = text(value) else { return "bad pattern \(pattern)" }
            return text.firstMatch(of: expression) == nil ? "'\(text)' does not match \(pattern)" : nil
        case ("integer", .integer), ("integer", .plain):
            guard let number = integer(value) else { return "not an integer" }
            guard case .integer(let low)? = schema["minimum"], case .integer(let high)? = schema["maximum"] else {
                return nil
            }
            return (low...high).contains(number) ? nil : "out of range"
        case ("array", .array(let nodes)):
            if case .integer(let minimum)? = schema["minItems"], nodes.count < minimum { return "too few" }
            guard let items = schema["items"] else { return "the schema has no items" }
            return nodes.lazy.compactMap { problem($0.value, items) }.first
        case ("object", .object(let members)): return object(value, members, schema)
        default: return "found \(value.kind), expected \(type)"
        }
    }

    private static func object(_ value: Value, _ members: [Value.Member], _ schema: Value) -> String? {
        if case .array(let required)? = schema["required"] {
            for name in required { if case .string(let name) = name.value, value[name] == nil { return "no \(name)" } }
        }
        if case .integer(let minimum)? = schema["minProperties"], members.count < minimum { return "too few" }
        for member in members {
            if let inner = schema["properties"]?[member.key] {
                if let problem = problem(member.node.value, inner) { return "\(member.key): \(problem)" }
            } else if case .bool(false)? = schema["additionalProperties"] {
                return "unknown \(member.key)"
            } else if let inner = schema["additionalProperties"], let problem = problem(member.node.value, inner) {
                return "\(member.key): \(problem)"
            }
        }
        return nil
    }

    private static func text(_ value: Value) -> String? {
        switch value {
        case .string(let text), .plain(let text): text
        default: nil
        }
    }

    /// An integer; a YAML scalar is typed by what the schema wants.
    private static func integer(_ value: Value) -> Int64? {
        switch value {
        case .integer(let number): number
        case .plain(let text): text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
        default: nil
        }
    }
}
