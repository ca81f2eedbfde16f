internal import Bytes
internal import Hashing

/// The fields of a Release file that a lock rests on (Debian wiki, repository format).
struct ReleaseFile {
    /// One file that it vouches for.
    struct Entry {
        var byteCount: Int
        var sha256: Digest
    }

    /// Field `Date`, in seconds since 1970.
    let date: Int64
    /// Fields `Suite` and `Codename`.
    let names: [String]
    private let entries: [String: Entry]

    /// Reads the signed text of an InRelease file.
    init(_ bytes: [UInt8], source: String) throws(FormatError) {
        let stanza = try ControlStanza.single(bytes, source: source)
        let text = try stanza.require("Date", source: source)
        guard let date = ReleaseDate.seconds(text) else {
            throw FormatError(
                source: source, field: "Date", found: "'\(text)'", expected: "a date like Sat, 21 Nov 2026 09:15:44 UTC"
            )
        }
        self.date = date
        names = [stanza["Suite"], stanza["Codename"]].compactMap { $0 }
        var entries: [String: Entry] = [:]
        for line in try stanza.require("SHA256", source: source).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let digest = Digest(.sha256, hex: words[0]), let size = Int(words[1]), size >= 0,
                entries.updateValue(Entry(byteCount: size, sha256: digest), forKey: String(words[2])) == nil
            else {
                throw FormatError(
                    source: source, field: "SHA256", found: "'\(line)'", expected: "digest, size and a path named once")
            }
        }
        self.entries = entries
    }

    /// What it says of the file at `path`; nil if it does not name it.
    subscript(path: String) -> Entry? { entries[path] }
}
