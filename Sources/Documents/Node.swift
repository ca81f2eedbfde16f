private import Bytes

/// Where in a document a value stands: 1-based line and column (in bytes), and the keys that lead to it.
public struct Location: Hashable, Sendable, CustomStringConvertible {
    public var source: String
    public var line: Int
    public var column: Int

    public init(source: String, line: Int = 0, column: Int = 0) {
        self.source = source
        self.line = line
        self.column = column
    }

    public var description: String { line > 0 ? "\(source):\(line):\(column)" : source }
}

/// One value of a document with its place in the text.
public struct Node: Hashable, Sendable {
    public var value: Value
    public var location: Location

    public init(_ value: Value, at location: Location = Location(source: "document")) {
        self.value = value
        self.location = location
    }
}

/// The value tree that JSON and YAML are read into.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A JSON number with a fraction or exponent, kept as text; only foreign documents have it.
    case number(String)
    case string(String)
    /// An unquoted YAML scalar: the schema says what it is.
    case plain(String)
    case array([Node])
    case object([Member])

    /// A member of an object, in document order.
    public struct Member: Hashable, Sendable {
        public var key: String
        public var node: Node
        public init(_ key: String, _ node: Node) {
            self.key = key
            self.node = node
        }
    }
}

extension Value {
    /// An object from pairs, in the given order; the canonical writer sorts.
    public static func object(_ pairs: [(String, Value)]) -> Value {
        .object(pairs.map { Member($0.0, Node($0.1)) })
    }

    /// An array of values without locations.
    public static func array(of values: [Value]) -> Value {
        .array(values.map { Node($0) })
    }

    /// An address or a large integer, as the canonical form writes it.
    public static func hex(_ value: some BinaryInteger) -> Value {
        .string(hexadecimal(value))
    }

    /// A count that fits a JSON integer.
    public static func count(_ value: Int) -> Value { .integer(Int64(value)) }

    /// What the value is, for error messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .plain(let text): "'\(text)'"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// Looks up a member of an object; nil for other values.
    public subscript(key: String) -> Value? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.node.value
    }
}

/// Why a document was refused: place, key path, what was found and what was expected.
public struct DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    public var location: Location
    /// Keys from the root, e.g. `root.verity.salt`; empty at the root.
    public var path: String
    public var problem: String
    public var hint: String?

    public init(_ location: Location, path: String = "", _ problem: String, hint: String? = nil) {
        self.location = location
        self.path = path
        self.problem = problem
        self.hint = hint
    }

    public var description: String {
        path.isEmpty ? "\(location): \(problem)" : "\(location): \(path): \(problem)"
    }
}
