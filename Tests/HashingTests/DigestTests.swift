import Bytes
import Hashing
import Testing

@Suite("Digest")
struct DigestTests {
    @Test(
        "known answers of \"abc\"",
        arguments: [
            (.md5, "900150983cd24fb0d6963f7d28e17f72"),
            (.ripemd160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
            (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (.sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha3x256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            (.blake2s256, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"),
            (
                .sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
            ),
        ] as [(HashAlgorithm, String)])
    func knownAnswers(algorithm: HashAlgorithm, hex: String) {
        #expect(Digest.of(Array("abc".utf8), algorithm).hex == hex)
    }

    @Test("every algorithm gives as many bytes as it says", arguments: HashAlgorithm.allCases)
    func sizes(algorithm: HashAlgorithm) {
        #expect(Digest.of([], algorithm).bytes.count == algorithm.byteCount)
        #expect(Digest.zero(algorithm).bytes == Array(repeating: 0, count: algorithm.byteCount))
        #expect(HashAlgorithm(rawValue: algorithm.rawValue) == algorithm)
    }

    @Test("takes exactly its number of bytes or hex digits")
    func lengths() {
        #expect(Digest(.sha256, bytes: [UInt8](repeating: 1, count: 32)) != nil)
        #expect(Digest(.sha256, bytes: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(Digest(.sha1, hex: String(repeating: "aB", count: 20))?.hex == String(repeating: "ab", count: 20))
        #expect(Digest(.sha1, hex: String(repeating: "ab", count: 21)) == nil)
        #expect(Digest(.sha1, hex: String(repeating: "xy", count: 20)) == nil)
    }

    @Test("pieces of any size give the digest of the whole")
    func streaming() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        for piece in [1, 63, 64, 65, 999] {
            var hash = Hash(.sha384)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                hash.update(bytes[start..<min(start + piece, bytes.count)])
            }
            #expect(hash.finish() == Digest.of(bytes, .sha384))
        }
        #expect(Digest.of(bytes.raw, .sha384) == Digest.of(bytes, .sha384))
    }

    @Test("a register is extended by the hash of old value and digest")
    func extend() {
        // SHA-256 of 64 zero bytes.
        let zero = Digest.zero(.sha256)
        #expect(zero.extended(by: zero).hex == "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b")
        let one = Digest.of([1], .sha256)
        #expect(one.extended(by: zero) == Digest.of(one.bytes + zero.bytes, .sha256))
        #expect(one.extended(by: zero) != zero.extended(by: one))
    }
}
