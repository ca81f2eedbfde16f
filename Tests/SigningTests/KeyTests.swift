import Bytes
import Files
import Signing
import TestSupport
import Testing

@Suite("Keys")
struct KeyTests {
    /// Ed25519 public key of RFC 8032, §7.1, test 2, wrapped by rule as RFC 8410 says.
    static let rfcKey = "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

    static func bytes(_ hex: String) throws -> [UInt8] { try #require([UInt8](hex: hex)) }

    @Test("the Ed25519 signature of RFC 8032, §7.1, test 2 is accepted, a changed one is not")
    func rfc8032() throws {
        let key = try PublicKey(encoding: Self.bytes(Self.rfcKey), source: "rfc8032")
        var signature = try Self.bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(key.isValid(signature, of: [0x72]))
        #expect(!key.isValid(signature, of: [0x73]))
        signature[5] ^= 1
        #expect(!key.isValid(signature, of: [0x72]))
    }

    @Test("a key signs, and its public half accepts that and nothing else", arguments: KeyAlgorithm.allCases)
    func signAndVerify(algorithm: KeyAlgorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let other = try PrivateKey.generate(algorithm)
        let message = Array("message".utf8)
        let signature = try key.sign(message)
        #expect(key.publicKey.isValid(signature, of: message))
        #expect(!other.publicKey.isValid(signature, of: message))
        #expect(!key.publicKey.isValid(signature, of: message + [0]))
        #expect(!key.publicKey.isValid(Array(signature.dropLast()), of: message))
        #expect(!key.publicKey.isValid([], of: message))
        for index in signature.indices where index > 1 {
            var changed = signature
            changed[index] ^= 0x40
            #expect(!key.publicKey.isValid(changed, of: message))
        }
    }

    @Test("PEM round trip, plain and encrypted", arguments: KeyAlgorithm.allCases)
    func pemRoundTrip(algorithm: KeyAlgorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let plain = try PrivateKey(pem: key.pem(), source: "k")
        #expect(plain.publicKey == key.publicKey)
        let locked = try key.pem(passphrase: "correct horse")
        #expect(locked.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
        #expect(try PrivateKey(pem: locked, passphrase: "correct horse", source: "k").publicKey == key.publicKey)
        #expect(throws: SigningError("k", .passphraseMissing)) { try PrivateKey(pem: locked, source: "k") }
        #expect(throws: SigningError("k", .passphraseWrong)) {
            try PrivateKey(pem: locked, passphrase: "battery", source: "k")
        }
        #expect(try PublicKey(pem: key.publicKey.pem, source: "p") == key.publicKey)
    }

    @Test("a private key shows its public half alone, however it is printed")
    func secrecy() throws {
        let key = try PrivateKey.generate(.ed25519)
        let secret = try key.pem().split(separator: "\n")[1].suffix(20)
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(text.contains(key.publicKey.id))
            #expect(!text.contains(secret))
        }
    }

    @Test("a key file has mode 0600 and is never overwritten")
    func keyFile() throws {
        let folder = try TemporaryFolder()
        let key = try PrivateKey.generate(.p384)
        let path = folder.file("key.pem")
        try KeyFile.write(key, to: path)
        let listing = try Subprocess("stat", ["-c", "%a", path]).run()
        #expect(listing.outputText == "600\n")
        #expect(throws: SigningError(path, .fileExists)) { try KeyFile.write(key, to: path) }
        #expect(try KeyFile.privateKey(at: path).publicKey == key.publicKey)
    }

    @Test("every flipped bit of a public key is refused or is another key")
    func corruptedPublicKey() throws {
        let key = try PrivateKey.generate(.p256).publicKey
        for index in key.encoding.indices {
            for bit in 0..<8 {
                var bytes = key.encoding
                bytes[index] ^= 1 << bit
                #expect(throws: SigningError.self) { try PublicKey(encoding: bytes, source: "k") }
            }
        }
        #expect(throws: SigningError("k", .unsupportedKey)) { try PublicKey(encoding: key.encoding + [0], source: "k") }
    }

    @Test("an Ed25519 key with NULL parameters is refused (RFC 8410, §3)")
    func nullParameters() throws {
        let bytes = try Self.bytes(
            "302c300706032b657005000321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        #expect(throws: SigningError("k", .unsupportedKey)) { try PublicKey(encoding: bytes, source: "k") }
    }

    @Test("a private key where a public one belongs is named, and so are other texts")
    func wrongLabels() throws {
        let text = try PrivateKey.generate(.ed25519).pem()
        #expect(throws: SigningError("k", .wrongLabel(found: "PRIVATE KEY", expected: "PUBLIC KEY"))) {
            try PublicKey(pem: text, source: "k")
        }
        for bad in ["", "hello", text + text, "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "x\n" + text] {
            #expect(throws: SigningError("k", .notPEM)) { try PrivateKey(pem: bad, source: "k") }
        }
        let large = String(repeating: "A", count: 20_000)
        #expect(throws: SigningError("k", .tooLarge(found: 20_000, limit: 16384))) {
            try PublicKey(pem: large, source: "k")
        }
    }

    @Test("random bytes in a PEM block are refused (seed 7)")
    func garbage() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let bytes = random.bytes(Int(random.next() % 200) + 1)
            let body = Base64.encode(bytes)
            for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
                let text = "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----\n"
                #expect(throws: SigningError.self) { try PrivateKey(pem: text, passphrase: "p", source: "k") }
                #expect(throws: SigningError.self) { try PublicKey(pem: text, source: "k") }
            }
        }
    }
}

@Suite("Keys and openssl", .enabled(if: Outside.has("openssl"), "openssl is not installed"))
struct OpenSSLPeerTests {
    @Test("openssl accepts our signature, and we accept openssl's", arguments: KeyAlgorithm.allCases)
    func bothWays(algorithm: KeyAlgorithm) throws {
        let folder = try TemporaryFolder()
        let key = try PrivateKey.generate(algorithm)
        let message = Envelope(payloadType: Envelope.statementType, payload: Array("{}".utf8)).preAuthenticationEncoding
        let data = try folder.write("data", message)
        let signature = try folder.write("ours.sig", key.sign(message))
        let publicKey = try folder.write("key.pub", Array(key.publicKey.pem.utf8))
        let privateKey = folder.file("key.pem")
        try KeyFile.write(key, to: privateKey, passphrase: "secret")
        let hash = algorithm == .p384 ? ["-digest", "sha384"] : algorithm == .p256 ? ["-digest", "sha256"] : []
        let verified = try Subprocess(
            "openssl",
            ["pkeyutl", "-verify", "-pubin", "-inkey", publicKey, "-rawin", "-in", data, "-sigfile", signature] + hash
        ).run()
        #expect(verified.status == 0, "\(verified.outputText) \(verified.errorText)")
        let signed = try Subprocess(
            "openssl",
            ["pkeyutl", "-sign", "-inkey", privateKey, "-passin", "pass:secret", "-rawin", "-in", data] + hash
        ).run()
        #expect(signed.status == 0, "\(signed.errorText)")
        #expect(key.publicKey.isValid(signed.output, of: message))
        let digest = try Subprocess("openssl", ["pkey", "-pubin", "-in", publicKey, "-outform", "DER"]).run()
        #expect(digest.output == key.publicKey.encoding)
    }

    @Test("traditional EC keys are read, with and without their parameters", arguments: ["prime256v1", "secp384r1"])
    func traditionalKeys(curve: String) throws {
        for flags in [[], ["-noout"]] {
            let made = try Subprocess("openssl", ["ecparam", "-name", curve, "-genkey"] + flags).run()
            let key = try PrivateKey(pem: made.outputText, source: "k")
            let encoding = try Subprocess("openssl", ["ec", "-pubout", "-outform", "DER"]).run(input: made.output)
            #expect(key.publicKey.encoding == encoding.output)
            #expect(key.publicKey.isValid(try key.signRaw([1, 2, 3]), of: [1, 2, 3]))
        }
    }

    @Test("keys that openssl makes in other ways are refused by name")
    func refusedKinds() throws {
        let rsa = try Subprocess("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).run()
        #expect(throws: SigningError("k", .unsupportedKey)) { try PrivateKey(pem: rsa.outputText, source: "k") }
        let traditional = try Subprocess("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout"]).run()
        let other = try Subprocess("openssl", ["ecparam", "-name", "secp521r1", "-genkey", "-noout"]).run()
        #expect(throws: SigningError("k", .unsupportedKey)) { try PrivateKey(pem: other.outputText, source: "k") }
        let compressed = try Subprocess("openssl", ["ec", "-pubout", "-conv_form", "compressed"])
            .run(input: traditional.output)
        #expect(throws: SigningError("k", .unsupportedKey)) { try PublicKey(pem: compressed.outputText, source: "k") }
    }
}
