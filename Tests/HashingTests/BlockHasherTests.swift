import Bytes
import Hashing
import TestSupport
import Testing

@Suite("BlockHasher")
struct BlockHasherTests {
    /// Digests of the blocks, one by one through libcrypto.
    private func expected(
        _ algorithm: HashAlgorithm, _ data: [UInt8], blockSize: Int, salt: [UInt8], saltLast: Bool
    ) -> [UInt8] {
        stride(from: 0, through: data.count - blockSize, by: blockSize).flatMap { start in
            let block = Array(data[start..<start + blockSize])
            return Digest.of(saltLast ? block + salt : salt + block, algorithm).bytes
        }
    }

    @Test("SHA instructions and libcrypto agree for every block size to 300", arguments: [0, 13, 32], [false, true])
    func sizes(saltSize: Int, saltLast: Bool) {
        let seed: UInt64 = 300
        var random = SeededGenerator(seed: seed)
        let salt = random.bytes(saltSize)
        for size in 1...300 {
            let data = random.bytes(size * 3)
            let hasher = BlockHasher(.sha256, blockSize: size, salt: salt, saltLast: saltLast)
            let plain = BlockHasher(
                .sha256, blockSize: size, salt: salt, saltLast: saltLast, allowShaInstructions: false)
            let wanted = expected(.sha256, data, blockSize: size, salt: salt, saltLast: saltLast)
            #expect(hasher.digests(of: data.raw) == wanted, "block size \(size), seed \(seed)")
            #expect(plain.digests(of: data.raw) == wanted, "block size \(size), seed \(seed)")
        }
    }

    @Test("SHA instructions and libcrypto agree for every salt to 128", arguments: [64, 119, 512], [false, true])
    func salts(size: Int, saltLast: Bool) {
        let seed: UInt64 = 128
        var random = SeededGenerator(seed: seed)
        for saltSize in 0...128 {
            let salt = random.bytes(saltSize)
            let data = random.bytes(size * 2)
            let hasher = BlockHasher(.sha256, blockSize: size, salt: salt, saltLast: saltLast)
            let wanted = expected(.sha256, data, blockSize: size, salt: salt, saltLast: saltLast)
            #expect(hasher.digests(of: data.raw) == wanted, "salt of \(saltSize), seed \(seed)")
        }
    }

    @Test("any number of blocks, odd ones and none; a partial last block is left out", arguments: [0, 1, 2, 3, 7, 513])
    func counts(count: Int) {
        var random = SeededGenerator(seed: 5)
        let data = random.bytes(count * 64 + 63)
        let wanted = expected(.sha256, data, blockSize: 64, salt: [1], saltLast: false)
        #expect(BlockHasher(.sha256, blockSize: 64, salt: [1]).digests(of: data.raw) == wanted)
        #expect(wanted.count == count * 32)
    }

    @Test("every algorithm hashes blocks as it hashes bytes", arguments: HashAlgorithm.allCases)
    func algorithms(algorithm: HashAlgorithm) {
        var random = SeededGenerator(seed: 6)
        let data = random.bytes(5 * 100)
        for saltLast in [false, true] {
            let hasher = BlockHasher(algorithm, blockSize: 100, salt: [7, 8], saltLast: saltLast)
            #expect(
                hasher.digests(of: data.raw)
                    == expected(algorithm, data, blockSize: 100, salt: [7, 8], saltLast: saltLast))
        }
    }

    @Test("blocks that are read by workers come out in order", arguments: [1, 2, 5])
    func reading(workers: Int) throws {
        var random = SeededGenerator(seed: 8)
        let data = random.bytes(1000 * 512)
        let hasher = BlockHasher(.sha256, blockSize: 512)
        for count in [0, 1, 255, 256, 1000] {
            let found = try hasher.digests(count: count, workers: workers) { first, buffer in
                buffer = Array(data[first * 512..<first * 512 + buffer.count])
            }
            #expect(
                found == expected(.sha256, Array(data.prefix(count * 512)), blockSize: 512, salt: [], saltLast: false))
        }
    }

    @Test("an error of a read is thrown")
    func readingFails() {
        struct Broken: Error {}
        let hasher = BlockHasher(.sha256, blockSize: 512)
        #expect(throws: Broken.self) {
            try hasher.digests(count: 2000, workers: 2) { first, _ in if first >= 1000 { throw Broken() } }
        }
    }
}
