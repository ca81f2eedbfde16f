private import Bytes

/// Takes an object apart key by key; a key that nobody read is an error, and so is a missing or mistyped one.
public struct ObjectDecoder {
    private var members: [String: Node]
    private let order: [Value.Member]
    private var known: [String] = []
    public let location: Location
    /// Keys from the document's root to this object.
    public let path: String

    /// A decoder for `node`, which must be an object.
    public init(_ node: Node, path: String = "") throws(DocumentError) {
        guard case .object(let list) = node.value else {
            throw DocumentError(node.location, path: path, "found \(node.value.kind), expected an object")
        }
        members = [:]
        for member in list {
            guard members.updateValue(member.node, forKey: member.key) == nil else {
                throw DocumentError(member.node.location, path: path + "." + member.key, "duplicate key")
            }
        }
        order = list
        location = node.location
        self.path = path
    }

    /// `key` with the path that leads to it.
    public func pathOf(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// An error about `key`.
    public func error(_ key: String, _ problem: String, hint: String? = nil) -> DocumentError {
        let place = order.first { $0.key == key }?.node.location ?? location
        return DocumentError(place, path: pathOf(key), problem, hint: hint)
    }

    /// Whether the object has a key; asking does not count as reading it.
    public func has(_ key: String) -> Bool { order.contains { $0.key == key } }

    /// The node of a key that may be missing.
    public mutating func optionalNode(_ key: String) -> Node? {
        known.append(key)
        return members.removeValue(forKey: key)
    }

    /// The node of a key that must be there.
    public mutating func node(_ key: String) throws(DocumentError) -> Node {
        guard let node = optionalNode(key) else { throw missing(key) }
        return node
    }

    /// A key that is not there; a key that nobody asked for and that looks like it is probably what was meant.
    private func missing(_ key: String) -> DocumentError {
        let near = order.filter { members[$0.key] != nil && !known.contains($0.key) }
            .first { Self.distance(key, $0.key) <= 2 }
        guard let near else { return error(key, "missing; it is required") }
        return DocumentError(
            near.node.location, path: pathOf(near.key), "unknown key, and '\(key)' is missing",
            hint: "did you mean '\(key)'?")
    }

    /// A string; an unquoted YAML scalar counts as one.
    public mutating func string(_ key: String) throws(DocumentError) -> String {
        try Self.string(node(key), path: pathOf(key))
    }

    public mutating func optionalString(_ key: String) throws(DocumentError) -> String? {
        guard let node = optionalNode(key) else { return nil }
        return try Self.string(node, path: pathOf(key))
    }

    /// A string that is one of a closed set.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type = Choice.self
    ) throws(DocumentError) -> Choice where Choice.RawValue == String {
        let text = try string(key)
        guard let choice = Choice(rawValue: text) else {
            throw error(
                key, "found '\(text)', expected one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    public mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type = Choice.self
    ) throws(DocumentError) -> Choice? where Choice.RawValue == String {
        order.contains { $0.key == key } ? try choice(key) : nil
    }

    /// An integer in `range`: a JSON integer, a decimal or `0x` scalar, or a `0x` string.
    public mutating func integer(
        _ key: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(DocumentError) -> Int {
        try Self.integer(node(key), path: pathOf(key), in: range)
    }

    public mutating func optionalInteger(
        _ key: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(DocumentError) -> Int? {
        guard let node = optionalNode(key) else { return nil }
        return try Self.integer(node, path: pathOf(key), in: range)
    }

    /// An unsigned 64-bit integer, as `integer`.
    public mutating func unsigned(_ key: String) throws(DocumentError) -> UInt64 {
        let node = try node(key)
        guard let value = Self.unsigned(node.value) else {
            throw DocumentError(
                node.location, path: pathOf(key), "found \(node.value.kind), expected a decimal or 0x integer")
        }
        return value
    }

    public mutating func bool(_ key: String) throws(DocumentError) -> Bool {
        try Self.bool(node(key), path: pathOf(key))
    }

    public mutating func optionalBool(_ key: String) throws(DocumentError) -> Bool? {
        guard let node = optionalNode(key) else { return nil }
        return try Self.bool(node, path: pathOf(key))
    }

    /// Lower-case hex of `count` bytes (any number if nil).
    public mutating func hex(_ key: String, count: Int? = nil) throws(DocumentError) -> [UInt8] {
        let text = try string(key)
        guard let bytes = [UInt8](hex: text), text == text.lowercased(), count == nil || bytes.count == count else {
            throw error(key, "found '\(text)', expected \(count.map { "\($0 * 2) " } ?? "")lower-case hex digits")
        }
        return bytes
    }

    /// The elements of a list that must be there, each with its path.
    public mutating func list(_ key: String) throws(DocumentError) -> [(node: Node, path: String)] {
        try Self.list(node(key), path: pathOf(key))
    }

    /// The elements of a list; a missing key is an empty list.
    public mutating func optionalList(_ key: String) throws(DocumentError) -> [(node: Node, path: String)] {
        guard let node = optionalNode(key) else { return [] }
        return try Self.list(node, path: pathOf(key))
    }

    /// A list of strings that must be there.
    public mutating func strings(_ key: String) throws(DocumentError) -> [String] {
        var result: [String] = []
        for (node, path) in try list(key) { result.append(try Self.string(node, path: path)) }
        return result
    }

    /// A list of strings; a missing key is an empty list.
    public mutating func optionalStrings(_ key: String) throws(DocumentError) -> [String] {
        var result: [String] = []
        for (node, path) in try optionalList(key) { result.append(try Self.string(node, path: path)) }
        return result
    }

    /// A decoder for an object that must be there.
    public mutating func object(_ key: String) throws(DocumentError) -> ObjectDecoder {
        try ObjectDecoder(node(key), path: pathOf(key))
    }

    public mutating func optionalObject(_ key: String) throws(DocumentError) -> ObjectDecoder? {
        guard let node = optionalNode(key) else { return nil }
        return try ObjectDecoder(node, path: pathOf(key))
    }

    /// Every key that is left, in document order: for maps whose keys are data.
    public mutating func remainingMembers() -> [(key: String, node: Node)] {
        let rest = order.filter { members[$0.key] != nil }.map { (key: $0.key, node: $0.node) }
        members = [:]
        return rest
    }

    /// Requires that every key was read.
    public func finish() throws(DocumentError) {
        guard let stray = order.first(where: { members[$0.key] != nil }) else { return }
        let near = known.filter { Self.distance($0, stray.key) <= 2 }.min()
        throw DocumentError(
            stray.node.location, path: pathOf(stray.key),
            "unknown key; expected one of \(known.joined(separator: ", "))",
            hint: near.map { "did you mean '\($0)'?" })
    }

    // MARK: scalars

    public static func string(_ node: Node, path: String) throws(DocumentError) -> String {
        switch node.value {
        case .string(let text), .plain(let text): return text
        default: throw DocumentError(node.location, path: path, "found \(node.value.kind), expected a string")
        }
    }

    public static func integer(
        _ node: Node, path: String, in range: ClosedRange<Int> = 0...Int.max
    ) throws(DocumentError) -> Int {
        let value: Int? =
            switch node.value {
            case .integer(let number): Int(number)
            default: unsigned(node.value).flatMap { Int(exactly: $0) }
            }
        guard let value else {
            throw DocumentError(node.location, path: path, "found \(node.value.kind), expected an integer")
        }
        guard range.contains(value) else {
            throw DocumentError(
                node.location, path: path, "found \(value), expected \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    static func unsigned(_ value: Value) -> UInt64? {
        switch value {
        case .integer(let number): UInt64(exactly: number)
        case .plain(let text): parseInteger(text)
        case .string(let text): text.hasPrefix("0x") ? parseInteger(text) : nil
        default: nil
        }
    }

    public static func bool(_ node: Node, path: String) throws(DocumentError) -> Bool {
        switch node.value {
        case .bool(let flag): return flag
        case .plain("true"): return true
        case .plain("false"): return false
        default: throw DocumentError(node.location, path: path, "found \(node.value.kind), expected true or false")
        }
    }

    public static func list(_ node: Node, path: String) throws(DocumentError) -> [(node: Node, path: String)] {
        guard case .array(let nodes) = node.value else {
            throw DocumentError(node.location, path: path, "found \(node.value.kind), expected a list")
        }
        return nodes.enumerated().map { (node: $0.element, path: "\(path)[\($0.offset)]") }
    }

    /// Edit distance, for "did you mean".
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8.prefix(64))
        let b = Array(b.utf8.prefix(64))
        var row = Array(0...b.count)
        for i in a.indices {
            var previous = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = min(row[j] + 1, row[j + 1] + 1, previous + (a[i] == b[j] ? 0 : 1))
                previous = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[b.count]
    }
}
