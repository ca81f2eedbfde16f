import Bytes
import Files
import Signing
import TestSupport
import Testing

/// A root, an authority below it and a leaf, all ECDSA, made anew for each test.
private struct TestChain {
    let rootKey, authorityKey, leafKey: PrivateKey
    var root, authority, leaf: CertificateRecipe

    init() throws {
        rootKey = try .generate(.p384)
        authorityKey = try .generate(.p256)
        leafKey = try .generate(.p384)
        root = CertificateRecipe(
            subject: "Root", issuer: "Root", key: rootKey.publicKey.encoding, algorithm: TestDER.ecdsaSHA384,
            extensions: TestDER.authority())
        authority = CertificateRecipe(
            subject: "Authority", issuer: "Root", key: authorityKey.publicKey.encoding,
            algorithm: TestDER.ecdsaSHA384, extensions: TestDER.authority(pathLength: 0))
        leaf = CertificateRecipe(
            subject: "Leaf", issuer: "Authority", key: leafKey.publicKey.encoding, algorithm: TestDER.ecdsaSHA256)
    }

    func certificates() throws -> [Certificate] {
        [
            try Certificate(der: leaf.signed(authorityKey.sign), source: "leaf"),
            try Certificate(der: authority.signed(rootKey.sign), source: "authority"),
            try Certificate(der: root.signed(rootKey.sign), source: "root"),
        ]
    }

    func problems(at time: Int64? = nil) throws -> [CertificateProblem] {
        let certificates = try certificates()
        let path = try #require(CertificatePath(from: certificates[0], through: certificates))
        return path.problems(at: time)
    }
}

@Suite("X.509 certificates")
struct CertificateTests {
    @Test("fields are read, a serial of zero included")
    func fields() throws {
        let chain = try TestChain()
        let certificates = try chain.certificates()
        let leaf = certificates[0]
        #expect(leaf.version == 3 && leaf.serial == [0] && leaf.name == "Leaf")
        #expect(leaf.issuer.description == "CN=Authority")
        #expect(CertificateTime.text(leaf.notAfter) == "2040-01-01T00:00:00Z")
        #expect(leaf.key.publicKey == chain.leafKey.publicKey && leaf.scheme == .ecdsa(.sha256))
        #expect(certificates[1].basicConstraints?.pathLength == 0)
        #expect(certificates[1].keyUsage == [.certificateSign, .crlSign])
        #expect(certificates[2].isSelfIssued && !leaf.isSelfIssued)
    }

    @Test("a chain holds, in whatever order its certificates are given")
    func path() throws {
        let certificates = try TestChain().certificates()
        for pool in [certificates, certificates.reversed()] {
            let path = try #require(CertificatePath(from: certificates[0], through: pool))
            #expect(path.certificates.map(\.name) == ["Leaf", "Authority", "Root"])
            #expect(path.problems(at: 1_750_000_000).isEmpty)
        }
        #expect(CertificatePath(from: certificates[0], through: [certificates[2]]) == nil)
    }

    @Test("every way in which a chain can fail is named")
    func broken() throws {
        var chain = try TestChain()
        chain.authority.extensions = TestDER.authority(usage: 0x02)
        #expect(
            try chain.problems() == [
                .issuerMayNotSign(
                    subject: "Leaf", issuer: "Authority", reason: "keyUsage does not let it sign certificates")
            ])
        chain.authority.extensions = []
        #expect(
            try chain.problems() == [
                .issuerMayNotSign(subject: "Leaf", issuer: "Authority", reason: "it is no authority")
            ])
        chain = try TestChain()
        chain.root.extensions = TestDER.authority(pathLength: 0)
        #expect(
            try chain.problems().map(\.description) == [
                "Authority: Root may not sign it: 1 authorities stand below it, at most 0 may",
                "Root: Root may not sign it: 1 authorities stand below it, at most 0 may",
            ])
        chain = try TestChain()
        chain.leaf.extensions = [TestDER.certificateExtension([2, 5, 29, 30], critical: true, [0x05, 0x00])]
        #expect(
            try chain.problems() == [
                .unknownCriticalExtension(subject: "Leaf", identifier: ObjectIdentifier(2, 5, 29, 30))
            ])
        chain = try TestChain()
        chain.leaf.notAfter = TestDER.time("250101000000Z")
        #expect(try chain.problems().isEmpty)
        #expect(try chain.problems(at: 1_735_689_600).isEmpty)
        #expect(try chain.problems(at: 1_735_689_601) == [.expired(subject: "Leaf", since: 1_735_689_600)])
        #expect(try chain.problems(at: 0).count == 3)
    }

    @Test("another issuer's signature, or name, does not count")
    func wrongIssuer() throws {
        let chain = try TestChain()
        let other = try TestChain()
        let leaf = try Certificate(der: chain.leaf.signed(other.authorityKey.sign), source: "leaf")
        let authority = try chain.certificates()[1]
        #expect(leaf.problems(issuedBy: authority) == [.signature(subject: "Leaf", issuer: "Authority")])
        let root = try chain.certificates()[2]
        let problems = try chain.certificates()[0].problems(issuedBy: root)
        #expect(problems.first == .otherIssuer(subject: "Leaf", issuer: "Authority", expected: "Root"))
        #expect(problems.count == 2)
    }

    @Test("every flipped bit of a certificate is refused or breaks its signature")
    func corruption() throws {
        let chain = try TestChain()
        let authority = try chain.certificates()[1]
        let good = try chain.leaf.signed(chain.authorityKey.sign)
        for index in good.indices {
            for bit in [0, 3, 7] {
                var bytes = good
                bytes[index] ^= 1 << UInt8(bit)
                guard let changed = try? Certificate(der: bytes, source: "leaf") else { continue }
                #expect(!changed.problems(issuedBy: authority).isEmpty, "byte \(index), bit \(bit)")
            }
        }
        for count in good.indices {
            #expect(throws: FormatError.self) { try Certificate(der: Array(good.prefix(count)), source: "leaf") }
        }
        #expect(throws: FormatError.self) { try Certificate(der: good + [0], source: "leaf") }
    }

    @Test("two algorithms, an extension twice and extensions without version 3 are refused")
    func inconsistent() throws {
        var chain = try TestChain()
        let body = chain.leaf.signedBytes
        let mixed = TestDER.sequence(body, TestDER.ecdsaSHA384, TestDER.element(0x03, [0, 1]))
        let error = #expect(throws: FormatError.self) { try Certificate(der: mixed, source: "c") }
        #expect(error?.found == "another algorithm than in TBSCertificate")
        chain.leaf.extensions = TestDER.authority() + TestDER.authority()
        #expect(throws: FormatError.self) { try chain.certificates() }
        chain.leaf.extensions = TestDER.authority()
        chain.leaf.version = []
        let old = #expect(throws: FormatError.self) { try chain.certificates() }
        #expect(old?.found == "extensions in version 1")
        chain.leaf.extensions = []
        #expect(try chain.certificates()[0].version == 1)
        chain.leaf.algorithm = TestDER.sequence(TestDER.identifier([1, 2, 840, 113549, 1, 1, 5]), [0x05, 0x00])
        let sha1 = #expect(throws: FormatError.self) { try chain.certificates() }
        #expect(sha1?.found == "algorithm 1.2.840.113549.1.1.5")
    }

    @Test("files hold PEM blocks or DER, one or several")
    func files() throws {
        let certificates = try TestChain().certificates()
        let pem = certificates.map { certificate in
            "-----BEGIN CERTIFICATE-----\r\n\(Base64.encode(certificate.encoding))\n-----END CERTIFICATE-----\n\n"
        }.joined()
        #expect(try Certificate.read(Array(pem.utf8), source: "pem") == certificates)
        #expect(try Certificate.read(certificates.flatMap(\.encoding), source: "der") == certificates)
        for bad in ["", "text", pem + "x", String(pem.dropLast(9)), pem.replacing("MI", with: "M!"), "\n\n"] {
            #expect(throws: FormatError.self) { try Certificate.read(Array(bad.utf8), source: "pem") }
        }
    }

    @Test("random changes to certificates and lists never do more than throw (seed 5)")
    func garbage() throws {
        var random = SeededGenerator(seed: 5)
        let chain = try TestChain()
        let good = try chain.root.signed(chain.rootKey.sign)
        let list = try RevocationRecipe(issuer: "Root", algorithm: TestDER.ecdsaSHA384, revoked: [1, 2])
            .signed(chain.rootKey.sign)
        for _ in 0..<600 {
            for bytes in [good, list] {
                var changed = bytes
                for _ in 0...random.next() % 4 {
                    changed[Int(random.next() % UInt64(changed.count))] = UInt8(random.next() & 255)
                }
                _ = try? Certificate.read(changed, source: "x")
                _ = try? RevocationList(changed, source: "x")
            }
        }
    }
}

@Suite("Revocation lists")
struct RevocationListTests {
    private let chain: TestChain
    private let certificates: [Certificate]
    init() throws {
        chain = try TestChain()
        certificates = try chain.certificates()
    }

    private func recipe(_ revoked: [Int]) -> RevocationRecipe {
        RevocationRecipe(issuer: "Root", algorithm: TestDER.ecdsaSHA384, revoked: revoked)
    }

    @Test("a list says who is revoked, for its own issuer's certificates alone")
    func entries() throws {
        let list = try RevocationList(recipe([9, 0]).signed(chain.rootKey.sign), source: "crl")
        #expect(list.problems(issuedBy: certificates[2], at: 1_750_000_000).isEmpty)
        #expect(list.entry(of: certificates[1])?.date == 1_748_736_000)
        #expect(list.entry(of: certificates[0]) == nil)
        let empty = try RevocationList(recipe([]).signed(chain.rootKey.sign), source: "crl")
        #expect(empty.entries.isEmpty && empty.entry(of: certificates[1]) == nil)
    }

    @Test("PEM counts as well, one block")
    func pem() throws {
        let bytes = try recipe([9]).signed(chain.rootKey.sign)
        let text = "-----BEGIN X509 CRL-----\n\(Base64.encode(bytes))\n-----END X509 CRL-----\n"
        #expect(try RevocationList(Array(text.utf8), source: "crl").entries.map(\.serial) == [[9]])
        #expect(throws: FormatError.self) { try RevocationList(Array((text + text).utf8), source: "crl") }
    }

    @Test("a list of another issuer, too old, not yet valid or forged is named")
    func problems() throws {
        let list = try RevocationList(recipe([]).signed(chain.rootKey.sign), source: "crl")
        #expect(list.problems(issuedBy: certificates[2], at: 0).count == 1)
        #expect(list.problems(issuedBy: certificates[2], at: 2_100_000_000).count == 1)
        #expect(list.problems(issuedBy: certificates[1]).count == 2)
        let forged = try RevocationList(recipe([]).signed(chain.authorityKey.sign), source: "crl")
        #expect(forged.problems(issuedBy: certificates[2]) == [.signature(subject: "crl", issuer: "Root")])
        var indirect = recipe([1])
        indirect.entryExtensions = TestDER.sequence(
            TestDER.certificateExtension([2, 5, 29, 29], critical: true, [0x30, 0x00]))
        #expect(throws: FormatError.self) {
            try RevocationList(indirect.signed(chain.rootKey.sign), source: "crl")
        }
    }
}

@Suite("Certificates and openssl", .enabled(if: Outside.has("openssl"), "openssl is not installed"))
struct CertificatePeerTests {
    @Test("openssl accepts the chains made here, and we accept one that openssl makes")
    func bothWays() throws {
        let folder = try TemporaryFolder()
        let certificates = try TestChain().certificates()
        var paths: [String] = []
        for certificate in certificates {
            let text =
                "-----BEGIN CERTIFICATE-----\n\(Base64.encode(certificate.encoding))\n-----END CERTIFICATE-----\n"
            paths.append(try folder.write(certificate.name, Array(text.utf8)))
        }
        let words = ["verify", "-CAfile", paths[2], "-untrusted", paths[1], paths[0]]
        let verified = try Subprocess("openssl", words).run()
        #expect(verified.status == 0, "\(verified.errorText)")

        let key = folder.file("rsa")
        let made = try Subprocess(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/C=US/O=Test/CN=Peer",
                "-sha256", "-outform", "DER", "-days", "30",
            ]
        ).run()
        let certificate = try Certificate(der: made.output, source: "openssl")
        #expect(certificate.name == "Peer" && certificate.scheme == .rsaPKCS1(.sha256))
        #expect(certificate.key.kind == .rsa(bits: 2048))
        #expect(certificate.problems(issuedBy: certificate).isEmpty)
    }

    @Test("RSASSA-PSS of openssl holds with its own salt length alone")
    func pss() throws {
        let key = try OpenSSLKey(bits: 2048)
        var recipe = CertificateRecipe(
            subject: "PSS", issuer: "PSS", key: key.publicEncoding, algorithm: TestDER.rsaPSS,
            extensions: TestDER.authority())
        let certificate = try Certificate(der: recipe.signed(key.sign), source: "pss")
        #expect(certificate.scheme == .rsaPSS(.sha384, saltByteCount: 48))
        #expect(certificate.problems(issuedBy: certificate).isEmpty)
        #expect(
            !certificate.key.accepts(
                certificate.signature, of: certificate.signedBytes, scheme: .rsaPSS(.sha384, saltByteCount: 32)))
        #expect(
            !certificate.key.accepts(certificate.signature, of: certificate.signedBytes, scheme: .rsaPKCS1(.sha384)))
        recipe.algorithm = TestDER.sequence(TestDER.identifier([1, 2, 840, 113549, 1, 1, 10]), [0x30, 0x00])
        #expect(throws: FormatError.self, "SHA-1 by default") {
            try Certificate(der: recipe.signed(key.sign), source: "pss")
        }
    }
}
