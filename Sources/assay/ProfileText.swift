/// The text of a profile, in which captured facts are replaced; everything else, comments too, stays as it was written.
struct ProfileText {
    private(set) var lines: [String]

    init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }

    var text: String { lines.joined(separator: "\n") }

    /// Replaces the block of a key at the top level by `block`, or adds it at the end.
    mutating func replace(_ key: String, by block: [String]) {
        replace(key, indent: 0, in: 0..<contentEnd, by: block)
    }

    /// Replaces the block of a key inside a top-level section.
    mutating func replace(_ key: String, inside section: String, by block: [String]) {
        guard let range = range(of: section, indent: 0, in: 0..<contentEnd) else { return }
        replace(key, indent: 2, in: range.lowerBound + 1..<range.upperBound, by: block)
    }

    private var contentEnd: Int { lines.last == "" ? lines.count - 1 : lines.count }

    private mutating func replace(_ key: String, indent: Int, in area: Range<Int>, by block: [String]) {
        let pad = String(repeating: " ", count: indent)
        let place = range(of: key, indent: indent, in: area) ?? area.upperBound..<area.upperBound
        lines.replaceSubrange(place, with: block.map { pad + $0 })
    }

    /// The lines of a key's block: its own and those that are indented deeper.
    private func range(of key: String, indent: Int, in area: Range<Int>) -> Range<Int>? {
        let start = String(repeating: " ", count: indent) + key + ":"
        guard let first = area.first(where: { lines[$0] == start || lines[$0].hasPrefix(start + " ") }) else {
            return nil
        }
        let deeper = String(repeating: " ", count: indent + 1)
        let last = (first + 1..<area.upperBound).first { !lines[$0].hasPrefix(deeper) }
        return first..<(last ?? area.upperBound)
    }
}
