public import Bytes

/// One stanza of a Debian control file (deb822(5), Debian Policy 4.7, §5.1): fields in order, names without case.
public struct ControlStanza: Sendable, Hashable {
    public struct Field: Sendable, Hashable {
        public var name: String
        /// The value; continuation lines follow after newlines, without their leading space.
        public var value: String
    }

    public private(set) var fields: [Field] = []

    /// The value of a field; nil if the stanza has none of this name.
    public subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { $0.name.lowercased() == wanted }?.value
    }

    /// A field that must be there.
    public func require(_ name: String, source: String) throws(FormatError) -> String {
        guard let value = self[name], !value.isEmpty else {
            throw FormatError(source: source, field: name, found: "nothing", expected: "the field")
        }
        return value
    }

    /// Every stanza of a file; blank lines part them, lines that start with `#` are comments.
    public static func parse(_ bytes: [UInt8], source: String) throws(FormatError) -> [ControlStanza] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FormatError(source: source, field: "text", found: "other bytes", expected: "UTF-8")
        }
        var stanzas: [ControlStanza] = []
        var current = ControlStanza()
        for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.first == UInt8(ascii: "#") { continue }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                if !current.fields.isEmpty { stanzas.append(current) }
                current = ControlStanza()
                continue
            }
            guard current.take(Substring(line)) else {
                throw FormatError(
                    source: source, field: "line \(index + 1)", found: "'\(line.prefix(80))'",
                    expected: "'Name: value', a continuation after a field, or a field not yet seen")
            }
        }
        if !current.fields.isEmpty { stanzas.append(current) }
        return stanzas
    }

    /// The only stanza of a file.
    public static func single(_ bytes: [UInt8], source: String) throws(FormatError) -> ControlStanza {
        let stanzas = try parse(bytes, source: source)
        guard stanzas.count == 1, let stanza = stanzas.first else {
            throw FormatError(source: source, field: "stanzas", found: "\(stanzas.count)", expected: "one")
        }
        return stanza
    }

    /// Takes one line; false if it is neither a new field nor a continuation of one.
    private mutating func take(_ line: Substring) -> Bool {
        if line.first == " " || line.first == "\t" {
            guard !fields.isEmpty else { return false }
            fields[fields.count - 1].value += "\n" + Self.trimmed(line)
            return true
        }
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return false }
        let name = String(line[..<colon])
        guard self[name] == nil, name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return false }
        fields.append(Field(name: name, value: Self.trimmed(line[line.index(after: colon)...])))
        return true
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
