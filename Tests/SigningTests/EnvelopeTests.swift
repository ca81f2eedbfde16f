import Bytes
import Files
import Signing
import TestSupport
import Testing

@Suite("DSSE envelope")
struct EnvelopeTests {
    static let hello = Envelope(payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8))

    @Test("the pre-authentication encoding is the specification's")
    func preAuthenticationEncoding() {
        #expect(
            String(decoding: Self.hello.preAuthenticationEncoding, as: UTF8.self)
                == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
        // Lengths count bytes, not characters.
        let accented = Envelope(payloadType: "é", payload: [])
        #expect(accented.preAuthenticationEncoding == Array("DSSEv1 2 é 0 ".utf8))
    }

    @Test("the specification's signature, raw r‖s, is accepted")
    func specificationVector() throws {
        let text =
            #"{"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld","signatures":[{"sig":"#
            + #""A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#
        let pem =
            "-----BEGIN PUBLIC KEY-----\n"
            + "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMr\n"
            + "CrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA==\n-----END PUBLIC KEY-----\n"
        let key = try PublicKey(pem: pem, source: "spec")
        let envelope = try Envelope(parsing: Array(text.utf8), source: "spec")
        #expect(envelope.payload == Self.hello.payload)
        #expect(envelope.signers(among: [key]) == [key])
    }

    @Test("a key counts once, however often and under whatever name it signed")
    func distinctKeys() throws {
        let one = try PrivateKey.generate(.p384)
        let two = try PrivateKey.generate(.ed25519)
        var envelope = Self.hello
        try envelope.sign(with: one)
        envelope.signatures[0].keyID = "a"
        try envelope.sign(with: one)
        envelope.signatures[1].keyID = "b"
        try envelope.sign(with: one)
        #expect(envelope.signatures.count == 3)
        let trusted = [one.publicKey, two.publicKey, one.publicKey]
        #expect(envelope.signers(among: trusted) == [one.publicKey])
        try envelope.sign(with: two)
        #expect(envelope.signers(among: trusted) == [one.publicKey, two.publicKey])
    }

    @Test("signing again replaces the key's signature, and the order of signing leaves no trace")
    func writerOrder() throws {
        let keys = [try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519)]
        var forward = Self.hello
        var backward = Self.hello
        for key in keys { try forward.sign(with: key) }
        for key in keys.reversed() { try backward.sign(with: key) }
        try forward.sign(with: keys[0])
        #expect(forward.signatures.count == 2)
        #expect(try forward.encoded() == backward.encoded())
        #expect(try Envelope(parsing: forward.encoded(), source: "e").signers(among: keys.map(\.publicKey)).count == 2)
    }

    @Test("a change of payload or type leaves no signer")
    func tampered() throws {
        let key = try PrivateKey.generate(.p256)
        var envelope = Self.hello
        try envelope.sign(with: key)
        var other = envelope
        other.payload[0] ^= 1
        #expect(other.signers(among: [key.publicKey]) == [])
        other = envelope
        other.payloadType += "x"
        #expect(other.signers(among: [key.publicKey]) == [])
    }

    @Test(
        "refuses what is not an envelope, naming the member",
        arguments: [
            (#"{"payloadType":"t","signatures":[{"sig":"AA=="}]}"#, "payload: missing"),
            (#"{"payload":"AA=","payloadType":"t","signatures":[{"sig":"AA=="}]}"#, "payload: expected base64"),
            (#"{"payload":"AA==","signatures":[{"sig":"AA=="}]}"#, "payloadType: missing"),
            (#"{"payload":"AA==","payloadType":1,"signatures":[{"sig":"AA=="}]}"#, "payloadType: found"),
            (#"{"payload":"AA==","payloadType":"t"}"#, "signatures: missing"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[]}"#, "signatures: found 0"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[{}]}"#, "signatures[0].sig: missing"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[{"sig":""}]}"#, "signatures[0].sig: found 0"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[{"sig":"AA==","keyid":1}]}"#, "[0].keyid: found"),
            (#"{"payload":"AA==","payload":"AA==","payloadType":"t","signatures":[]}"#, "payload: duplicate"),
            (#"{"payload":"AA==","Payload":"AQ==","payloadType":"t","signatures":[{"sig":"AA=="}]}"#, "in case alone"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[{"sig":"AA==","Sig":"AA=="}]}"#, "in case alone"),
            (#"{"payload":"AA==","payloadType":"t","signatures":[{"sig":"AA=="}]} x"#, "end of the document"),
            ("[]", "expected an object"),
        ])
    func malformed(text: String, problem: String) {
        let error = #expect(throws: SigningError.self) { try Envelope(parsing: Array(text.utf8), source: "e.json") }
        let message = error?.description ?? ""
        #expect(message.contains(problem) && message.hasPrefix("e.json"), "\(message)")
    }

    @Test("passes over members that DSSE does not define")
    func unknownMembers() throws {
        let text = #"{"payload":"AA==","payloadType":"t","signatures":[{"sig":"AA==","cert":""}],"extra":1.5}"#
        #expect(try Envelope(parsing: Array(text.utf8), source: "e").payload == [0])
    }

    @Test("limits the number of signatures")
    func limits() throws {
        var envelope = Self.hello
        envelope.signatures = (0...Envelope.maximumSignatures).map { .init(keyID: "\($0)", bytes: [1]) }
        let bytes = try envelope.encoded()
        #expect(throws: SigningError.self) { try Envelope(parsing: bytes, source: "e") }
    }

    @Test("random bytes are refused (seed 11)")
    func garbage() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let bytes = random.bytes(Int(random.next() % 120))
            #expect(throws: SigningError.self) { try Envelope(parsing: bytes, source: "e") }
        }
    }
}

@Suite("DSSE threshold vectors", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct EnvelopeVectorTests {
    @Test(
        "distinct trusted signers of each envelope",
        arguments: [
            ("three", 3), ("two-no-keyid", 2), ("two-urlsafe", 2), ("misleading-keyid", 2), ("one-bad-one-good", 1),
            ("one-twice", 1), ("untrusted-plus-one", 1), ("tampered", 0), ("wrong-type", 0),
        ])
    func signers(name: String, count: Int) throws {
        let folder = try #require(Outside.vectors) + "/refvalues/dsse-threshold"
        let keys = try ["p256", "p384", "ed25519"].map { try KeyFile.publicKey(at: "\(folder)/\($0).pub.pem") }
        let bytes = try InputFile.contents(of: "\(folder)/\(name).json")
        #expect(try Envelope(parsing: bytes, source: name).signers(among: keys).count == count)
    }

    @Test(
        "key identifiers, and private keys that belong to them",
        arguments: [
            ("p256", "003cc97ee9c8e279bd034723acccda1d93afe291283c406d037efe433432fbc8"),
            ("p384", "9479bc05b4a33e615805a7febe52613734a71bc1683b2d23891e3901896467ae"),
            ("ed25519", "1a72d36930f304dd887328273ac89b2632ca823647d1efe0c4328834188d80f2"),
        ])
    func keys(name: String, id: String) throws {
        let folder = try #require(Outside.vectors) + "/refvalues/dsse-threshold"
        #expect(try KeyFile.publicKey(at: "\(folder)/\(name).pub.pem").id == id)
        #expect(try KeyFile.privateKey(at: "\(folder)/\(name).key.pem").publicKey.id == id)
    }
}
