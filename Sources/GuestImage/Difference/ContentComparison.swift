private import Archives
private import Bytes
internal import DiskFormats
private import Files
private import Hashing

/// Says what differs between two files' contents: lines of a text, sections of a program, else the first byte.
struct ContentComparison {
    /// The file's name, whose suffix says how it is compressed.
    private let name: String
    /// What is larger is compared byte by byte alone.
    private static let largest = 16 << 20
    private static let limits = ExpansionLimits(byteCount: 256 << 20, ratio: 1000)

    init(_ name: String) { self.name = name }

    /// Nil if both are equal.
    func aspect(_ old: ComparedContent, _ new: ComparedContent) throws -> ImageDifference.Aspect? {
        guard let place = try old.firstDifference(from: new) else { return nil }
        var details = ["first differing byte: \(place)"]
        if let one = try old.bytes(limit: Self.largest), let other = try new.bytes(limit: Self.largest) {
            details = describe(one, other) ?? details
        }
        return .init("content", "\(old.count) bytes", "\(new.count) bytes", details)
    }

    /// Nil if nothing better can be said than which byte differs.
    private func describe(_ old: [UInt8], _ new: [UInt8]) -> [String]? {
        let compression = Compression(fileName: name)
        if compression != .none, let one = try? compression.decompress(old, source: name, limits: Self.limits),
            let other = try? compression.decompress(new, source: name, limits: Self.limits)
        {
            guard one != other else { return ["the same contents, compressed otherwise"] }
            return Self.plain(one, other).map { ["in its \(compression.rawValue) stream:"] + $0 }
        }
        return Self.plain(old, new)
    }

    private static func plain(_ old: [UInt8], _ new: [UInt8]) -> [String]? {
        if ELFImage.isELF(old), ELFImage.isELF(new) { return ELFComparison.lines(old, new) }
        if let one = TextComparison.text(old), let other = TextComparison.text(new) {
            return TextComparison.lines(one, other)
        }
        return nil
    }
}

/// Lines that one text has and the other has not, in order, with their numbers.
enum TextComparison {
    /// Lines that are shown; further ones are counted.
    private static let most = 20
    private static let longest = 160
    /// Beyond these, finding the smallest difference would take too long.
    private static let comparable = 4000

    /// The bytes as text, if they are UTF-8 without control characters.
    static func text(_ bytes: [UInt8]) -> String? {
        guard bytes.allSatisfy({ $0 >= 0x20 || (0x07...0x0D).contains($0) || $0 == 0x1B }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    static func lines(_ old: String, _ new: String) -> [String] {
        var left = old.split(separator: "\n", omittingEmptySubsequences: false)
        var right = new.split(separator: "\n", omittingEmptySubsequences: false)
        var start = 0
        while start < min(left.count, right.count), left[start] == right[start] { start += 1 }
        var end = 0
        while end < min(left.count, right.count) - start, left[left.count - 1 - end] == right[right.count - 1 - end] {
            end += 1
        }
        left = Array(left[start..<left.count - end])
        right = Array(right[start..<right.count - end])
        guard left.count <= comparable, right.count <= comparable else {
            return ["lines \(start + 1) to \(start + left.count) become \(start + 1) to \(start + right.count)"]
        }
        return changes(left, right, from: start + 1)
    }

    private static func changes(_ old: [Substring], _ new: [Substring], from first: Int) -> [String] {
        var removed: [(line: Int, isNew: Bool, text: Substring)] = []
        var added = removed
        for change in new.difference(from: old) {
            switch change {
            case .remove(let line, let text, _): removed.append((line, false, text))
            case .insert(let line, let text, _): added.append((line, true, text))
            }
        }
        let all = (removed + added).sorted { ($0.line, $0.isNew ? 1 : 0) < ($1.line, $1.isNew ? 1 : 0) }
        let shown = all.prefix(most).map { change in
            let cut = change.text.count > longest ? change.text.prefix(longest) + "…" : change.text
            return "\(change.isNew ? "+" : "-")\(first + change.line): \(cut)"
        }
        return all.count > most ? shown + ["and \(all.count - most) more lines"] : shown
    }
}

/// Sections of two ELF files that differ, with the build IDs.
enum ELFComparison {
    static func lines(_ old: [UInt8], _ new: [UInt8]) -> [String]? {
        guard let one = try? image(old), let other = try? image(new) else { return nil }
        var lines: [String] = []
        if let a = buildID(one, old), let b = buildID(other, new), a != b { lines.append("build ID \(a) to \(b)") }
        let (left, right) = (sections(one, old), sections(other, new))
        for (name, digest, size) in left {
            guard let match = right.first(where: { $0.name == name }) else {
                lines.append("section \(name) is gone")
                continue
            }
            if match.digest != digest {
                lines.append("section \(name) differs, \(size) to \(match.size) bytes")
            }
        }
        lines += right.filter { section in !left.contains { $0.name == section.name } }
            .map { "section \($0.name) is new, \($0.size) bytes" }
        if one.needed != other.needed {
            lines.append("libraries \(names(one.needed)) to \(names(other.needed))")
        }
        return lines.isEmpty ? ["the same sections; headers or the space between sections differ"] : lines
    }

    private static func image(_ bytes: [UInt8]) throws -> ELFImage {
        try bytes.withReader(source: "ELF file") { reader throws(FormatError) in try ELFImage(parsing: &reader) }
    }

    private static func names(_ names: [[UInt8]]) -> String {
        names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }

    private static func sections(_ image: ELFImage, _ bytes: [UInt8]) -> [(name: String, digest: Digest, size: Int)] {
        image.sections.filter { !$0.name.isEmpty && !$0.range.isEmpty }.map { section in
            (
                String(decoding: section.name, as: UTF8.self), Digest.of(bytes[section.range], .sha256),
                section.range.count
            )
        }
    }

    /// The identifier in a note of type 3 (NT_GNU_BUILD_ID): behind three u32 and the name `GNU`.
    private static func buildID(_ image: ELFImage, _ bytes: [UInt8]) -> String? {
        guard let range = image.section(".note.gnu.build-id"), range.count > 16 else { return nil }
        return Array(bytes[range].dropFirst(16)).hex
    }
}
