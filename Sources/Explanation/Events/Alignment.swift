private import Hashing

/// Two lists side by side, so that as many elements as possible face one that stands for the same.
enum Alignment {
    /// Positions in the two lists; nil on the side that lacks the element.
    typealias Pair = (first: Int?, second: Int?)

    /// Cells of the table that finds the longest common part. In longer lists only what is equal at both ends is paired.
    private static let limit = 1 << 22

    /// Pairs two lists of events: first those with equal digests, then in what lies between them those about the same
    /// thing, then those of the same type. What has no partner stands alone, the first list's events before the second's.
    static func pairs(_ a: [RegisterEvent], _ b: [RegisterEvent], banks: [String]) -> [Pair] {
        func digests(_ event: RegisterEvent) -> String {
            event.digests.filter { banks.contains($0.algorithm.rawValue) }.map(\.hex).joined(separator: ",")
        }
        return refine(a[...], b[...], by: [digests, { $0.subject }, { "\($0.type)" }])
    }

    private static func refine(
        _ a: ArraySlice<RegisterEvent>, _ b: ArraySlice<RegisterEvent>, by keys: ArraySlice<(RegisterEvent) -> String>
    ) -> [Pair] {
        guard let key = keys.first, !a.isEmpty, !b.isEmpty else { return alone(a.indices, b.indices) }
        var result: [Pair] = []
        var (x, y) = (a.startIndex, b.startIndex)
        for (first, second) in common(a.map(key), b.map(key)) {
            let (i, j) = (a.startIndex + first, b.startIndex + second)
            result += refine(a[x..<i], b[y..<j], by: keys.dropFirst())
            result.append((i, j))
            (x, y) = (i + 1, j + 1)
        }
        return result + refine(a[x...], b[y...], by: keys.dropFirst())
    }

    private static func alone(_ first: Range<Int>, _ second: Range<Int>) -> [Pair] {
        first.map { ($0, nil) } + second.map { (nil, $0) }
    }

    /// Positions of a longest common subsequence, in order.
    static func common<Key: Hashable>(_ a: [Key], _ b: [Key]) -> [(Int, Int)] {
        let head = zip(a, b).prefix { $0 == $1 }.count
        let tail = zip(a.dropFirst(head).reversed(), b.dropFirst(head).reversed()).prefix { $0 == $1 }.count
        let inner = table(Array(a.dropFirst(head).dropLast(tail)), Array(b.dropFirst(head).dropLast(tail)))
        return (0..<head).map { ($0, $0) } + inner.map { ($0 + head, $1 + head) }
            + (0..<tail).map { (a.count - tail + $0, b.count - tail + $0) }
    }

    private static func table<Key: Hashable>(_ a: [Key], _ b: [Key]) -> [(Int, Int)] {
        guard !a.isEmpty, !b.isEmpty, a.count <= limit / b.count else { return [] }
        // lengths[i * width + j]: the longest common part of what follows i in a and j in b.
        let width = b.count + 1
        var lengths = [Int32](repeating: 0, count: (a.count + 1) * width)
        for i in a.indices.reversed() {
            for j in b.indices.reversed() {
                lengths[i * width + j] =
                    a[i] == b[j]
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var pairs: [(Int, Int)] = []
        var (i, j) = (0, 0)
        while i < a.count, j < b.count {
            if a[i] == b[j] {
                pairs.append((i, j))
                (i, j) = (i + 1, j + 1)
            } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return pairs
    }
}
