import Bytes
import Files
import TestSupport
import Testing

@testable import Packages

@Suite("files of OpenPGP keys")
struct KeyringTests {
    @Test("give each certificate under the fingerprint that gpg gives it")
    func fingerprints() throws {
        let ring = try Keyring(TestArchive.stranger + TestArchive.key, source: "keys")
        #expect(
            ring.certificates.map(\.fingerprint) == [TestArchive.strangerFingerprint, TestArchive.fingerprint])
        #expect(ring.certificates.map(\.bytes) == [TestArchive.stranger, TestArchive.key])
        #expect(try ring.bytes(of: [TestArchive.fingerprint], source: "keys") == TestArchive.key)
        let both = [TestArchive.fingerprint, TestArchive.strangerFingerprint]
        #expect(try ring.bytes(of: both, source: "keys") == TestArchive.stranger + TestArchive.key)
        #expect(throws: PackageError.self) {
            _ = try ring.bytes(of: [String(repeating: "0", count: 40)], source: "keys")
        }
    }

    @Test("are read with every form of packet length")
    func lengths() throws {
        // The key's packets again, with lengths of the new format in one, two and five bytes.
        let body = Array(TestArchive.key[2..<53])
        let name = [UInt8](repeating: 0x61, count: 300)
        let two = [UInt8((300 - 192) >> 8 + 192), UInt8((300 - 192) & 0xFF)]
        for packets in [[0xC6, 51] + body, [0xC6, 0xFF, 0, 0, 0, 51] + body, [0x99, 0, 51] + body] as [[UInt8]] {
            let ring = try Keyring(packets + [0xCD] + two + name, source: "keys")
            #expect(ring.certificates.map(\.fingerprint) == [TestArchive.fingerprint])
            #expect(ring.certificates[0].bytes.count == packets.count + 303)
        }
    }

    @Test("are refused when cut short, armored, or of partial length")
    func refused() {
        // Only the end of one of its packets may be the end of the file.
        for count in 1..<TestArchive.key.count where ![53, 73].contains(count) {
            #expect(throws: FormatError.self, "cut to \(count) bytes") {
                _ = try Keyring(Array(TestArchive.key.prefix(count)), source: "cut")
            }
        }
        for bad in [[], Array("-----BEGIN PGP".utf8), [0xC6, 0xE0, 1], [0x9B, 1], [0x98]] as [[UInt8]] {
            #expect(throws: FormatError.self) { _ = try Keyring(bad, source: "bad") }
        }
    }

    @Test("pass over keys of other versions")
    func versions() throws {
        #expect(try Keyring([0x98, 2, 6, 0] + TestArchive.key, source: "keys").certificates.count == 1)
    }

    @Test(
        "of this host hold Debian's keys, as gpgv reads them",
        .enabled(if: LockUpdate.hostKeyring != nil, "debian-archive-keyring is not installed"))
    func host() throws {
        let path = try #require(LockUpdate.hostKeyring)
        let ring = try Keyring(InputFile.contents(of: path), source: path)
        #expect(ring.certificates.count > 3)
        #expect(ring.certificates.allSatisfy { $0.fingerprint.utf8.count == 40 })
    }
}

@Suite("clear-signed messages")
struct ClearSignedTextTests {
    private func parse(_ text: String) throws -> ClearSignedText {
        try ClearSignedText(Array(text.utf8), source: "InRelease")
    }

    private static let good =
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na: b \t\n- - c\n\nd\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
        + "-----END PGP SIGNATURE-----\n"

    @Test("give what was signed and the signature")
    func parts() throws {
        let message = try parse(Self.good)
        #expect(String(decoding: message.text, as: UTF8.self) == "a: b\n- c\n\nd")
        let signature = String(decoding: message.signature, as: UTF8.self)
        #expect(signature == "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n")
        let windows = Self.good.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(try parse(windows).text == message.text)
    }

    @Test("are refused with anything before, between or after their parts")
    func refused() {
        let good = Self.good
        let bad = [
            "", "a: b\n", "x\n" + good, "\n" + good, good + "x\n", good + good, good + "\n\n",
            good.replacing("Hash: SHA256", with: "Suite: x"),
            good.replacing("Hash: SHA256\n", with: "Hash: SHA256\nx\n"),
            good.replacing("- - c", with: "-c"), good.replacing("-----END PGP SIGNATURE-----\n", with: ""),
            good.replacing("abc", with: "-----BEGIN PGP SIGNATURE-----"), good.replacing("abc", with: "-----END"),
            good.replacing("-----BEGIN PGP SIGNATURE-----\n", with: ""),
            String(good.dropFirst(3)),
        ]
        for text in bad { #expect(throws: FormatError.self, "\(text)") { _ = try parse(text) } }
        for count in 0..<good.utf8.count - 1 {
            #expect(throws: FormatError.self, "cut to \(count)") { _ = try parse(String(good.prefix(count))) }
        }
    }
}
