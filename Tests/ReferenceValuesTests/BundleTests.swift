import Bytes
import Documents
import Files
import Hashing
import ReferenceValues
import Signing
import TestSupport
import Testing

@Suite("Bundle")
struct BundleTests {
    let suite: VerifierTests
    let path: String

    init() throws {
        suite = try VerifierTests()
        path = try Sample().write(into: suite.folder, signedBy: [suite.one])
    }

    func failures() throws -> [String] {
        let verdict = try suite.policy().verifier().verify(.folder(path))
        #expect(verdict.isAccepted == verdict.failures.isEmpty)
        return verdict.failures
    }

    @Test("is one folder of the design's shape, and replaces an older one whole")
    func layout() throws {
        #expect(FileSystem.name(of: path) == "tiny-1.0.assay")
        let files = try FileSystem.filesBelow(path)
        #expect(files.contains("inputs/images/tiny/image.yaml"))
        #expect(files.contains("profiles/snp-test.json"))
        #expect(files.contains("traces/snp-test/1-Milan.json"))
        try OutputFile.write([1], to: path + "/old")
        _ = try Sample().write(into: suite.folder, signedBy: [suite.one])
        #expect(try FileSystem.filesBelow(path) == files)
        #expect(try FileSystem.list(suite.folder.path) == ["tiny-1.0.assay"])
    }

    @Test("the same statement and files give the same manifest, whoever signs")
    func deterministic() throws {
        let ed = try PrivateKey.generate(.ed25519)
        func digests() throws -> [Digest] {
            let path = try Sample().write(into: suite.folder, signedBy: [ed])
            return try ["bundle.json", "reference.dsse.json"].map {
                .of(try InputFile.contents(of: "\(path)/\($0)"), .sha256)
            }
        }
        #expect(try digests() == digests())
    }

    @Test("every file: changed, cut, longer or gone is noticed, and named")
    func damage() throws {
        for name in try FileSystem.filesBelow(path) {
            let full = "\(path)/\(name)"
            let bytes = try InputFile.contents(of: full)
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            for new in [changed, Array(bytes.dropLast()), bytes + [0x20], nil] {
                if let new { try OutputFile.write(new, to: full) } else { try FileSystem.remove(full) }
                let found = try failures()
                #expect(!found.isEmpty, "\(name)")
                // A changed manifest may still be one, and then it is the file it lies about that is named.
                #expect(found.contains { $0.contains(name) } || name == BundleManifest.fileName, "\(name): \(found)")
            }
            try OutputFile.write(bytes, to: full)
            #expect(try failures() == [])
        }
    }

    @Test("every file changed with the manifest made to fit is noticed by the statement")
    func coveredDamage() throws {
        for name in try FileSystem.filesBelow(path) where name != BundleManifest.fileName {
            let full = "\(path)/\(name)"
            let bytes = try InputFile.contents(of: full)
            var changed = bytes
            // The last character of an envelope's base64 payload or a digit of a digest: still well-formed enough.
            changed[bytes.count / 2] ^= 1
            try OutputFile.write(changed, to: full)
            try suite.rewriteManifest(path)
            #expect(try !failures().isEmpty, "\(name)")
            try OutputFile.write(bytes, to: full)
        }
        try suite.rewriteManifest(path)
        #expect(try failures() == [])
    }

    @Test("a file beside the manifest's, or one the statement does not name, is refused")
    func strays() throws {
        for name in ["extra", "traces/extra.json", "inputs/images/tiny/more", "profiles/other.json", "artifacts/x"] {
            try FileSystem.makeDirectory(FileSystem.parent(of: "\(path)/\(name)"))
            try OutputFile.write(Array("{}".utf8), to: "\(path)/\(name)")
            #expect(try failures() == ["files \(name)"])
            try suite.rewriteManifest(path)
            #expect(try failures() == ["stray-files \(name)"])
            try FileSystem.remove("\(path)/\(name)")
            try suite.rewriteManifest(path)
        }
    }

    @Test("a link in the bundle is not followed")
    func link() throws {
        let name = "artifacts.json"
        let outside = try suite.folder.write("outside", Sample().artifacts)
        try FileSystem.remove("\(path)/\(name)")
        #expect(try Subprocess("ln", ["-s", outside, "\(path)/\(name)"]).run().status == 0)
        #expect(try failures() == ["files artifacts.json"])
    }

    @Test(
        "manifest names cannot leave the bundle",
        arguments: ["../x", "/etc/passwd", "a/../../x", "", ".", "bundle.json", "a//b", "a\u{0}b"])
    func traversal(name: String) throws {
        let digest = Sample.digest("x", .sha256)
        #expect(throws: DocumentError.self) {
            try BundleManifest(image: "a", version: "1", files: [.init(name: name, size: 1, sha256: digest)])
        }
        let text =
            #"{"files":[{"name":"NAME","sha256":"\#(digest)","size":1}],"format":"tag:assay,2026:bundle/v1","#
            + #""image":"a","version":"1"}"#
        #expect(throws: Never.self) { try BundleManifest(parsing: Array(text.utf8)) }
        let bad = text.replacing("NAME", with: name.replacing("\u{0}", with: "\\u0000"))
        #expect(throws: DocumentError.self) { try BundleManifest(parsing: Array(bad.utf8)) }
    }

    @Test(
        "manifest: a doubled name, a file that is a folder, an empty list, other order and unknown members are refused")
    func manifest() throws {
        let digest = Sample.digest("x", .sha256)
        func files(_ names: [String]) -> [BundleManifest.File] {
            names.map { .init(name: $0, size: 1, sha256: digest) }
        }
        for names in [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], []] {
            #expect(throws: DocumentError.self) {
                try BundleManifest(image: "a", version: "1", files: files(names))
            }
        }
        let good = String(
            decoding: try BundleManifest(image: "a", version: "1", files: files(["b", "a"])).encoded(), as: UTF8.self)
        for (from, to) in [
            (#""name":"a""#, #""name":"c""#), (#""size":1"#, #""Size":1"#), (#""size":1"#, #""size":-1"#),
            (#"bundle/v1"#, #"bundle/v2"#), (#""version":"1""#, #""version":"1","x":1"#), (digest.hex, "00"),
            (#""image":"a""#, #""image":"../a""#),
        ] {
            #expect(throws: DocumentError.self, "\(to)") {
                try BundleManifest(parsing: Array(good.replacing(from, with: to).utf8))
            }
        }
    }

    @Test("a file larger than its manifest says is not read")
    func size() throws {
        let name = "artifacts.json"
        try OutputFile.write([UInt8](repeating: 0x20, count: 5 << 20), to: "\(path)/\(name)")
        #expect(try failures() == ["files artifacts.json"])
    }

    @Test("a bundle that is not one is a no")
    func notABundle() throws {
        let empty = try TemporaryFolder()
        let verdict = try suite.policy().verifier().verify(.folder(empty.path))
        #expect(!verdict.isAccepted)
        #expect(verdict.failures == ["manifest bundle.json", "signatures reference.dsse.json"])
        #expect(throws: FileError.self) { try BundleSource.folder(empty.path + "/nothing") }
    }
}
