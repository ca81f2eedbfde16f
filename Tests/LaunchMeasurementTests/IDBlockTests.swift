import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
import Signing
import TestSupport
import Testing

@Suite("ID block")
struct IDBlockTests {
    private func block(_ fill: UInt8 = 0x4D, policy: UInt64 = IDBlock.defaultPolicy) throws -> IDBlock {
        let digest = try #require(Digest(.sha384, bytes: [UInt8](repeating: fill, count: 48)))
        return try #require(
            IDBlock(
                launchDigest: digest, familyID: [UInt8](repeating: 0xFA, count: 16),
                imageID: [UInt8](repeating: 0x1A, count: 16), guestSVN: 0x0102_0304, policy: policy))
    }

    @Test("fields are where the ABI puts them, and are read again")
    func layout() throws {
        let block = try block(policy: 0x1122_3344_5566_7788)
        let tail = "01000000" + "04030201" + "8877665544332211"
        #expect(
            block.bytes.hex == String(repeating: "4d", count: 48) + String(repeating: "fa", count: 16)
                + String(repeating: "1a", count: 16) + tail)
        #expect(try IDBlock(block.bytes, source: "block") == block)
        var bytes = block.bytes
        bytes[0x50] = 2
        let error = #expect(throws: FormatError.self) { try IDBlock(bytes, source: "block") }
        #expect(error?.description == "block+0x50: ID_BLOCK.VERSION: found 0x2, expected 0x1")
        #expect(throws: FormatError.self) { try IDBlock(block.bytes + [0], source: "block") }
        #expect(throws: FormatError.self) { try IDBlock(Array(block.bytes.dropLast()), source: "block") }
    }

    @Test("what a key signs holds, for this block and this key alone")
    func signing() throws {
        let block = try block()
        let (idKey, authorKey) = (try PrivateKey.generate(.p384), try PrivateKey.generate(.p384))
        let authentication = try block.signed(idKey: idKey, authorKey: authorKey)
        #expect(authentication.signs(block) && authentication.authorSignsKey == true)
        #expect(try !authentication.signs(self.block(0x4E)))
        let read = try IDAuthentication(authentication.bytes, source: "auth")
        #expect(read == authentication && read.bytes == authentication.bytes)
        let alone = try block.signed(idKey: idKey)
        #expect(alone.author == nil && alone.authorSignsKey == nil && Array(alone.bytes[4..<8]) == [0, 0, 0, 0])
        #expect(try IDAuthentication(alone.bytes, source: "auth") == alone)
        #expect(throws: IDBlockError.wrongKey(role: "ID", algorithm: "ecdsa-p256")) {
            try block.signed(idKey: .generate(.p256))
        }
    }

    @Test("signatures made elsewhere are taken as r‖s or DER, if they hold")
    func external() throws {
        let block = try block()
        let key = try PrivateKey.generate(.p384)
        for signature in [try key.signRaw(block.bytes), try key.sign(block.bytes)] {
            #expect(try block.authenticated(idKey: key.publicKey, signature: signature).signs(block))
        }
        let wrong = try key.signRaw(Array(block.bytes.dropLast()))
        #expect(throws: IDBlockError.wrongSignature(role: "ID")) {
            try block.authenticated(idKey: key.publicKey, signature: wrong)
        }
        #expect(throws: IDBlockError.wrongSignature(role: "ID")) {
            try block.authenticated(idKey: key.publicKey, signature: [1, 2, 3])
        }
        #expect(throws: IDBlockError.wrongSignature(role: "author")) {
            try block.authenticated(
                idKey: key.publicKey, signature: key.sign(block.bytes),
                author: (key: key.publicKey, signature: key.sign(block.bytes)))
        }
    }

    @Test("every byte of the authentication counts: a changed one is refused or holds no more")
    func corruption() throws {
        let block = try block()
        let key = try PrivateKey.generate(.p384)
        let good = try block.signed(idKey: key, authorKey: key)
        for offset in 0..<IDAuthentication.byteCount {
            var bytes = good.bytes
            bytes[offset] ^= 0x10
            guard let changed = try? IDAuthentication(bytes, source: "auth") else { continue }
            #expect(!changed.signs(block) || changed.authorSignsKey == false, "byte \(offset)")
        }
    }

    @Test("a number with leading zeros keeps its 72 bytes")
    func padding() throws {
        let raw = [UInt8](repeating: 0, count: 47) + [2] + [UInt8](repeating: 0, count: 46) + [1, 3]
        let signature = try #require(SEVSignature(raw: raw))
        #expect(signature.bytes.count == 512)
        #expect(signature.bytes.prefix(2) == [2, 0] && signature.bytes[72...74] == [3, 1, 0])
    }

    /// Contrast's known answer for a launch digest of zeros, policy 0x30000 and guest SVN 2.
    @Test("the key that nobody holds follows from the block")
    func derivedKey() throws {
        let block = try #require(IDBlock(launchDigest: .zero(.sha384), guestSVN: 2, policy: 0x30000))
        let authentication = try block.derivedAuthentication()
        let key = authentication.idKey.bytes
        #expect(
            Array(key[4..<52]).hex == "9470fb63254d96a346a4d6ec6023b87cce6946347052b50e9a893164bfba2639"
                + "8d6c07cfdc375e69e8068e8952efbe33")
        #expect(
            Array(key[76..<124]).hex == "d045d70c5daf3e4acb96f0e8aab980993d1325c2f766ec06f2eaf45f19d579d8"
                + "4c5635022afb37f4b34c1eb3afb4fa2b")
        #expect(authentication.signs(block) && authentication.author == nil)
        #expect(Array(authentication.bytes[0..<8]) == [1, 0, 0, 0, 1, 0, 0, 0])
        #expect(try IDAuthentication(authentication.bytes, source: "auth") == authentication)
        for fill in UInt8(1)...20 {
            let other = try self.block(fill)
            #expect(try other.derivedAuthentication().signs(other))
        }
    }

    @Test("random bytes never do more than throw (seed 21)")
    func garbage() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<200 {
            var bytes = random.bytes(IDAuthentication.byteCount)
            bytes.replaceSubrange(0..<8, with: [1, 0, 0, 0, 1, 0, 0, 0])
            #expect(throws: FormatError.self) { try IDAuthentication(bytes, source: "auth") }
        }
    }
}

@Suite(
    "ID block known answers",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
struct IDBlockVectorTests {
    @Test("blocks and key digests of sev-snp-measure's tests", arguments: SNPCase.of("id-block"))
    func measureTool(_ entry: SNPCase) throws {
        let name = entry.name
        let parameters = entry.parameters
        func key(_ input: String) throws -> PrivateKey {
            let bytes = try #require(try entry.input(input))
            return try PrivateKey(pem: String(decoding: bytes, as: UTF8.self), source: input)
        }
        let bytes = Base64.decode(parameters["measurement_base64"]?.text ?? "") ?? []
        let digest = try #require(Digest(.sha384, bytes: bytes))
        let made = IDBlock(
            launchDigest: digest, familyID: parameters["family_id"]?.text.flatMap { [UInt8](hex: $0) },
            imageID: parameters["image_id"]?.text.flatMap { [UInt8](hex: $0) },
            guestSVN: UInt32(parameters["guest_svn"]?.number ?? 0),
            policy: parameters["policy"]?.number ?? IDBlock.defaultPolicy)
        let block = try #require(made)
        let authentication = try block.signed(idKey: key("id_key"), authorKey: key("author_key"))
        let expected = entry.entry["expected"] ?? .null
        #expect(expected["id_block_base64"]?.text == Base64.encode(block.bytes), "\(name)")
        #expect(
            expected["id_key_digest_base64"]?.text == Base64.encode(authentication.idKey.digest.bytes), "\(name)")
        #expect(
            expected["author_key_digest_base64"]?.text
                == (authentication.author?.key.digest.bytes).map { Base64.encode($0) }, "\(name)")
    }

    @Test("structures that the sev crate's tests hold")
    func sevCrate() throws {
        let folder = try #require(Outside.vectors) + "/refvalues/idblock/"
        func file(_ name: String) throws -> [UInt8] { try InputFile.contents(of: folder + name) }
        let expected = try JSONReader.parse(file("expected.json"), source: "expected.json", mode: .foreign).value
        let block = try IDBlock(
            #require(Base64.decode(expected["id_block_base64"]?.text ?? "")), source: "id_block_base64")
        #expect(block.launchDigest.hex == expected["launch_digest"]?.text)
        let authentication = try IDAuthentication(file("test_auth_block.bin"), source: "test_auth_block.bin")
        #expect(try authentication.bytes == file("test_auth_block.bin"))
        #expect(authentication.signs(block) && authentication.authorSignsKey == true)
        #expect(try authentication.blockSignature.bytes == file("test_id_sig.bin"))
        #expect(try authentication.author?.signature.bytes == file("test_auth_sig.bin"))
        let idKey = try KeyFile.privateKey(at: folder + "test_id_key.pem").publicKey
        let authorKey = try KeyFile.privateKey(at: folder + "test_auth_key.pem").publicKey
        #expect(authentication.idKey.key == idKey && authentication.author?.key.key == authorKey)
        #expect(expected["id_key_digest_base64"]?.text == Base64.encode(authentication.idKey.digest.bytes))
        #expect(
            expected["auth_key_digest_base64"]?.text
                == (authentication.author?.key.digest.bytes).map { Base64.encode($0) })
    }
}

@Suite(
    "ID blocks and snp-create-id-block",
    .enabled(if: Outside.has("snp-create-id-block"), "snp-create-id-block is not installed"))
struct IDBlockPeerTests {
    @Test("the tool's block is ours, its signatures hold, and all else in its structure is ours")
    func peer() throws {
        let folder = try TemporaryFolder()
        let (idKey, authorKey) = (try PrivateKey.generate(.p384), try PrivateKey.generate(.p384))
        let id = try folder.write("id", Array(idKey.pem().utf8))
        let author = try folder.write("author", Array(authorKey.pem().utf8))
        let digest = Digest.of([1, 2, 3], .sha384)
        let result = try Subprocess(
            "snp-create-id-block",
            ["--measurement", Base64.encode(digest.bytes), "--idkey", id, "--authorkey", author]
        ).run()
        try #require(result.status == 0, "\(result.errorText)")
        // id-block=BASE64,id-auth=BASE64 and two lines of digests.
        let words = result.outputText.split { $0.isWhitespace || $0 == "," }
        let structures = words.compactMap {
            Base64.decode(String($0.trimmingPrefix("id-block=").trimmingPrefix("id-auth=")))
        }
        let block = try #require(IDBlock(launchDigest: digest))
        #expect(structures.contains(block.bytes))
        let bytes = try #require(structures.first { $0.count == IDAuthentication.byteCount })
        let theirs = try IDAuthentication(bytes, source: "peer")
        #expect(theirs.signs(block) && theirs.authorSignsKey == true)
        let ours = try block.signed(idKey: idKey, authorKey: authorKey)
        #expect(theirs.idKey == ours.idKey && theirs.author?.key == ours.author?.key)
    }
}
