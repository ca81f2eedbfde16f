import Files

/// A repeatable source of numbers for tests (xorshift64*): a failing test names its seed.
///
/// `ASSAY_SEED` moves every seed, so that `ci/deep` can run the same tests on other bytes.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        let shift = FileSystem.environment("ASSAY_SEED").flatMap { UInt64($0) } ?? 0
        self.init(fixed: seed ^ (shift &* 0xD134_2543_DE82_EF95))
    }

    /// For known answers, which hang on the bytes.
    public init(fixed seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    public mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// `count` bytes.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }
}
