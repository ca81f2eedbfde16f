import Documents
import Files
import LaunchMeasurement
import TestSupport
import Testing
import YAMLDocuments

@Suite("Schema of profile.yaml")
struct SchemaTests {
    private static let names = ["qemu-snp-amdsev-2026.08", "qemu-tdx-inteltdx-2026.08", "qemu-vtpm-ovmf-2026.08"]

    private static func document(_ name: String) throws -> Value {
        let root = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))
        let path = "\(root)/measurements/platforms/\(name)/profile.yaml"
        return try YAMLReader.parse(InputFile.contents(of: path), source: path).value
    }

    @Test("schema and decoder accept and refuse the same changes of the shipped profiles", arguments: names)
    func agreement(_ name: String) throws {
        let schema = SchemaReader(PlatformProfile.schema.document(named: "profile"))
        let document = try Self.document(name)
        let problem = schema.problem(document)
        #expect(problem == nil)
        for (label, value) in DocumentChange.all(of: document) {
            let decodes = (try? PlatformProfile(Node(value))) != nil
            let problem = schema.problem(value)
            // Which names of sections the stub knows stands in no schema.
            if problem == nil, !decodes, label.hasPrefix("misspelt value in rules.") { continue }
            #expect(
                (problem == nil) == decodes, "\(label): the decoder says \(decodes), the schema \(problem ?? "yes")")
        }
    }

    @Test("schema and decoder know the same rules by name, and the same words for each", arguments: names)
    func rules(_ name: String) throws {
        let document = try Self.document(name)
        let stray = Value.object([
            ("name", .string("no.such.rule")), ("value", .string("no-such-value")), ("origin", .string("a test")),
            ("confidence", .string("read-in-source")),
        ])
        guard case .array(let rules)? = document["rules"] else { throw TestFailure("no rules") }
        var changed = document
        DocumentChange.set(&changed, ["rules"], .array(rules + [Node(stray)]))
        let error = #expect(throws: DocumentError.self) { try PlatformProfile(Node(changed)) }
        let known = Set(Self.words(after: "expected one of ", in: error?.problem))
        let forms = try Self.ruleForms(of: document["tee"])
        // Rules of an IGVM file are asked for only when one of them is there.
        #expect(
            known.subtracting(forms.keys).isEmpty
                && Set(forms.keys).subtracting(known).allSatisfy { $0.hasPrefix("igvm.") })
        for (index, rule) in rules.enumerated() {
            guard let name = Self.text(rule.value["name"]), case .array(let words)? = forms[name]?["enum"] else {
                continue
            }
            var changed = document
            DocumentChange.set(&changed, ["rules", "\(index)", "value"], .string("no-such-value"))
            let error = #expect(throws: DocumentError.self) { try PlatformProfile(Node(changed)) }
            #expect(
                Self.words(after: "expected one of ", in: error?.problem).map {
                    $0.split(separator: " ").first.map(String.init)
                }
                    == words.map { Self.text($0.value) }, "\(name)")
        }
    }

    /// The forms of the rules' values by name, for a TEE.
    private static func ruleForms(of tee: Value?) throws -> [String: Value] {
        guard case .array(let profiles)? = PlatformProfile.schema.value["oneOf"],
            let form = profiles.first(where: { text($0.value["properties"]?["tee"]?["const"]) == text(tee) }),
            case .array(let forms)? = form.value["properties"]?["rules"]?["items"]?["anyOf"]
        else { throw TestFailure("the schema has no rules for \(text(tee) ?? "nothing")") }
        return Dictionary(
            uniqueKeysWithValues: forms.compactMap { node in
                guard let name = text(node.value["properties"]?["name"]?["const"]),
                    let value = node.value["properties"]?["value"]
                else { return nil }
                return (name, value)
            })
    }

    private static func words(after start: String, in text: String?) -> [String] {
        guard let parts = text?.split(separator: start, maxSplits: 1), parts.count == 2 else { return [] }
        return parts[1].split(separator: ", ").map(String.init)
    }

    private static func text(_ value: Value?) -> String? {
        switch value {
        case .string(let text), .plain(let text): text
        default: nil
        }
    }
}
