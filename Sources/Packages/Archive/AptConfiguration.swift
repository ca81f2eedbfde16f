private import Bytes
private import Files

/// What the host's apt knows about archives: only addresses are taken from it, never keys or options.
public enum AptConfiguration {
    /// Archives whose layout and names are Debian's.
    private static let archives = ["debian", "debian-security"]

    /// The Debian mirrors that `sources.list`, `sources.list.d/*.list` and `*.sources` below `folder` name, in order.
    public static func mirrors(folder: String = "/etc/apt") throws -> [Mirror] {
        var addresses: [String] = []
        let parts = folder + "/sources.list.d"
        var files = [folder + "/sources.list"]
        if FileSystem.exists(parts) { files += try FileSystem.list(parts).map { parts + "/" + $0 } }
        for file in files where FileSystem.exists(file) {
            // A file of the host that cannot be read or understood is apt's business, not ours.
            guard let bytes = try? InputFile.contents(of: file, limit: 1 << 20) else { continue }
            if file.hasSuffix(".list") {
                addresses += oneLine(bytes)
            } else if file.hasSuffix(".sources"), let stanzas = try? ControlStanza.parse(bytes, source: file) {
                addresses += stanzas.flatMap { deb822($0) }
            }
        }
        var mirrors: [Mirror] = []
        for address in addresses.flatMap({ expanded($0) }) {
            guard let mirror = try? Mirror(parsing: address), archives.contains(mirror.archive),
                !mirrors.contains(mirror)
            else { continue }
            mirrors.append(mirror)
        }
        return mirrors
    }

    /// sources.list(5), one-line style: `deb [options] address suite components`.
    private static func oneLine(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
            guard words.popFirst() == "deb" else { return nil }
            if words.first?.hasPrefix("[") == true {
                while let word = words.popFirst(), !word.hasSuffix("]") {}
            }
            return words.first.map { String($0) }
        }
    }

    /// sources.list(5), deb822 style.
    private static func deb822(_ stanza: ControlStanza) -> [String] {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" }
        guard stanza["Enabled"]?.lowercased() != "no",
            stanza["Types"]?.split(whereSeparator: isSpace).contains("deb") == true
        else { return [] }
        return stanza["URIs"]?.split(whereSeparator: isSpace).map { String($0) } ?? []
    }

    /// `mirror+file:` names a file that lists addresses, as cloud images have it (apt-transport-mirror(1)).
    private static func expanded(_ address: String) -> [String] {
        guard address.hasPrefix("mirror+file:") else { return [address] }
        var path = address.dropFirst("mirror+file:".count)
        while path.hasPrefix("//") { path = path.dropFirst() }
        guard let bytes = try? InputFile.contents(of: String(path), limit: 1 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let word = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first
            return word.flatMap { $0.hasPrefix("#") ? nil : String($0) }
        }
    }
}
