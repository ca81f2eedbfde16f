import Bytes
import Documents
import Files
import ReferenceValues
import Signing
import TestSupport
import Testing
import YAMLDocuments

@Suite("Schemas")
struct SchemaTests {
    @Test("reference: schema and decoder accept and refuse the same forms")
    func reference() throws {
        let schema = SchemaReader(Schema.reference.document)
        let document = try Sample().statement().document
        let problem = schema.problem(document)
        #expect(problem == nil)
        // A form may be right and the values wrong: these the schema cannot know.
        let beyond = [
            "no definition", "no LAUNCH_DIGEST", "no MRTD", "no RTMR", "no vcpus", "no model", "no value in",
            "no demand in", "no exitBootServices",
        ]
        for (label, value) in DocumentChange.forms(of: document) {
            let decodes = (try? ReferenceStatement(parsing: CanonicalJSON.encode(value), source: "s")) != nil
            let fits = schema.problem(value) == nil
            if fits, beyond.contains(where: { label.hasPrefix($0) }) { continue }
            #expect(fits == decodes, "\(label): the decoder says \(decodes)")
        }
    }

    @Test("trust: schema and decoder accept and refuse the same forms, in the example that is shipped")
    func trust() throws {
        let schema = SchemaReader(Schema.trust.document)
        let root = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))
        let bytes = try InputFile.contents(of: root + "/measurements/trust.example.yaml")
        let document = try YAMLReader.parse(bytes, source: "trust.example.yaml").value
        let problem = schema.problem(document)
        #expect(problem == nil)
        _ = try TrustPolicy(Node(document))
        for (label, value) in DocumentChange.forms(of: document) {
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
        let schema = SchemaReader(Schema.trust.document)
        let problem = schema.problem(document)
        #expect(problem == nil)
    }
}
