import Documents
import Files
import GuestImage
import TestSupport
import Testing
import YAMLDocuments

@Suite("Schema of image.yaml")
struct SchemaTests {
    private static let shipped = ["minimal", "systemd-node"].map { name in
        FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath))) + "/images/\(name)/image.yaml"
    }

    @Test("schema and decoder accept and refuse the same changes of the shipped definitions and of one with every key")
    func agreement() throws {
        let schema = SchemaReader(ImageDefinition.schema.document(named: "image"))
        for bytes in try Self.shipped.map({ try InputFile.contents(of: $0) }) + [Array(sampleDefinition.utf8)] {
            let document = try YAMLReader.parse(bytes, source: "image.yaml").value
            let problem = schema.problem(document)
            #expect(problem == nil)
            for (label, value) in DocumentChange.all(of: document) {
                let decodes = (try? ImageDefinition(Node(value))) != nil
                let problem = schema.problem(value)
                #expect(
                    (problem == nil) == decodes, "\(label): the decoder says \(decodes), the schema \(problem ?? "yes")"
                )
            }
        }
    }

    @Test(
        "words that the rules of a field refuse, the schema refuses too",
        arguments: [
            ("name: sample", "name: Sample"), ("name: sample", "name: -a"), ("version: 1.2", "version: a_b"),
            ("epoch: 1700000000", "epoch: 315532799"), ("[quiet]", "[panic=0]"), ("[quiet]", "[roothash=0]"),
            ("[quiet]", "[assay.verity.salt=0]"), ("mode: \"1777\"", "mode: \"1778\""), ("\"1777\"", "\"+777\""),
            ("path: /srv", "path: srv"), ("path: /srv", "path: /srv/../etc"), ("path: /srv", "path: /srv/"),
            ("path: /srv", "path: /"), ("from: files/init", "from: ../init"), ("from: files/init", "from: /init"),
            ("[sev-guest]", "[sev.guest]"), ("amd64", "arm64"), ("04B54C3C", "04b54c3c"),
            ("provided: [awk]", "provided: [_]"),
        ])
    func words(change: (old: String, new: String)) throws {
        try #require(sampleDefinition.contains(change.old))
        let text = sampleDefinition.replacing(change.old, with: change.new, maxReplacements: 1)
        let document = try YAMLReader.parse(Array(text.utf8), source: "image.yaml")
        #expect(throws: DocumentError.self) { try ImageDefinition(document) }
        let problem = SchemaReader(ImageDefinition.schema.document(named: "image")).problem(document.value)
        #expect(problem != nil)
    }
}
