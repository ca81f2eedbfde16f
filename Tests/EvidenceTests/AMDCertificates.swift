import Evidence
import Files
import Signing
import TestSupport
import Testing

/// AMD's own certificates, from the fixtures.
enum AMDCertificates {
    /// ARK and ASK of a line.
    static func chain(_ line: String) throws -> [Certificate] {
        let path = FileSystem.parent(of: #filePath) + "/Fixtures/amd-\(line).pem"
        return try Certificate.read(InputFile.contents(of: path), source: "amd-\(line).pem")
    }
}

@Suite("AMD's root keys")
struct AMDRootTests {
    @Test(
        "the pinned digest is that of the line's root, which signed the line's authority",
        arguments: SNPProduct.allCases)
    func pinned(product: SNPProduct) throws {
        guard let digest = product.rootKeyDigest else {
            #expect(product == .venice)
            return
        }
        let certificates = try AMDCertificates.chain(product.rawValue.lowercased())
        let path = try #require(CertificatePath(from: certificates[1], through: certificates))
        #expect(path.root.key.digest == digest)
        #expect(path.certificates.map(\.name) == ["SEV-\(product.rawValue)", "ARK-\(product.rawValue)"])
        #expect(path.problems(at: 1_790_000_000).isEmpty)
    }
}
