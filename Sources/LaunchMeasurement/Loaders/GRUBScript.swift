/// What of a GRUB configuration cannot be computed: a line and why.
struct GRUBNotComputed: Error {
    var reason: String
}

/// The simple commands of a GRUB configuration in order, as GRUB's own lexer splits them (GRUB 2.12, `yylex.l`,
/// `parser.y`). Conditions, loops, functions and whatever else is no simple command end it with an error that names them.
struct GRUBScript {
    /// A part of a word, between quotes or not.
    enum Part: Hashable {
        case text(String)
        case quoted(String)
        case variable(String, isQuoted: Bool)
    }

    struct Command {
        var line: Int
        var words: [[Part]]
        /// What stands between braces behind the words, braces included.
        var block: String?
    }

    /// The file that it came from, for reasons.
    let name: String
    private let text: [UInt8]
    /// For each line of `text` its number in the file.
    private let numbers: [Int]
    private var position = 0
    private var index = 0
    private var line: Int { index < numbers.count ? numbers[index] : numbers.count + 1 }

    private static let reserved: Set<String> = [
        "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select", "then", "until", "while",
        "function", "!",
    ]

    /// - Parameter isFile: lines that begin with `#` are dropped before anything else, as they are of files.
    init(_ bytes: [UInt8], name: String, isFile: Bool) throws(GRUBNotComputed) {
        guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(where: { $0 == 0 || $0 == 0x0D }) else {
            throw GRUBNotComputed(reason: "\(name) is no UTF-8, or has NULs or carriage returns")
        }
        self.name = name
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
        // The comments' line ends stay out too: they are in no block.
        let kept = isFile ? lines.filter { $0.element.first != UInt8(ascii: "#") } : Array(lines)
        text = Array(kept.map(\.element).joined(separator: [0x0A]))
        numbers = kept.map { $0.offset + 1 }
    }

    /// Why a command cannot be computed, with its line, counted in a menu entry from its start.
    func stop(_ reason: String, at line: Int? = nil) -> GRUBNotComputed {
        GRUBNotComputed(reason: "\(name), line \(line ?? self.line): \(reason)")
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take() -> UInt8 {
        let byte = text[position]
        position += 1
        if byte == 0x0A { index += 1 }
        return byte
    }

    /// The next command; nil at the end.
    mutating func command() throws(GRUBNotComputed) -> Command? {
        skip { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }
        while next == UInt8(ascii: "#") {
            skip { $0 != 0x0A }
            skip { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }
        }
        guard next != nil else { return nil }
        var command = Command(line: line, words: [])
        while let byte = next {
            switch byte {
            case 0x20, 0x09: _ = take()
            case UInt8(ascii: "#"): skip { $0 != 0x0A }
            case 0x0A, UInt8(ascii: ";"):
                _ = take()
                guard !command.words.isEmpty else { throw stop("a ';' without a command") }
                return command
            case UInt8(ascii: "{"):
                guard !command.words.isEmpty, command.block == nil else { throw stop("a block without a command") }
                command.block = try block()
            case UInt8(ascii: "}"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                throw stop("'\(Character(Unicode.Scalar(byte)))' is not computed")
            default:
                guard command.block == nil else { throw stop("words behind a block") }
                try append(try word(), to: &command)
            }
        }
        return command
    }

    private func append(_ word: [Part], to command: inout Command) throws(GRUBNotComputed) {
        if case .text(let text)? = word.first, word.count == 1 {
            if command.words.isEmpty, Self.reserved.contains(text) { throw stop("'\(text)' is not computed") }
            if text == "[[" || text == "]]" { throw stop("'\(text)' is not computed") }
        }
        if !word.isEmpty { command.words.append(word) }
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = next, condition(byte) { _ = take() }
    }

    /// A block as it stands, from its brace to the one that closes it.
    private mutating func block() throws(GRUBNotComputed) -> String {
        let start = position
        var depth = 0
        var atWord = false
        while let byte = next {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "}"):
                _ = take()
                atWord = false
                depth += byte == UInt8(ascii: "{") ? 1 : -1
                if depth == 0 { return String(decoding: text[start..<position], as: UTF8.self) }
            case UInt8(ascii: "#") where !atWord: skip { $0 != 0x0A }
            case 0x20, 0x09, 0x0A, UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "<"),
                UInt8(ascii: ">"):
                _ = take()
                atWord = false
            default:
                let before = position
                _ = try word()
                guard !text[before..<position].contains(where: { $0 == 0x0A }) else {
                    throw stop("a word of several lines in a block")
                }
                atWord = true
            }
        }
        throw stop("a block that does not end")
    }

    /// One word up to what ends it.
    private mutating func word() throws(GRUBNotComputed) -> [Part] {
        var parts: [Part] = []
        var plain: [UInt8] = []
        func flush() {
            if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self))) }
            plain = []
        }
        while let byte = next {
            switch byte {
            case 0x20, 0x09, 0x0A, UInt8(ascii: ";"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "|"),
                UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"):
                flush()
                return parts
            case UInt8(ascii: "'"):
                flush()
                parts.append(.quoted(try singleQuoted()))
            case UInt8(ascii: "\""):
                flush()
                parts += try doubleQuoted()
            case UInt8(ascii: "$"):
                flush()
                parts.append(.variable(try variable(), isQuoted: false))
            case UInt8(ascii: "\\"):
                _ = take()
                guard next != nil else { throw stop("a backslash at the end") }
                let escaped = take()
                guard escaped != 0x0A else { continue }
                guard escaped < 0x80 else { throw stop("a backslash before a character beyond ASCII") }
                flush()
                parts.append(.quoted(String(decoding: [escaped], as: UTF8.self)))
            default: plain.append(take())
            }
        }
        flush()
        return parts
    }

    private mutating func singleQuoted() throws(GRUBNotComputed) -> String {
        _ = take()
        let start = position
        while let byte = next, byte != UInt8(ascii: "'") {
            guard byte != 0x0A else { throw stop("a quoted text of several lines") }
            _ = take()
        }
        guard next != nil else { throw stop("a quote that does not end") }
        _ = take()
        return String(decoding: text[start..<position - 1], as: UTF8.self)
    }

    /// Text and variables between double quotes; a backslash counts before `$`, `"` and itself alone.
    private mutating func doubleQuoted() throws(GRUBNotComputed) -> [Part] {
        _ = take()
        var parts: [Part] = []
        var plain: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                _ = take()
                if !plain.isEmpty || parts.isEmpty { parts.append(.quoted(String(decoding: plain, as: UTF8.self))) }
                return parts
            case UInt8(ascii: "$"):
                if !plain.isEmpty { parts.append(.quoted(String(decoding: plain, as: UTF8.self))) }
                plain = []
                parts.append(.variable(try variable(), isQuoted: true))
            case UInt8(ascii: "\\"):
                _ = take()
                guard let escaped = next else { throw stop("a quote that does not end") }
                if [UInt8(ascii: "$"), UInt8(ascii: "\""), UInt8(ascii: "\\")].contains(escaped) {
                    plain.append(take())
                } else {
                    plain.append(byte)
                }
            case 0x0A: throw stop("a quoted text of several lines")
            default: plain.append(take())
            }
        }
        throw stop("a quote that does not end")
    }

    /// The name behind a dollar sign, in braces or not.
    private mutating func variable() throws(GRUBNotComputed) -> String {
        _ = take()
        let isBraced = next == UInt8(ascii: "{")
        if isBraced { _ = take() }
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F {
            _ = take()
        }
        let name = String(decoding: text[start..<position], as: UTF8.self)
        guard let first = name.utf8.first, !(0x30...0x39).contains(first), !isBraced || next == UInt8(ascii: "}") else {
            throw stop("'$' before something else than a variable's name")
        }
        if isBraced { _ = take() }
        return name
    }
}
