internal import DiskFormats

/// Which units are enabled when nobody has said (systemd.preset(5)): the first line that fits a unit's name counts, and
/// a unit that none fits is enabled.
struct UnitPresets {
    enum Verdict: Hashable {
        case disable, ignore
        /// Enable, a template with these instances.
        case enable([String])
    }

    private var rules: [(pattern: PathPattern, verdict: Verdict)] = []

    private static let folders: [FileTree.Path] = [
        "etc/systemd/system-preset", "usr/local/lib/systemd/system-preset", "usr/lib/systemd/system-preset",
    ]

    /// Reads the tree's files by name; of two of one name that in /etc counts.
    init(of tree: FileTree) throws {
        var files: [[UInt8]: FileTree.Path] = [:]
        for folder in Self.folders {
            for (path, _) in tree.sorted
            where path.parent == folder && path.hasSuffix(".preset") && files[path.name] == nil {
                files[path.name] = path
            }
        }
        for (_, path) in files.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if case .symlink(let target)? = tree[path]?.kind, target == Array("/dev/null".utf8) { continue }
            try add(tree.text(path), source: path.description)
        }
    }

    /// Reads one file's text.
    mutating func add(_ text: String, source: String) throws(ImageError) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map { String($0) }
            guard let directive = words.first, !"#;".contains(directive.prefix(1)) else { continue }
            let verdict: Verdict? =
                switch directive {
                case "enable": .enable(Array(words.dropFirst(2)))
                case "disable": .disable
                case "ignore": .ignore
                default: nil
                }
            guard words.count > 1, let verdict, let pattern = PathPattern("/" + words[1]) else {
                throw ImageError(
                    "\(source):\(index + 1)", "is '\(line.prefix(80))', expected 'enable|disable|ignore NAME'",
                    hint: "see systemd.preset(5)")
            }
            rules.append((pattern, verdict))
        }
    }

    func verdict(on unit: String) -> Verdict {
        rules.first { $0.pattern.covers([Array(unit.utf8)]) }?.verdict ?? .enable([])
    }
}
