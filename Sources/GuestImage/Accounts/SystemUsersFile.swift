/// One file that says which system users and groups a package needs (sysusers.d(5)).
///
/// Lines are `type name id comment home shell`; trailing fields may be missing or `-`. Types: `u` and `u!` (a user with
/// its own group; `!` locks the account for every way in), `g` (a group), `m` (a user becomes member of a group), `r`
/// (a range of numbers to choose from, which means nothing where all numbers are pinned).
struct SystemUsersFile {
    /// A number, or a pair of them, as a line gives it.
    enum Number: Hashable {
        case unset
        case same(UInt32)
        /// The user's number and the number or name of a group that must exist.
        case pair(UInt32, group: String)
        case path(String)
    }

    struct User: Hashable {
        var name: String
        var number: Number
        var comment = ""
        var home = "/"
        var shell = "/usr/sbin/nologin"
        var isLocked = false
    }

    enum Line: Hashable {
        case user(User)
        case group(String, Number)
        case member(String, of: String)
    }

    private(set) var lines: [Line] = []

    /// Reads the file's text; `source` names it in errors.
    init(_ text: String, source: String) throws(ImageError) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let place = "\(source):\(index + 1)"
            let words = try Self.words(line, place)
            guard let type = words.first, !type.hasPrefix("#") else { continue }
            try add(type, Array(words.dropFirst()), place)
        }
    }

    private mutating func add(_ type: String, _ fields: [String], _ place: String) throws(ImageError) {
        func field(_ index: Int) -> String? {
            fields.indices.contains(index) && fields[index] != "-" && !fields[index].isEmpty ? fields[index] : nil
        }
        guard let name = field(0) ?? (type == "r" ? "-" : nil) else {
            throw ImageError(place, "has no name after '\(type)'", hint: Self.hint)
        }
        guard !fields.contains(where: { $0.contains(":") && $0 != field(1) }) else {
            throw ImageError(place, "has a colon in a field, which would end it in /etc/passwd", hint: Self.hint)
        }
        switch type {
        case "u", "u!":
            var user = User(name: name, number: try Self.number(field(1), place))
            user.comment = field(2) ?? ""
            user.home = field(3) ?? user.home
            user.shell = field(4) ?? user.shell
            user.isLocked = type == "u!"
            lines.append(.user(user))
        case "g": lines.append(.group(name, try Self.number(field(1), place)))
        case "m":
            guard let group = field(1) else { throw ImageError(place, "names no group", hint: Self.hint) }
            lines.append(.member(name, of: group))
        case "r": break
        default: throw ImageError(place, "has the unknown type '\(type)'", hint: Self.hint)
        }
    }

    private static let hint = "lines are 'u|u!|g|m|r NAME ID \"COMMENT\" HOME SHELL', see sysusers.d(5)"

    private static func number(_ text: String?, _ place: String) throws(ImageError) -> Number {
        guard let text else { return .unset }
        if text.hasPrefix("/") { return .path(text) }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1, let number = UInt32(text) { return .same(number) }
        guard parts.count == 2, let number = UInt32(parts[0]), !parts[1].isEmpty else {
            throw ImageError(place, "has '\(text)' where a number, 'UID:GID' or a path is expected", hint: hint)
        }
        return .pair(number, group: String(parts[1]))
    }

    /// Words of a line; quotes hold blanks together, a backslash takes the next character as it is.
    private static func words(_ line: Substring, _ place: String) throws(ImageError) -> [String] {
        var words: [String] = []
        var current: String?
        var quote: Character?
        var isEscaped = false
        for character in line {
            if isEscaped {
                current = (current ?? "") + String(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { current = (current ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                current = current ?? ""
            } else if character == " " || character == "\t" || character == "\r" {
                if let word = current { words.append(word) }
                current = nil
            } else {
                current = (current ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { throw ImageError(place, "ends within quotes", hint: hint) }
        if let word = current { words.append(word) }
        return words
    }
}
