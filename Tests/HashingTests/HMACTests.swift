import Bytes
import Hashing
import Testing

/// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
@Suite("HMAC")
struct HMACTests {
    struct Case: Sendable {
        var key: [UInt8]
        var message: String
        var algorithm = HashAlgorithm.sha256
        var expected: String
    }

    static let cases = [
        Case(
            key: [UInt8](repeating: 0x0B, count: 20), message: "Hi There",
            expected: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Case(
            key: Array("Jefe".utf8), message: "what do ya want for nothing?",
            expected: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Case(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: "Test Using Larger Than Block-Size Key - Hash Key First",
            expected: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Case(
            key: Array("Jefe".utf8), message: "what do ya want for nothing?", algorithm: .sha384,
            expected: "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        ),
    ]

    @Test("RFC 4231", arguments: cases)
    func known(given: Case) {
        #expect(HMAC.of(Array(given.message.utf8), key: given.key, given.algorithm).hex == given.expected)
    }
}
