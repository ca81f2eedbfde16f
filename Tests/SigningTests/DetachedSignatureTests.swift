import Bytes
import Documents
import Files
import Hashing
import Signing
import TestSupport
import Testing

@Suite("Detached CMS signatures")
struct DetachedSignatureTests {
    private static let root = Array(String(repeating: "0a", count: 32).utf8)
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func own(_ algorithm: KeyAlgorithm) throws -> (key: PrivateKey, certificate: Certificate) {
        let key = try PrivateKey.generate(algorithm)
        let recipe = CertificateRecipe(
            subject: "Signer", issuer: "Signer", key: key.publicKey.encoding,
            algorithm: algorithm == .p256 ? TestDER.ecdsaSHA256 : TestDER.ecdsaSHA384,
            extensions: TestDER.authority())
        return (key, try Certificate(der: recipe.signed(key.sign), source: "certificate"))
    }

    @Test("a signature is good for its content and its certificate alone", arguments: [KeyAlgorithm.p256, .p384])
    func roundTrip(algorithm: KeyAlgorithm) throws {
        let signer = try own(algorithm)
        let bytes = try DetachedSignature.sign(Self.root, with: signer.key, certificate: signer.certificate)
        let signature = try DetachedSignature(der: bytes, source: "signature")
        #expect(signature.certificates == [signer.certificate])
        #expect(signature.isValid(over: Self.root, by: signer.certificate))
        #expect(!signature.isValid(over: Self.root + [0x0A], by: signer.certificate))
        #expect(!signature.isValid(over: Self.root, by: try own(algorithm).certificate))
        #expect(throws: SigningError.self) {
            try DetachedSignature.sign(Self.root, with: own(algorithm).key, certificate: signer.certificate)
        }
    }

    /// A changed byte is an error or makes the signature bad, unless it is in a certificate that only came along.
    @Test("every changed byte is seen")
    func everyByte() throws {
        let signer = try own(.p256)
        let bytes = try DetachedSignature.sign(Self.root, with: signer.key, certificate: signer.certificate)
        let along = try #require(bytes.firstRange(of: signer.certificate.encoding))
        // The list of digest algorithms before the certificates says nothing that the signer's own does not.
        let list = try #require(bytes.firstRange(of: [0x31, 0x0D, 0x30, 0x0B]))
        for index in bytes.indices where !along.contains(index) && !(list.lowerBound..<along.lowerBound).contains(index)
        {
            var changed = bytes
            changed[index] ^= 0x01
            guard let signature = try? DetachedSignature(der: changed, source: "changed") else { continue }
            // The version of SignedData has several values that are alike.
            if signature.isValid(over: Self.root, by: signer.certificate) { #expect(bytes[index] == 1) }
        }
        for count in 0..<bytes.count {
            #expect(throws: FormatError.self) {
                try DetachedSignature(der: Array(bytes.prefix(count)), source: "cut")
            }
        }
    }

    @Test(
        "openssl makes what is accepted, and accepts what is made", .enabled(if: Outside.has("openssl"), "no openssl"),
        arguments: ["rsa:2048", "ec"], [true, false])
    func openssl(kind: String, hasAttributes: Bool) throws {
        let key = folder.file("key.pem")
        let file = folder.file("certificate.pem")
        let type = kind == "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : [kind]
        let made = try Subprocess(
            "openssl", ["req", "-x509", "-nodes", "-subj", "/CN=lab", "-keyout", key, "-out", file, "-newkey"] + type
        ).run()
        #expect(made.status == 0, "\(made.errorText)")
        let content = try folder.write("content", Self.root)
        let output = folder.file("signature")
        let signed = try Subprocess(
            "openssl",
            ["smime", "-sign", "-binary", "-in", content, "-signer", file, "-inkey", key, "-outform", "der", "-out"]
                + [output, "-md", "sha256"] + (hasAttributes ? [] : ["-noattr"])
        ).run()
        #expect(signed.status == 0, "\(signed.errorText)")
        let certificate = try #require(Certificate.read(InputFile.contents(of: file), source: file).first)
        let signature = try DetachedSignature(der: InputFile.contents(of: output), source: output)
        #expect(signature.isValid(over: Self.root, by: certificate))
        #expect(!signature.isValid(over: [1], by: certificate))
        guard kind == "ec", !hasAttributes else { return }
        let own = try DetachedSignature.sign(Self.root, with: KeyFile.privateKey(at: key), certificate: certificate)
        try OutputFile.write(own, to: output)
        let checked = try Subprocess(
            "openssl",
            ["smime", "-verify", "-binary", "-inform", "der", "-in", output, "-content", content, "-CAfile", file]
                + ["-certfile", file, "-purpose", "any"]
        ).run()
        #expect(checked.status == 0, "\(checked.errorText)")
    }

    struct Known: Sendable, CustomTestStringConvertible {
        var value: Value
        var testDescription: String { text("name") }
        func text(_ key: String) -> String { if case .string(let text)? = value[key] { text } else { "" } }

        static var all: [Known] {
            guard let folder = Outside.vectors,
                let bytes = try? InputFile.contents(of: folder + "/verity/public.json"),
                let document = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
                case .array(let nodes)? = document.value["vectors"]
            else { return [] }
            return nodes.map { Known(value: $0.value) }.filter { $0.text("kind") == "signature" }
        }
    }

    @Test(
        "known signatures of root hashes", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"),
        arguments: Known.all)
    func known(vector: Known) throws {
        let der = try #require(Base64.decode(vector.text("pkcs7_der_base64")))
        let signature = try DetachedSignature(der: der, source: vector.text("name"))
        let certificate = try #require(
            Certificate.read(Array(vector.text("certificate_pem").utf8), source: vector.text("name")).first)
        let isGood = vector.value["expect"]?["ok"] == .bool(true)
        #expect(signature.isValid(over: Array(vector.text("root_hash").utf8), by: certificate) == isGood)
    }
}
