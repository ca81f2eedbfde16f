import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing
import Transport

@Suite("registries")
struct RegistryTests {
    static let digest = Digest.of([1], .sha256)

    @Test("are told from paths by their first part")
    func references() throws {
        for text in ["localhost/app", "127.0.0.1:5000/a", "registry.example/team/app_x", "[::1]:5000/app"] {
            #expect(RegistryReference.isRegistry(text))
            _ = try RegistryReference(text, digest: Self.digest)
        }
        for text in ["app", "./a.b/c", "/a.b/c", "folder/app", "../x"] { #expect(!RegistryReference.isRegistry(text)) }
        for text in [
            "registry.example/App", "registry.example/", "registry.example/a//b", "a b.example/x",
            "registry.example/a:tag", "-x.example/a", "registry.example/a\"b",
        ] {
            #expect(throws: RegistryError.self) { _ = try RegistryReference(text, digest: Self.digest) }
        }
    }

    @Test("take passwords from the file that others wrote, strictly")
    func credentials() throws {
        let text =
            #"{"auths":{"https://r.example/v1/":{"auth":"dTpw"},"s.example":{}},"credHelpers":{"h.example":"x"}}"#
        _ = try RegistryCredentials(Array(text.utf8), source: "config.json")
        for bad in [
            #"{"auths":[]}"#, #"{"auths":{"a":{"auth":"a\nb"}}}"#, #"{"auths":{"a":{"auth":"x\"y"}}}"#, "[]", "",
        ] {
            #expect(throws: DocumentError.self) { _ = try RegistryCredentials(Array(bad.utf8), source: "config.json") }
        }
    }

    @Test("say where nobody answers", .enabled(if: Outside.has("curl"), "curl is not installed"))
    func absent() throws {
        let client = RegistryClient(try RegistryReference("127.0.0.1:1/app", digest: Self.digest))
        let error = #expect(throws: RegistryError.self) { _ = try client.blob(Self.digest, limit: 10) }
        #expect(error?.outcome == .environment && error?.description.contains("127.0.0.1:1/v2/app/blobs") == true)
    }
}
