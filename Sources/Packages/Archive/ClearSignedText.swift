internal import Bytes

/// A clear-signed message (RFC 4880, §7) taken apart strictly: nothing may stand before, between or after its parts.
struct ClearSignedText {
    /// What was signed: dash escapes and trailing blanks removed, lines parted by newlines, none after the last.
    let text: [UInt8]
    /// The armored signature block.
    let signature: [UInt8]

    private static let begin = "-----BEGIN PGP SIGNED MESSAGE-----"
    private static let beginSignature = "-----BEGIN PGP SIGNATURE-----"
    private static let endSignature = "-----END PGP SIGNATURE-----"

    init(_ bytes: [UInt8], source: String) throws(FormatError) {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Self.trimmed($0) }[...]
        if lines.last?.isEmpty == true { lines.removeLast() }
        func error(_ found: String, expected: String) -> FormatError {
            FormatError(
                source: source, field: "clear-signed message", found: found, expected: expected,
                hint: "the file was changed or is no InRelease file")
        }
        guard lines.popFirst() == Array(Self.begin.utf8) else { throw error("", expected: Self.begin) }
        while let line = lines.popFirst(), !line.isEmpty {
            guard line.starts(with: "Hash: ".utf8) else {
                throw error("'\(String(decoding: line.prefix(60), as: UTF8.self))'", expected: "Hash: and a blank line")
            }
        }
        var signed: [[UInt8]] = []
        while let line = lines.popFirst(), line != Array(Self.beginSignature.utf8) {
            if line.first == UInt8(ascii: "-") {
                guard line.starts(with: "- ".utf8) else {
                    throw error("a line that starts with a dash", expected: "dashes escaped")
                }
                signed.append(Array(line.dropFirst(2)))
            } else {
                signed.append(line)
            }
        }
        guard lines.popLast() == Array(Self.endSignature.utf8), !lines.isEmpty,
            lines.allSatisfy({ $0.first != UInt8(ascii: "-") })
        else { throw error("", expected: "one signature block at the end") }
        text = Array(signed.joined(separator: [0x0A]))
        let block = [Array(Self.beginSignature.utf8)] + lines + [Array(Self.endSignature.utf8)]
        signature = Array(block.joined(separator: [0x0A])) + [0x0A]
    }

    /// §7.1: blanks at a line's end are not signed.
    private static func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
        let end = line.lastIndex { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
        return Array(line[line.startIndex..<(end.map { $0 + 1 } ?? line.startIndex)])
    }
}
