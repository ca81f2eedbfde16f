import Bytes
import Documents
import Files
import Hashing
import ReferenceValues
import Signing
import TestSupport
import Testing

@Suite("assay key and assay verify")
struct VerifyCommandTests {
    let folder: TemporaryFolder
    let trust: String
    let bundle: String

    /// A development bundle, made with a key that the command made.
    init() throws {
        folder = try TemporaryFolder()
        let keyFile = folder.file("key.pem")
        let made = try BuiltProgram.run("key", "generate", "--output", keyFile, "--algorithm", "ed25519")
        try #require(made.status == 0, "\(made.errorText)")
        let key = try KeyFile.privateKey(at: keyFile)
        try #require(made.outputText == key.publicKey.id + "\n")
        var sample = Sample()
        sample.image.channel = "development"
        sample.snpProfile = Sample.profile("snp-test", "snp", binding: "unproven", conditions: Sample.snpConditions())
        bundle = try sample.write(into: folder, signedBy: [key])
        let expires = try #require(Timestamp("2027-01-01T00:00:00Z"))
        let policy = DevelopmentPolicy(key: key.publicKey, accepting: try sample.statement(), expires: expires)
        trust = try folder.write("trust.yaml", Array(policy.text.utf8))
    }

    func verify(_ more: String...) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["verify", bundle, "--trust", trust, "--at", "2026-09-01T00:00:00Z"] + more)
            .run()
    }

    @Test("yes is exit 0, and what was waived stands in the text")
    func yes() throws {
        let result = try verify()
        #expect(result.status == 0, "\(result.outputText)")
        #expect(result.errors.isEmpty)
        let text = result.outputText
        #expect(text.contains("WAIVED       kernel-binding   snp-test: unproven"))
        #expect(text.contains("WAIVED       development      tiny"))
        #expect(text.contains("4 value sets over vcpus 1…2 (2), model Milan…Genoa (2)"))
        #expect(text.contains("policy     \(trust), version 1, SHA-256 "))
        #expect(text.hasSuffix("accepted, with 7 checks waived by the policy (listed above)\n"))
    }

    @Test("no is exit 1 with every failure listed; JSON says the same")
    func no() throws {
        let wrong = String(repeating: "0", count: 64)
        try OutputFile.write([0x20], to: bundle + "/extra")
        let result = try verify("--trust-sha256", wrong)
        #expect(result.status == 1)
        #expect(result.outputText.contains("FAILED       policy-pin"))
        #expect(result.outputText.contains("FAILED       files            extra: the manifest does not list it\n"))
        #expect(result.outputText.hasSuffix("REFUSED: 2 checks failed\n"))
        let json = try verify("--trust-sha256", wrong, "--json")
        #expect(json.status == 1)
        let document = try JSONReader.parse(json.output, source: "output").value
        #expect(document["accepted"] == .bool(false))
        #expect(document["platforms"] == .array([]))
    }

    @Test("unusable words and files are exit 2, with the file in the message")
    func unusable() throws {
        #expect(try verify("--trust-sha256", "abc").status == 2)
        #expect(try BuiltProgram.run("verify", bundle).status == 2)
        #expect(try BuiltProgram.run("verify", bundle, "--trust", trust, "--at", "yesterday").status == 2)
        let missing = try BuiltProgram.run("verify", folder.file("none"), "--trust", trust)
        #expect(missing.status == 2)
        #expect(missing.errorText.contains("none"))
        let bad = try folder.write("bad.yaml", Array("version: 1\nexpire: x\n".utf8))
        let policy = try BuiltProgram.run("verify", bundle, "--trust", bad)
        #expect(policy.status == 2)
        #expect(policy.errorText.hasPrefix("assay: error: \(bad):2:9: expire: unknown key"))
    }

    @Test("text from a bundle cannot make lines or colours of its own")
    func escaping() throws {
        try OutputFile.write([0x20], to: bundle + "/a\npassed \u{1B}[32m x")
        let text = try verify().outputText
        #expect(text.contains(#"a\npassed \u{1b}[32m x: the manifest does not list it"#))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("a key is not overwritten, an encrypted one opens with its passphrase, and none is printed")
    func keys() throws {
        let path = folder.file("locked.pem")
        let passphrase = try folder.write("passphrase", Array("four words\n".utf8))
        #expect(try BuiltProgram.run("key", "generate", "-o", path, "--passphrase-file", passphrase).status == 0)
        #expect(try BuiltProgram.run("key", "generate", "-o", path).status == 2)
        #expect(try BuiltProgram.run("key", "public", path).status == 2)
        let shown = try BuiltProgram.run(
            "key", "public", path, "--passphrase-variable", "SECRET", environment: ["SECRET": "four words"])
        let key = try KeyFile.privateKey(at: path, passphrase: "four words").publicKey
        #expect(shown.outputText == key.pem)
        let json = try BuiltProgram.run("key", "public", path, "--passphrase-file", passphrase, "--json")
        let document = try JSONReader.parse(json.output, source: "output").value
        #expect(document["id"] == .string(key.id))
        #expect(document["algorithm"] == .string("ecdsa-p384"))
        #expect(!(shown.outputText + json.outputText).contains("PRIVATE"))
    }

    @Test(
        "python and openssl read the envelope, its key identifier, its digests and its canonical form",
        .enabled(if: Outside.has("python3") && Outside.has("openssl"), "python3 or openssl is not installed"))
    func peers() throws {
        let script = """
            import base64, hashlib, json, os, subprocess, sys
            bundle, public = sys.argv[1:3]
            envelope = json.load(open(bundle + '/reference.dsse.json'))
            body, kind = base64.b64decode(envelope['payload']), envelope['payloadType'].encode()
            open(sys.argv[3], 'wb').write(b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(body), body))
            signature, = envelope['signatures']
            open(sys.argv[4], 'wb').write(base64.b64decode(signature['sig']))
            der = subprocess.run(['openssl', 'pkey', '-pubin', '-in', public, '-outform', 'DER'],
                                 check=True, capture_output=True).stdout
            assert signature['keyid'] == hashlib.sha256(der).hexdigest()
            subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', public, '-rawin', '-in', sys.argv[3],
                            '-sigfile', sys.argv[4]], check=True, stdout=subprocess.DEVNULL)
            statement = json.loads(body)
            assert json.dumps(statement, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode() == body
            assert statement['_type'] == 'https://in-toto.io/Statement/v1'
            digest = lambda name: hashlib.sha256(open(os.path.join(bundle, name), 'rb').read()).hexdigest()
            for entry in statement['predicate']['inputs']['files']:
                assert digest('inputs/' + entry['name']) == entry['sha256']
            traces = {digest(os.path.relpath(os.path.join(at, name), bundle))
                      for at, _, names in os.walk(bundle + '/traces') for name in names}
            sets = 0
            for platform in statement['predicate']['platforms']:
                assert digest('profiles/' + platform['name'] + '.json') == platform['profileDigest']
                for one in platform['valueSets']:
                    assert one['trace'] in traces
                    assert not one['registers'].keys() & platform['sharedRegisters'].keys()
                    sets += 1
            print(sets)
            """
        let publicKey = try KeyFile.privateKey(at: folder.file("key.pem")).publicKey
        let pem = try folder.write("key.pub", Array(publicKey.pem.utf8))
        let result = try Subprocess(
            "python3", ["-c", script, bundle, pem, folder.file("pae"), folder.file("sig")]
        ).run()
        #expect(result.status == 0, "\(result.errorText)")
        #expect(result.outputText == "8\n")
    }
}
