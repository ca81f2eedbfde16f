private import Bytes
public import Documents

/// JSON Schema (draft 2020-12) of the documents of this module, for editors and for readers in other languages.
///
/// A schema says the form alone; what a decoder checks beyond it (thresholds, distinct keys, the canonical encoding) stands
/// in the descriptions. Tests hold schema and decoder against each other.
public enum Schema: String, Sendable, CaseIterable {
    case trust, reference

    /// The schema as a document.
    public var document: Value {
        var members: [(String, Value)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .string("tag:assay,2026:schema/\(rawValue)/v1")),
        ]
        if case .object(let own) = body { members += own.map { ($0.key, $0.node.value) } }
        return .object(members)
    }

    private var body: Value {
        switch self {
        case .trust: Self.trustForm
        case .reference: Self.referenceForm
        }
    }

    // MARK: building blocks

    static func object(
        _ members: [(String, Value)], optional: [String] = [], description: String? = nil
    ) -> Value {
        var result: [(String, Value)] = [
            ("type", .string("object")), ("additionalProperties", .bool(false)), ("properties", .object(members)),
            ("required", .array(of: members.map(\.0).filter { !optional.contains($0) }.map { .string($0) })),
        ]
        if let description { result.append(("description", .string(description))) }
        return .object(result)
    }

    static func map(_ value: Value, names: Value? = nil, minimum: Int = 0) -> Value {
        var result: [(String, Value)] = [
            ("type", .string("object")), ("additionalProperties", value), ("minProperties", .count(minimum)),
        ]
        if let names { result.append(("propertyNames", names)) }
        return .object(result)
    }

    static func list(_ items: Value, minimum: Int = 0, maximum: Int? = nil, unique: Bool = false) -> Value {
        var result: [(String, Value)] = [
            ("type", .string("array")), ("items", items), ("minItems", .count(minimum)), ("uniqueItems", .bool(unique)),
        ]
        if let maximum { result.append(("maxItems", .count(maximum))) }
        return .object(result)
    }

    static func text(_ description: String? = nil, pattern: String? = nil) -> Value {
        var result: [(String, Value)] = [("type", .string("string"))]
        if let description { result.append(("description", .string(description))) }
        if let pattern { result.append(("pattern", .string(pattern))) }
        return .object(result)
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Value
    where Choice.RawValue == String {
        .object([("enum", .array(of: Choice.allCases.map { .string($0.rawValue) }))])
    }

    static func constant(_ text: String) -> Value { .object([("const", .string(text))]) }

    static func integer(_ range: ClosedRange<Int>) -> Value {
        .object([
            ("type", .string("integer")), ("minimum", .count(range.lowerBound)), ("maximum", .count(range.upperBound)),
        ])
    }

    static func either(_ alternatives: [Value]) -> Value { .object([("oneOf", .array(of: alternatives))]) }

    static let word = text(pattern: "^[A-Za-z0-9][A-Za-z0-9._+~:@%=,-]{0,79}$")
    static let file = text("A relative name of at most 240 bytes.", pattern: "^[A-Za-z0-9._+~:@%=,/-]+$")
    static func hex(_ bytes: Int) -> Value { text(pattern: "^[0-9a-f]{\(2 * bytes)}$") }
}
