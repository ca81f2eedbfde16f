private import Bytes

/// One PEM block (RFC 7468): a label and its bytes.
struct PEM {
    var label: String
    var bytes: [UInt8]

    /// The text form, 64 characters a line.
    var text: String {
        let body = Array(Base64.encode(bytes).utf8)
        var text = "-----BEGIN \(label)-----\n"
        for start in stride(from: 0, to: body.count, by: 64) {
            text += String(decoding: body[start..<min(start + 64, body.count)], as: UTF8.self) + "\n"
        }
        return text + "-----END \(label)-----\n"
    }

    /// Reads text that holds exactly one block; what stands around it must be blank.
    init(_ text: String, source: String) throws(SigningError) {
        let lines = text.split(whereSeparator: \.isNewline).map { Self.trimmed($0) }.filter { !$0.isEmpty }
        guard let first = lines.first, let last = lines.last, lines.count >= 3,
            let label = Self.label(first, "BEGIN"), Self.label(last, "END") == label
        else { throw SigningError(source, .notPEM) }
        guard let bytes = Base64.decode(lines.dropFirst().dropLast().joined()) else {
            throw SigningError(source, .notPEM)
        }
        self.label = label
        self.bytes = bytes
    }

    init(label: String, bytes: [UInt8]) {
        self.label = label
        self.bytes = bytes
    }

    private static func label(_ line: String, _ word: String) -> String? {
        let start = "-----\(word) "
        guard line.hasPrefix(start), line.hasSuffix("-----"), line.utf8.count > start.utf8.count + 5 else { return nil }
        return String(line.dropFirst(start.count).dropLast(5))
    }

    private static func trimmed(_ line: Substring) -> String {
        String(line.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
