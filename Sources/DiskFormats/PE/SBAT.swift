private import Bytes
private import Files

/// SBAT, the revocation text of UEFI boot programs: one CSV line a component, its generation second.
///
/// rhboot/shim, SBAT.md. The header line stands once, at the start.
enum SBAT {
    static let header = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md"

    /// The component lines of an image's `.sbat` section; none if it has no such section.
    static func components(of image: PEImage) throws -> [String] {
        guard let section = image.section(".sbat") else { return [] }
        let range = section.rawRange
        func refuse(_ found: String, _ expected: String) -> FormatError {
            FormatError(
                source: image.source.name, offset: image.source.base + range.lowerBound, field: ".sbat",
                found: found, expected: expected)
        }
        guard range.count <= 1 << 16 else { throw refuse("\(range.count) bytes", "at most 65536") }
        var text = try image.source.read(at: range.lowerBound, count: range.count, ".sbat")
        while text.last == 0 { text.removeLast() }
        if let bad = text.first(where: { $0 != 0x0A && !(0x20...0x7E).contains($0) }) {
            throw refuse("byte \(hexadecimal(bad))", "printable ASCII and line feeds")
        }
        if text.last == 0x0A { text.removeLast() }
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let first = lines.first, first.hasPrefix("sbat,") else {
            throw refuse(lines.first ?? "", "a first line that begins with sbat,")
        }
        return Array(lines.dropFirst())
    }

    /// The contents of a section: header, components, each with a line feed, then a NUL.
    static func section(_ components: [String]) -> [UInt8] {
        Array(([header] + components).joined(separator: "\n").utf8) + [0x0A, 0]
    }
}
