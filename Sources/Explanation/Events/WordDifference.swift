/// What differs between two texts, word by word.
enum WordDifference {
    /// Words beyond these are counted alone.
    private static let most = 16

    /// One line for each word that only one text has, in order, or what differs in blanks; empty if they are equal.
    static func lines(_ expected: String, _ found: String) -> [String] {
        guard expected != found else { return [] }
        let first = expected.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        let second = found.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        var lines: [String] = []
        var (x, y) = (0, 0)
        for (i, j) in Alignment.common(first, second) + [(first.count, second.count)] {
            lines += runs(Array(first[x..<i]), Array(second[y..<j]))
            (x, y) = (i + 1, j + 1)
        }
        if lines.isEmpty { return ["the same words with other blanks: '\(expected)' against '\(found)'"] }
        return lines.count <= most ? lines : lines.prefix(most) + ["and \(lines.count - most) more words"]
    }

    /// A run of words in the place of another; words that set the same thing face each other.
    private static func runs(_ expected: [String], _ found: [String]) -> [String] {
        func key(_ word: String) -> Substring { word.prefix { $0 != "=" } }
        var lines: [String] = []
        var (x, y) = (0, 0)
        for (i, j) in Alignment.common(expected.map(key), found.map(key)) + [(expected.count, found.count)] {
            let (left, right) = (expected[x..<i], found[y..<j])
            if !left.isEmpty, !right.isEmpty {
                lines.append("'\(left.joined(separator: " "))' against '\(right.joined(separator: " "))'")
            } else if !left.isEmpty {
                lines.append("'\(left.joined(separator: " "))' is missing")
            } else if !right.isEmpty {
                lines.append("'\(right.joined(separator: " "))' is extra")
            }
            if i < expected.count, j < found.count { lines.append("'\(expected[i])' against '\(found[j])'") }
            (x, y) = (i + 1, j + 1)
        }
        return lines
    }
}
