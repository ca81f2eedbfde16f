/// A JSON Schema (draft 2020-12), made of a few building blocks: what editors and readers in other languages check a
/// document's form by.
///
/// A schema says the form alone; what a decoder checks beyond it stands in the descriptions. Tests hold schemas and
/// decoders against each other.
public struct JSONSchema: Sendable, Hashable {
    /// The schema as a document, without `$schema` and `$id`.
    public let value: Value

    private init(_ members: [(String, Value)], description: String? = nil) {
        value = .object(members + (description.map { [("description", .string($0))] } ?? []))
    }

    /// The whole schema of the document type `name`.
    public func document(named name: String) -> Value {
        var members: [(String, Value)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .string("tag:assay,2026:schema/\(name)/v1")),
        ]
        if case .object(let own) = value { members += own.map { ($0.key, $0.node.value) } }
        return .object(members)
    }
}

extension JSONSchema {
    /// An object of these members and no other; all but `optional` are required.
    public static func object(
        _ members: [(String, JSONSchema)], optional: [String] = [], description: String? = nil
    ) -> JSONSchema {
        JSONSchema(
            [
                ("type", .string("object")), ("additionalProperties", .bool(false)),
                ("properties", .object(members.map { ($0.0, $0.1.value) })),
                ("required", .array(of: members.map(\.0).filter { !optional.contains($0) }.map { .string($0) })),
            ], description: description)
    }

    /// An object whose keys are data.
    public static func map(_ value: JSONSchema, names: JSONSchema? = nil, minimum: Int = 0) -> JSONSchema {
        JSONSchema(
            [
                ("type", .string("object")), ("additionalProperties", value.value), ("minProperties", .count(minimum)),
            ] + (names.map { [("propertyNames", $0.value)] } ?? []))
    }

    public static func list(
        _ items: JSONSchema, minimum: Int = 0, maximum: Int? = nil, unique: Bool = false, description: String? = nil
    ) -> JSONSchema {
        JSONSchema(
            [
                ("type", .string("array")), ("items", items.value), ("minItems", .count(minimum)),
                ("uniqueItems", .bool(unique)),
            ] + (maximum.map { [("maxItems", .count($0))] } ?? []), description: description)
    }

    /// A string; `pattern` is a regular expression of ECMA-262.
    public static func text(_ description: String? = nil, pattern: String? = nil) -> JSONSchema {
        JSONSchema(
            [("type", .string("string"))] + (pattern.map { [("pattern", .string($0))] } ?? []),
            description: description)
    }

    /// What our YAML takes as text and an editor's may take as a number: `0x9b`.
    public static func scalar(_ description: String? = nil) -> JSONSchema {
        JSONSchema([("type", .array(of: [.string("string"), .string("integer")]))], description: description)
    }

    /// One word of a closed set.
    public static func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> JSONSchema
    where Choice.RawValue == String {
        choice(Choice.allCases.map(\.rawValue))
    }

    public static func choice(_ words: [String]) -> JSONSchema {
        JSONSchema([("enum", .array(of: words.map { .string($0) }))])
    }

    public static func constant(_ text: String) -> JSONSchema { JSONSchema([("const", .string(text))]) }

    public static func constant(_ flag: Bool) -> JSONSchema { JSONSchema([("const", .bool(flag))]) }

    public static func integer(_ range: ClosedRange<Int>, description: String? = nil) -> JSONSchema {
        JSONSchema(
            [
                ("type", .string("integer")), ("minimum", .count(range.lowerBound)),
                ("maximum", .count(range.upperBound)),
            ], description: description)
    }

    /// An unsigned number of at most 32 bits, as an integer or as a `0x` string.
    public static func number(_ range: ClosedRange<Int> = 0...Int(UInt32.max)) -> JSONSchema {
        any([integer(range), text(pattern: "^0x[0-9A-Fa-f]+$")])
    }

    /// Lower-case hex of so many bytes.
    public static func hex(_ bytes: Int) -> JSONSchema { text(pattern: "^[0-9a-f]{\(2 * bytes)}$") }

    public static let flag = JSONSchema([("type", .string("boolean"))])
    public static let null = JSONSchema([("type", .string("null"))])

    /// Exactly one of them.
    public static func either(_ alternatives: [JSONSchema], description: String? = nil) -> JSONSchema {
        JSONSchema([("oneOf", .array(of: alternatives.map(\.value)))], description: description)
    }

    /// At least one of them.
    public static func any(_ alternatives: [JSONSchema]) -> JSONSchema {
        JSONSchema([("anyOf", .array(of: alternatives.map(\.value)))])
    }
}
