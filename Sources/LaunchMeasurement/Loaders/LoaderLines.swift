/// A text of lines `key value`, as systemd's boot loader reads loader.conf, its entries and os-release (systemd,
/// `src/boot/efi-string.c`, `line_get_key_value`).
///
/// A line ends at LF or CR, the text at its first NUL. Blanks and tabs around a line fall away, a line that then begins
/// with `#` too, and so does one without a separator. A value that starts and whose line ends with the same quote loses
/// both.
struct LoaderLines {
    private(set) var pairs: [(key: String, value: String)] = []
    /// Larger texts are refused by whoever reads the file.
    static let limit = 1 << 20

    init(_ bytes: some Collection<UInt8>, separators: [UInt8] = [0x20, 0x09]) {
        let blanks: [UInt8] = [0x20, 0x09]
        for raw in bytes.prefix(while: { $0 != 0 }).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            var line = Array(raw.drop { blanks.contains($0) })
            while let last = line.last, blanks.contains(last) { line.removeLast() }
            guard line.first != UInt8(ascii: "#"), let end = line.firstIndex(where: { separators.contains($0) })
            else { continue }
            var value = line[end...].drop { separators.contains($0) }
            if let quote = value.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), line.last == quote {
                value = value.count > 1 ? value.dropFirst().dropLast() : []
            }
            pairs.append((String(decoding: line[..<end], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
    }

    /// The last value of a key.
    subscript(key: String) -> String? { pairs.last { $0.key == key }?.value }
}
