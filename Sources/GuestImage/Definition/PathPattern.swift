/// A pattern over paths of the guest, as `exclude` and `include` of a definition write it: `/usr/share/doc/*/copyright`.
///
/// It starts at the root. `*` stands for any bytes within a name, `?` for one, `**` as a whole name for any number of
/// names. A pattern also covers everything below what it matches.
public struct PathPattern: Sendable, Hashable {
    public let text: String
    private let components: [[UInt8]]

    /// A pattern from its text; nil if it is not absolute, or has an empty, `.` or `..` name.
    public init?(_ text: String) {
        guard let path = GuestPath.components(of: text) else { return nil }
        self.text = text
        components = path
    }

    /// Whether the path, or a directory above it, matches.
    func covers(_ path: [[UInt8]]) -> Bool {
        Self.matches(components[...], path[...])
    }

    private static func matches(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return true }
        if first == [UInt8(ascii: "*"), UInt8(ascii: "*")] {
            return (path.startIndex...path.endIndex).contains { matches(pattern.dropFirst(), path[$0...]) }
        }
        guard let name = path.first, matchesName(first[...], name[...]) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    /// Greedy matching with one point to go back to: linear in the product of the lengths.
    private static func matchesName(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var p = pattern.startIndex
        var n = name.startIndex
        var retry: (pattern: Int, name: Int)?
        while n < name.endIndex {
            if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.endIndex, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let point = retry {
                retry = (point.pattern, point.name + 1)
                p = point.pattern
                n = point.name + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// Absolute paths of the guest as definitions write them.
enum GuestPath {
    /// The names of an absolute path; nil if it is relative, is the root, or has an empty, `.` or `..` name or a NUL.
    static func components(of text: String) -> [[UInt8]]? {
        guard text.hasPrefix("/") else { return nil }
        let names = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { Array($0.utf8) }
        let refused: [[UInt8]] = [[], Array(".".utf8), Array("..".utf8)]
        guard names.allSatisfy({ !refused.contains($0) && !$0.contains(0) && $0.count <= 255 }) else { return nil }
        return names
    }
}
