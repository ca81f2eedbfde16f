import Bytes
import Documents
import Files
import ReferenceValues
import Signing
import TestSupport
import Testing
import YAMLDocuments

/// As much of JSON Schema as the printed schemas use.
struct SchemaReader {
    let schema: Value

    /// Why the schema refuses `value`; nil if it accepts it.
    func problem(_ value: Value) -> String? { Self.problem(value, schema) }

    static func problem(_ value: Value, _ schema: Value) -> String? {
        if case .array(let choices)? = schema["oneOf"] {
            let count = choices.count { problem(value, $0.value) == nil }
            return count == 1 ? nil : "\(count) alternatives fit"
        }
        if case .array(let choices)? = schema["anyOf"] {
            return choices.contains { problem(value, $0.value) == nil } ? nil : "no alternative fits"
        }
        if let constant = schema["const"] { return value == constant ? nil : "not the constant" }
        if case .array(let allowed)? = schema["enum"] {
            return allowed.contains { $0.value == value } ? nil : "not in the list"
        }
        guard case .string(let type)? = schema["type"] else { return "the schema has no type" }
        switch (type, value) {
        case ("null", .null), ("string", .string), ("string", .plain): return nil
        case ("integer", .integer), ("integer", .plain):
            guard let number = integer(value), case .integer(let low)? = schema["minimum"],
                case .integer(let high)? = schema["maximum"]
            else { return "not an integer" }
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

    /// An integer; a YAML scalar is typed by what the schema wants.
    private static func integer(_ value: Value) -> Int64? {
        switch value {
        case .integer(let number): number
        case .plain(let text): Int64(text)
        default: nil
        }
    }
}

@Suite("Schemas")
struct SchemaTests {
    /// Every way to add, drop or mistype one member anywhere in `document`.
    static func mutations(of document: Value) -> [(label: String, value: Value)] {
        var result: [(label: String, value: Value)] = []
        for path in StatementTests.objectPaths(document, []) {
            guard case .object(let members)? = StatementTests.value(document, path) else { continue }
            func add(_ label: String, _ edit: (inout Value) -> Void) {
                var copy = document
                edit(&copy)
                result.append((label: "\(label) \(path.joined(separator: "."))", value: copy))
            }
            add("unknown member in") { StatementTests.set(&$0, path + ["unknownMember"], .null) }
            for member in members {
                add("no \(member.key) in") { StatementTests.remove(&$0, path + [member.key]) }
                add("mistyped \(member.key) in") { StatementTests.set(&$0, path + [member.key], .bool(true)) }
            }
        }
        return result
    }

    @Test("reference: schema and decoder accept and refuse the same forms")
    func reference() throws {
        let schema = SchemaReader(schema: Schema.reference.document)
        let document = try Sample().statement().document
        let problem = schema.problem(document)
        #expect(problem == nil)
        // A form may be right and the values wrong: these the schema cannot know.
        let beyond = ["no definition", "no LAUNCH_DIGEST", "no MRTD", "no RTMR", "no vcpus", "no model", "no value in"]
        for (label, value) in Self.mutations(of: document) {
            let decodes = (try? ReferenceStatement(parsing: CanonicalJSON.encode(value), source: "s")) != nil
            let fits = schema.problem(value) == nil
            if fits, beyond.contains(where: { label.hasPrefix($0) }) { continue }
            #expect(fits == decodes, "\(label): the decoder says \(decodes)")
        }
    }

    @Test("trust: schema and decoder accept and refuse the same forms, in the example that is shipped")
    func trust() throws {
        let schema = SchemaReader(schema: Schema.trust.document)
        let root = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))
        let bytes = try InputFile.contents(of: root + "/measurements/trust.example.yaml")
        let document = try YAMLReader.parse(bytes, source: "trust.example.yaml").value
        let problem = schema.problem(document)
        #expect(problem == nil)
        _ = try TrustPolicy(Node(document))
        for (label, value) in Self.mutations(of: document) {
            // Neither form knows that some role must sign values.
            if label == "no publisher in roles" { continue }
            let decodes = (try? TrustPolicy(Node(value))) != nil
            let fits = schema.problem(value) == nil
            #expect(fits == decodes, "\(label): the decoder says \(decodes)")
        }
    }

    @Test("trust: demands that are not waived fit as well")
    func demands() throws {
        var text = PolicyText()
        text.roles = try Role.allCases.map {
            ($0.rawValue, [try PrivateKey.generate(.ed25519).publicKey], 1)
        }
        text.demands = [
            "channel: {minimumVersion: 1}", "log: {keys: [a]}", "witnesses: {keys: [a], threshold: 1}",
            "maximumAge: {seconds: 1}", "quorum: {operators: 1}",
            "acceptedProfiles: {a: \(String(repeating: "0", count: 64))}",
        ]
        let document = try YAMLReader.parse(Array(text.text.utf8), source: "trust.yaml").value
        _ = try text.policy()
        let schema = SchemaReader(schema: Schema.trust.document)
        let problem = schema.problem(document)
        #expect(problem == nil)
    }
}
