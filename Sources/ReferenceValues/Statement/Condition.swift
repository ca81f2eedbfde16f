private import Bytes
public import Documents

/// What must hold beside the registers: a value, a masked value, a rule, or a demand on the operator by name.
public struct Condition: Hashable, Sendable {
    public enum Requirement: Hashable, Sendable {
        /// Exactly this: an integer or lower-case hex of the field's size.
        case value(String)
        /// found & mask = value.
        case masked(value: String, mask: String)
        /// A rule in words that verifiers know, e.g. `minimum`.
        case rule(String)
        /// The operator's file must give the value under this key; without it nothing matches.
        case demand(String)
    }

    /// Field of the report or quote by its name in the specification: `POLICY`, `TDATTRIBUTES`.
    public var name: String
    public var requirement: Requirement
    /// Why, for people.
    public var reason: String?

    public init(_ name: String, _ requirement: Requirement, reason: String? = nil) {
        self.name = name
        self.requirement = requirement
        self.reason = reason
    }

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
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
        default: throw decoder.error("name", "expected one of value, value with mask, rule, demand for \(name)")
        }
    }

    /// The condition as profiles and statements write it.
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

    /// Whether the condition leaves bit `bit` clear for certain; false if it does not fix it or cannot be read.
    func keepsClear(bit: Int) -> Bool {
        let flag: UInt64 = 1 << UInt64(bit)
        switch requirement {
        case .value(let value): return Self.integer(value).map { $0 & flag == 0 } ?? false
        case .masked(let value, let mask):
            guard let value = Self.integer(value), let mask = Self.integer(mask) else { return false }
            return mask & flag != 0 && value & flag == 0
        case .rule, .demand: return false
        }
    }

    /// An integer, or 16 hex digits as a report or quote holds them: eight bytes, the least significant first.
    private static func integer(_ text: String) -> UInt64? {
        if text.utf8.count == 16, !text.hasPrefix("0x"), let bytes = [UInt8](hex: text) {
            return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        return parseInteger(text)
    }
}
