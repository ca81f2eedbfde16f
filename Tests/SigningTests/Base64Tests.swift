import Signing
import TestSupport
import Testing

@Suite("Base64 (RFC 4648)")
struct Base64Tests {
    @Test(
        "writes and reads the RFC's test vectors",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func knownAnswers(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
    }

    @Test("reads both alphabets, never mixed")
    func alphabets() {
        #expect(Base64.decode("+/8=") == [0xFB, 0xFF])
        #expect(Base64.decode("-_8=") == [0xFB, 0xFF])
        #expect(Base64.decode("+_8=") == nil)
    }

    @Test(
        "refuses what is not the one form of some bytes",
        arguments: ["Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "=", "Zg= =", "Z g=", "Zm9v\n", "Zg==Zg==", "Zé=="])
    func malformed(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("round trip of random bytes of every length")
    func roundTrip() {
        var random = SeededGenerator(seed: 2)
        for count in 0..<200 {
            let bytes = random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
