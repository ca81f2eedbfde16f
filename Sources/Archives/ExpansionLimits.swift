/// What decoding untrusted data may cost; every decoder asks for it.
public struct ExpansionLimits: Sendable, Hashable {
    /// Most bytes of output, all entries together.
    public var byteCount: Int
    /// Most output bytes for one byte of input; it counts once the output has passed `ratioThreshold`.
    public var ratio: Int
    /// Most entries of an archive.
    public var entryCount: Int

    /// Output up to this many bytes may have any ratio: a megabyte hurts nobody, and short runs of zeros pack well.
    public static let ratioThreshold = 1 << 20

    public init(byteCount: Int, ratio: Int, entryCount: Int = 1_000_000) {
        self.byteCount = byteCount
        self.ratio = ratio
        self.entryCount = entryCount
    }

    /// Which limit `output` bytes made of `input` bytes break, as "expected" words of an error; nil if none.
    func broken(output: Int, input: Int) -> String? {
        if output > byteCount { return "at most \(byteCount) bytes of output" }
        let (allowed, overflow) = max(1, input).multipliedReportingOverflow(by: max(1, ratio))
        if output > Self.ratioThreshold, !overflow, output > allowed {
            return "at most \(ratio) bytes of output for a byte of input"
        }
        return nil
    }
}
