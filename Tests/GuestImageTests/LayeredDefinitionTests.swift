import Bytes
import DiskFormats
import Documents
import Files
import GuestImage
import Hashing
import Packages
import TestSupport
import Testing
import Transport
import YAMLDocuments

@Suite("definitions with layers and files by hash")
struct LayeredDefinitionTests {
    private static let shipped =
        FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath))) + "/images/oci-app/image.yaml"
    private static let digest = String(repeating: "ab", count: 32)

    private static func text() throws -> String {
        String(decoding: try InputFile.contents(of: shipped), as: UTF8.self)
    }

    private static func definition(_ text: String) throws -> ImageDefinition {
        try ImageDefinition(YAMLReader.parse(Array(text.utf8), source: "image.yaml"))
    }

    @Test("schema and decoder accept and refuse the same changes of the shipped definition")
    func agreement() throws {
        let schema = SchemaReader(ImageDefinition.schema.document(named: "image"))
        let document = try YAMLReader.parse(Array(Self.text().utf8), source: "image.yaml").value
        #expect(schema.problem(document) == nil)
        for (label, value) in DocumentChange.all(of: document) {
            let decodes = (try? ImageDefinition(Node(value))) != nil
            #expect((schema.problem(value) == nil) == decodes, "\(label): the decoder says \(decodes)")
        }
    }

    @Test("say what a lock has to pin, and keep everything in the document")
    func requests() throws {
        let more = """
            layers:
                - tar: base.tar.gz
                  sha256: \(Self.digest)
                - url: https://files.example/app.tar
                  sha256: \(Self.digest)
            """
        let text = try Self.text().replacing("layers:", with: more)
        let definition = try Self.definition(text)
        #expect(
            definition.resolutionRequest.sources.map(\.place).prefix(2) == [
                "base.tar.gz", "https://files.example/app.tar",
            ])
        #expect(try Self.definition(text).digest() == definition.digest())
        #expect(try Self.definition(text).digest() != Self.definition(Self.text()).digest())
        let snapshot = try Self.definition(
            Self.text().replacing("archive:\n", with: "archive:\n  snapshot: 20261101T000000Z\n"))
        #expect(snapshot.resolutionRequest.snapshot == "20261101T000000Z")
    }

    @Test(
        "are refused where a source is not pinned or two kinds are mixed",
        arguments: [
            ("layers:\n", "packages: [base-files]\n  layers:\n"), ("@sha256:", "@sha256:0"),
            ("- oci: ../", "- oci: registry.example/"),
            ("archive:\n", "archive:\n  snapshot: today\n"), ("layers:\n", "devices: drop\n  layers:\n"),
            ("layers:\n", "layers:\n    - tar: a\n"),
        ])
    func refused(change: (old: String, new: String)) throws {
        let text = try Self.text()
        try #require(text.contains(change.old))
        #expect(throws: DocumentError.self) {
            _ = try Self.definition(text.replacing(change.old, with: change.new, maxReplacements: 1))
        }
    }

    @Test("take files by hash from a path, a pool or an address, and nothing else")
    func files() throws {
        let folder = try TemporaryFolder()
        try folder.write("images/f", [1, 2, 3])
        var sources = PackageSources(cache: try ContentStore(folder.file("cache")))
        sources.folder = folder.file("images")
        let digest = Digest.of([1, 2, 3], .sha256)
        #expect(try sources.file("f", digest) == [1, 2, 3])
        #expect(throws: PackageError.self) { _ = try sources.file("f", .of([9], .sha256)) }
        sources.pools = [folder.file("pool")]
        try folder.write("pool/" + digest.hex, [1, 2, 3])
        #expect(try sources.file("nowhere", digest) == [1, 2, 3])
        sources.pools = []
        guard Outside.has("curl") else { return }
        #expect(try sources.file("file://" + folder.file("images/f"), digest) == [1, 2, 3])
        try FileSystem.remove(folder.file("images/f"))
        // It is in the cache now.
        #expect(try sources.file("file://" + folder.file("images/f"), digest) == [1, 2, 3])
    }

    @Test("make a root of layers, the process that the image names, and the packages that it lists")
    func root() throws {
        let folder = try TemporaryFolder()
        let status =
            "Package: demo\nVersion: 1-2\nArchitecture: amd64\nStatus: install ok installed\n\nPackage: gone\nVersion: 1\nStatus: deinstall ok config-files\n"
        let layout = try SampleLayout(
            folder, [.init(TarBytes.archive { $0.file("var/lib/dpkg/status", status) })])
        let text = try Self.text()
        let line = try #require(text.split(separator: "\n").first { $0.contains("- oci:") })
        let definition = try Self.definition(
            text.replacing(line, with: "    - oci: \(layout.path)@sha256:\(layout.digest.hex)"))
        let root = try #require(
            try LayeredRoot(definition, sources: PackageSources(), scratch: folder.file("scratch")))
        #expect(root.packages.map(\.name) == ["demo"])
        #expect(root.configuration?.entrypoint == ["/app"])
        guard case .file(.bytes(let bytes))? = root.tree[LayeredRoot.processPath]?.kind else {
            Issue.record("there is no process")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "user=''\nexport A='1'\ndirectory='/'\nset -- '/app'\n")
    }
}
