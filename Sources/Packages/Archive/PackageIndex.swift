internal import Archives
internal import Bytes
internal import Hashing

/// A `Packages` index, unpacked; stanzas are found by the hash of their package.
struct PackageIndex {
    private let bytes: [UInt8]
    private let source: String

    /// Debian's main unpacks to some 60 MB, six times its size.
    private static let limits = ExpansionLimits(byteCount: 1 << 30, ratio: 100)

    /// Unpacks an index; its name says how it is packed.
    init(packed: [UInt8], name: String, source: String) throws(FormatError) {
        bytes = try Compression(fileName: name).decompress(packed, source: source, limits: Self.limits)
        self.source = source
    }

    /// The stanza of the package with this hash; nil if the index does not list it.
    func stanza(_ sha256: Digest) throws -> ControlStanza? {
        // Continuation lines start with a space, so only a real field can match from a line's start to its end.
        guard let hit = first("\nSHA256: \(sha256.hex)\n") else { return nil }
        var start = hit
        while start > 0, !(bytes[start] == 0x0A && bytes[start - 1] == 0x0A) { start -= 1 }
        var end = hit + 1
        while end + 1 < bytes.count, !(bytes[end] == 0x0A && bytes[end + 1] == 0x0A) { end += 1 }
        return try ControlStanza.single(Array(bytes[start..<min(end + 1, bytes.count)]), source: source)
    }

    /// Horspool's search: what stands under the pattern's last byte says how far the pattern may move, here mostly by
    /// its whole length of 74 bytes.
    private func first(_ text: String) -> Int? {
        let pattern = Array(text.utf8)
        var steps = [Int](repeating: pattern.count, count: 256)
        for (index, byte) in pattern.dropLast().enumerated() { steps[Int(byte)] = pattern.count - 1 - index }
        var start = 0
        while start <= bytes.count - pattern.count {
            if bytes[start..<start + pattern.count].elementsEqual(pattern) { return start }
            start += steps[Int(bytes[start + pattern.count - 1])]
        }
        return nil
    }
}
