import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing

@Suite("assay idblock", .enabled(if: Outside.has("openssl"), "openssl is not installed: no key can be made"))
struct IDBlockCommandTests {
    private let folder: TemporaryFolder
    private let block: String
    private static let measurement = String(repeating: "5a", count: 48)
    /// A key pair and an author's, by openssl.
    private static let keys = Result { (id: try OpenSSLKey(curve: "P-384"), author: try OpenSSLKey(curve: "P-384")) }

    init() throws {
        folder = try TemporaryFolder()
        block = folder.file("block.bin")
        let keys = try Self.keys.get()
        try folder.write("id.pem", keys.id.privatePEM)
        try folder.write("id.pub", keys.id.publicPEM)
        try folder.write("author.pem", keys.author.privatePEM)
        try folder.write("author.pub", keys.author.publicPEM)
        let built = try idblock(
            "build", "--measurement", Self.measurement, "--guest-svn", "2", "--family-id",
            String(repeating: "0f", count: 16), "--image-id", String(repeating: "f0", count: 16), "--output", block)
        try #require(built.status == 0, "\(built.errorText)")
    }

    /// Runs `assay idblock`; words that name a file of the folder become its path.
    private func idblock(_ words: String...) throws -> Subprocess.Result {
        let arguments = words.map { FileSystem.exists(folder.file($0)) ? folder.file($0) : $0 }
        return try Subprocess(BuiltProgram.path, ["idblock"] + arguments).run()
    }

    private func facts(_ result: Subprocess.Result) throws -> Value {
        try JSONReader.parse(result.output, source: "output").value
    }

    @Test("build lays the 96 bytes out and prints them as base64")
    func build() throws {
        let expected =
            [UInt8](repeating: 0x5A, count: 48) + [UInt8](repeating: 0x0F, count: 16)
            + [UInt8](repeating: 0xF0, count: 16) + [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]
        #expect(try InputFile.contents(of: block) == expected)
        let text = try idblock("build", "--measurement", Self.measurement).outputText
        #expect(text.hasPrefix(String(repeating: "Wlpa", count: 16)) && text.utf8.count == 129)
        let base64 = String(repeating: "Wlpa", count: 16)
        #expect(try idblock("build", "--measurement", base64).outputText == text)
    }

    @Test("a block signed with keys at hand verifies, as bytes and as base64")
    func sign() throws {
        let signed = try idblock(
            "sign", block, "--id-key", "id.pem", "--author-key", "author.pem", "--auth-file", folder.file("auth.bin"),
            "--block-file", folder.file("again.bin"), "--json")
        #expect(signed.status == 0, "\(signed.errorText)")
        #expect(try InputFile.contents(of: folder.file("again.bin")) == InputFile.contents(of: block))
        let auth = try InputFile.contents(of: folder.file("auth.bin"))
        #expect(auth.count == 4096)
        let facts = try facts(signed)
        #expect(facts["authorKeyEnabled"] == .bool(true) && facts["policy"] == .string("0x30000"))
        for (name, start) in [("idKeyDigest", 0x240), ("authorKeyDigest", 0x880)] {
            let digest = Digest.of(Array(auth[start..<start + 0x404]), .sha384).hex
            #expect(facts[name] == .string(digest))
        }
        guard case .string(let base64Block)? = facts["id-block"], case .string(let base64Auth)? = facts["id-auth"]
        else { throw TestFailure("no base64 in \(signed.outputText)") }
        try folder.write("block.b64", Array((base64Block + "\n").utf8))
        try folder.write("auth.b64", Array((base64Auth + "\n").utf8))
        for (block, auth) in [("block.bin", "auth.bin"), ("block.b64", "auth.b64")] {
            let verified = try idblock("verify", block, auth, "--measurement", Self.measurement)
            #expect(verified.status == 0 && verified.errors.isEmpty, "\(verified.errorText)")
            #expect(verified.outputText == "the ID key signed this block, and the author key the ID key\n")
        }
    }

    @Test("a signer elsewhere gets the 96 bytes and gives r‖s or DER; so does an author, of 1028 bytes")
    func external() throws {
        let keys = try Self.keys.get()
        let bytes = try InputFile.contents(of: block)
        try folder.write("rs", keys.id.signRaw(bytes))
        try folder.write("der", keys.id.sign(bytes))
        for signature in ["rs", "der"] {
            let signed = try idblock(
                "sign", block, "--id-public-key", "id.pub", "--id-signature", signature, "--auth-file",
                folder.file("auth.bin"), "--id-key-structure", folder.file("key.bin"))
            #expect(signed.status == 0, "\(signed.errorText)")
            #expect(signed.outputText.contains("authorKeyEnabled: no\n"))
            let verified = try idblock("verify", block, "auth.bin")
            #expect(verified.status == 0 && verified.outputText == "the ID key signed this block\n")
        }
        let structure = try InputFile.contents(of: folder.file("key.bin"))
        #expect(structure.count == 1028)
        try folder.write("author.rs", keys.author.signRaw(structure))
        let both = try idblock(
            "sign", block, "--id-public-key", "id.pub", "--id-signature", "rs", "--author-public-key", "author.pub",
            "--author-signature", "author.rs", "--auth-file", folder.file("auth.bin"))
        #expect(both.status == 0 && both.outputText.contains("authorKeyEnabled: yes\n"), "\(both.errorText)")
        #expect(try idblock("verify", block, "auth.bin").status == 0)
        let swapped = try idblock(
            "sign", block, "--id-public-key", "author.pub", "--id-signature", "rs", "--auth-file",
            folder.file("none.bin"))
        #expect(swapped.status == 1 && swapped.output.isEmpty && !FileSystem.exists(folder.file("none.bin")))
        #expect(swapped.errorText.contains("not the ID key's over these bytes"))
        #expect(swapped.errorText.contains("assay: hint: "))
    }

    @Test("verify names everything that does not hold, and exits 1")
    func refuses() throws {
        let auth = folder.file("auth.bin")
        #expect(try idblock("sign", block, "--id-key", "id.pem", "--auth-file", auth).status == 0)
        let other = String(repeating: "a5", count: 48)
        let result = try idblock(
            "verify", block, auth, "--measurement", other, "--policy", "0x20000", "--id-key-digest", other,
            "--author-key-digest", other, "--json")
        #expect(result.status == 1)
        let facts = try facts(result)
        #expect(facts["accepted"] == .bool(false))
        for word in ["LD is 5a", "POLICY is 0x30000", "ID key's digest is ", "author key's digest is absent"] {
            #expect(result.errorText.contains(word), "\(word) in \(result.errorText)")
        }
        var changed = try InputFile.contents(of: block)
        changed[0x54] ^= 1
        try folder.write("changed", changed)
        let unsigned = try idblock("verify", "changed", auth)
        #expect(unsigned.status == 1 && unsigned.errorText.contains("ID_BLOCK_SIG"))
        var broken = try InputFile.contents(of: auth)
        broken[0x244] ^= 1
        try folder.write("broken", broken)
        let point = try idblock("verify", block, "broken")
        #expect(point.status == 2 && point.errorText.contains("not on P-384"))
    }

    // Contrast's own answer for 48 zero bytes, policy 0x30000 and guest SVN 2: X and Y, little-endian.
    @Test("derive-key gives the key that Contrast's generator gives")
    func derive() throws {
        let auth = folder.file("auth.bin")
        let result = try idblock(
            "derive-key", "--measurement", String(repeating: "0", count: 96), "--guest-svn", "2", "--auth-file", auth,
            "--block-file", folder.file("derived.bin"))
        #expect(result.status == 0, "\(result.errorText)")
        let bytes = try InputFile.contents(of: auth)
        #expect(
            bytes[0x244..<0x274].hex
                == "9470fb63254d96a346a4d6ec6023b87cce6946347052b50e9a893164bfba26398d6c07cfdc375e69e8068e8952efbe33")
        #expect(
            bytes[0x28C..<0x2BC].hex
                == "d045d70c5daf3e4acb96f0e8aab980993d1325c2f766ec06f2eaf45f19d579d84c5635022afb37f4b34c1eb3afb4fa2b")
        let verified = try idblock("verify", "derived.bin", auth)
        #expect(verified.status == 0, "\(verified.errorText)")
    }

    @Test(
        "what makes no block is refused with exit 2 and its name",
        arguments: [
            (["build", "--measurement", "00"], "--measurement: found '00'"),
            (["build", "--measurement", measurement, "--policy", "x"], "--policy: found 'x'"),
            (["build", "--measurement", measurement, "--policy", "0x10000"], "bit 17"),
            (["build", "--measurement", measurement, "--family-id", "00"], "--family-id: found '00'"),
            (["sign", "block.bin"], "--id-key"),
            (["sign", "block.bin", "--id-public-key", "id.pub"], "go together"),
            (["sign", "block.bin", "--id-key", "id.pub"], "'PRIVATE KEY'"),
            (["sign", "id.pem", "--id-key", "id.pem"], "expected 96 bytes"),
            (["verify", "block.bin", "block.bin"], "found 96 bytes, expected 4096"),
        ])
    func unusable(words: [String], problem: String) throws {
        let arguments = words.map { FileSystem.exists(folder.file($0)) ? folder.file($0) : $0 }
        let result = try Subprocess(BuiltProgram.path, ["idblock"] + arguments).run()
        #expect(result.status == 2 && result.output.isEmpty, "\(result.outputText)")
        #expect(result.errorText.contains(problem), "\(result.errorText)")
    }
}
