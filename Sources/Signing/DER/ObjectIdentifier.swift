/// An object identifier by its DER content (X.690, §8.19).
public struct ObjectIdentifier: Hashable, Sendable, CustomStringConvertible {
    /// The content octets.
    public let content: [UInt8]

    /// An identifier from content octets; nil if an arc is padded, cut off or larger than 63 bits, or there is none.
    public init?(content: [UInt8]) {
        guard !content.isEmpty, content.count <= 128, content.last.map({ $0 < 0x80 }) == true else { return nil }
        var startsArc = true
        var length = 0
        for byte in content {
            if startsArc, byte == 0x80 { return nil }
            length = startsArc ? 1 : length + 1
            guard length <= 9 else { return nil }
            startsArc = byte < 0x80
        }
        self.content = content
    }

    /// An identifier from its arcs: the first is 0 to 2, the second below 40 if the first is below 2.
    public init(_ first: UInt64, _ second: UInt64, _ rest: UInt64...) {
        content = ([first * 40 + second] + rest).flatMap { arc in
            var groups = [UInt8(arc & 0x7F)]
            var left = arc >> 7
            while left > 0 {
                groups.append(UInt8(left & 0x7F) | 0x80)
                left >>= 7
            }
            return groups.reversed()
        }
    }

    /// The arcs, the first two apart.
    public var arcs: [UInt64] {
        var result: [UInt64] = []
        var arc: UInt64 = 0
        for byte in content {
            arc = arc << 7 | UInt64(byte & 0x7F)
            guard byte < 0x80 else { continue }
            if result.isEmpty {
                let first = min(arc / 40, 2)
                result = [first, arc - first * 40]
            } else {
                result.append(arc)
            }
            arc = 0
        }
        return result
    }

    /// Dotted decimal.
    public var description: String { arcs.map { String($0) }.joined(separator: ".") }
}
