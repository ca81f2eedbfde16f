/// What `[Install]` of a systemd unit and its drop-ins says of enabling it (systemd.unit(5)).
struct UnitFile {
    private(set) var wantedBy: [String] = []
    private(set) var requiredBy: [String] = []
    private(set) var upheldBy: [String] = []
    private(set) var also: [String] = []
    private(set) var aliases: [String] = []
    private(set) var defaultInstance: String?

    /// Whether enabling the unit would do anything.
    var isInstallable: Bool { !(wantedBy + requiredBy + upheldBy + also + aliases).isEmpty }

    /// Takes in the unit's text, or a drop-in's after it. An empty value forgets what came before.
    mutating func read(_ text: String) {
        var section = Substring()
        var pending = ""
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = Self.trimmed(raw)
            if line.first == "#" || line.first == ";" { continue }
            if line.last == "\\" {
                pending += line.dropLast() + " "
                continue
            }
            let whole = Self.trimmed(Substring(pending + line))
            pending = ""
            if whole.first == "[", whole.last == "]" {
                section = whole.dropFirst().dropLast()
            } else if section == "Install", let equals = whole.firstIndex(of: "=") {
                set(Self.trimmed(whole[..<equals]), Self.trimmed(whole[whole.index(after: equals)...]))
            }
        }
    }

    private mutating func set(_ key: Substring, _ value: Substring) {
        let words = value.split(whereSeparator: { $0 == " " || $0 == "\t" }).map { String($0) }
        func added(to list: [String]) -> [String] { words.isEmpty ? [] : list + words }
        switch key {
        case "WantedBy": wantedBy = added(to: wantedBy)
        case "RequiredBy": requiredBy = added(to: requiredBy)
        case "UpheldBy": upheldBy = added(to: upheldBy)
        case "Also": also = added(to: also)
        case "Alias": aliases = added(to: aliases)
        case "DefaultInstance": defaultInstance = value.isEmpty ? nil : String(value)
        default: break
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text = text.dropLast() }
        return text
    }
}

/// A unit's name and its parts: `getty@tty1.service` is prefix `getty`, instance `tty1`, suffix `.service`.
struct UnitName: Hashable {
    let text: String
    let prefix: String
    /// Nil without `@`; empty for a template.
    let instance: String?
    /// The type with its dot.
    let suffix: String

    private static let suffixes = [
        ".service", ".socket", ".target", ".mount", ".automount", ".timer", ".path", ".swap", ".slice", ".device",
        ".scope",
    ]

    /// Nil if the text is no name of a unit.
    init?(_ text: String) {
        guard let suffix = Self.suffixes.first(where: { text.hasSuffix($0) }) else { return nil }
        let stem = text.dropLast(suffix.count)
        let isAllowed: (UInt8) -> Bool = { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || ":-_.\\@".utf8.contains(byte)
        }
        guard !stem.isEmpty, stem.utf8.allSatisfy(isAllowed), text.utf8.count < 256, stem.first != "@" else {
            return nil
        }
        self.text = text
        self.suffix = suffix
        let parts = stem.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        prefix = String(parts[0])
        instance = parts.count == 2 ? String(parts[1]) : nil
    }

    var isTemplate: Bool { instance == "" }

    /// The name of the file that holds the unit, if it is an instance: its template.
    var template: String? { instance.map { _ in "\(prefix)@\(suffix)" } }

    /// The template's name with an instance.
    func instantiated(_ name: String) -> String { "\(prefix)@\(name)\(suffix)" }
}
