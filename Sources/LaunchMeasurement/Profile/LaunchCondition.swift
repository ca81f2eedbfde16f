private import Bytes
public import Documents

/// What must hold beside the registers: a value, a masked value, a rule, or a demand on the operator by name.
public struct LaunchCondition: Hashable, Sendable {
    public enum Requirement: Hashable, Sendable {
        /// Exactly this.
        case value(String)
        /// `found & mask == value`; both are `0x` integers or hex strings of the field's size.
        case masked(value: String, mask: String)
        /// A rule in words that verifiers know, e.g. `minimum`.
        case rule(String)
        /// The operator must say the value in the file of this key; without it nothing matches.
        case demand(String)
    }

    /// Field of the report or quote by its name in the specification: `POLICY`, `VMPL`, `TDATTRIBUTES`.
    public var name: String
    public var requirement: Requirement
    /// Why, for people.
    public var reason: String?

    static func list(_ entries: [(node: Node, path: String)]) throws(DocumentError) -> [LaunchCondition] {
        var result: [LaunchCondition] = []
        for (node, path) in entries {
            let condition = try LaunchCondition(node, path: path)
            guard !result.contains(where: { $0.name == condition.name }) else {
                throw DocumentError(node.location, path: path, "the condition '\(condition.name)' is given twice")
            }
            result.append(condition)
        }
        return result
    }

    private init(_ node: Node, path: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(node, path: path)
        name = try decoder.string("name")
        let value = try decoder.optionalString("value")
        let mask = try decoder.optionalString("mask")
        let rule = try decoder.optionalString("rule")
        let demand = try decoder.optionalString("demand")
        reason = try decoder.optionalString("reason")
        try decoder.finish()
        switch (value, mask, rule, demand) {
        case (let value?, nil, nil, nil): requirement = .value(value)
        case (let value?, let mask?, nil, nil): requirement = .masked(value: value, mask: mask)
        case (nil, nil, let rule?, nil): requirement = .rule(rule)
        case (nil, nil, nil, let demand?): requirement = .demand(demand)
        default:
            throw DocumentError(
                node.location, path: path,
                "expected exactly one of value, value with mask, rule, demand for \(name)")
        }
    }

    /// The condition as a document, as a profile writes it.
    public var document: Value {
        var members: [(String, Value)] = [("name", .string(name))]
        switch requirement {
        case .value(let value): members.append(("value", .string(value)))
        case .masked(let value, let mask): members += [("value", .string(value)), ("mask", .string(mask))]
        case .rule(let rule): members.append(("rule", .string(rule)))
        case .demand(let demand): members.append(("demand", .string(demand)))
        }
        if let reason { members.append(("reason", .string(reason))) }
        return .object(members)
    }
}
