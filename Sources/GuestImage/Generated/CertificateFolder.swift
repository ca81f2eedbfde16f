internal import Bytes
internal import DiskFormats
private import Hashing
internal import Signing

/// /etc/ssl/certs as `update-ca-certificates` leaves it: all certificates of ca-certificates in one file, a link to each
/// by its name, and links by the hash of its subject, by which OpenSSL finds it.
struct CertificateFolder {
    private var certificates: [(path: FileTree.Path, text: String)] = []

    private static let source: FileTree.Path = "usr/share/ca-certificates"

    /// Takes every certificate of the packages, sorted by path.
    init(_ packages: FileTree) throws {
        for (path, _) in packages.sorted
        where path.components.starts(with: Self.source.components) && path.hasSuffix(".crt") {
            certificates.append((path, try packages.text(path)))
        }
    }

    /// Adds the files; links to certificates that the tree leaves out are left out.
    func add(to tree: inout FileTree, epoch: UInt32) throws {
        let bundle = certificates.map { $0.text.hasSuffix("\n") ? $0.text : $0.text + "\n" }.joined()
        tree.addDefault("etc/ssl/certs/ca-certificates.crt", bundle, epoch: epoch)
        var links: [(name: String, hash: String)] = []
        for (path, text) in certificates where tree[path] != nil {
            let name = Self.linkName(path)
            tree.addDefaultLink(FileTree.Path("etc/ssl/certs/\(name)"), to: path.description, epoch: epoch)
            links.append((name, try Self.subjectHash(text, source: path.description)))
        }
        var numbers: [String: Int] = [:]
        for (name, hash) in links.sorted(by: { $0.name < $1.name }) {
            let number = numbers[hash, default: 0]
            numbers[hash] = number + 1
            tree.addDefaultLink(FileTree.Path("etc/ssl/certs/\(hash).\(number)"), to: name, epoch: epoch)
        }
    }

    /// The certificate's file name without blanks, brackets and commas, ending in `.pem`.
    private static func linkName(_ path: FileTree.Path) -> String {
        let stem = String(decoding: path.name, as: UTF8.self).dropLast(".crt".count)
        let signs: [Character: Character] = [" ": "_", "(": "=", ")": "=", ",": "_"]
        return String(stem.map { signs[$0] ?? $0 }) + ".pem"
    }

    /// The first four bytes of the SHA-1 of the subject in its canonical form, read little-endian (X509_NAME_hash(3)).
    ///
    /// `text` is one certificate in PEM. Nothing but the place of the subject is looked at: roots may be signed by
    /// themselves with what nobody would accept from others.
    static func subjectHash(_ text: String, source: String) throws(FormatError) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        let body = lines.drop { !$0.hasPrefix("-----BEGIN ") }.dropFirst().prefix { !$0.hasPrefix("-----END ") }
        guard !body.isEmpty, let der = Base64.decode(body.joined()) else {
            throw FormatError(source: source, field: "certificate", found: "other text", expected: "one in PEM")
        }
        var certificate = try DERElement(der, .sequence, "Certificate", source: source).fields("Certificate")
        var fields = try certificate.next(.sequence, "tbsCertificate").fields("tbsCertificate")
        _ = try fields.optional(.context(0), "version")
        _ = try fields.next(.integer, "serialNumber")
        _ = try fields.next(.sequence, "signature")
        _ = try fields.next(.sequence, "issuer")
        _ = try fields.next(.sequence, "validity")
        let digest = Digest.of(try canonical(try fields.next(.sequence, "subject")), .sha1).bytes
        return Array(digest.prefix(4).reversed()).hex
    }

    /// The name's sets one after another, their text as UTF-8 in lower case, blanks at the ends cut and single within.
    private static func canonical(_ name: DERElement) throws(FormatError) -> [UInt8] {
        var result: [UInt8] = []
        var sets = try name.fields("subject")
        while !sets.isAtEnd {
            var members: [[UInt8]] = []
            var set = try sets.next(.set, "subject").fields("subject")
            while !set.isAtEnd {
                var parts = try set.next(.sequence, "subject").fields("subject")
                let type = try parts.next(.objectIdentifier, "subject")
                let value = try parts.any("subject")
                members.append(DER.sequence(type.encoding + canonicalText(try value.text("subject"))))
            }
            members.sort { $0.lexicographicallyPrecedes($1) }
            result += DER.element(.set, members.flatMap(\.self))
        }
        return result
    }

    private static func canonicalText(_ text: String) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let words = Array(text.utf8).split(whereSeparator: isBlank)
        let lower = words.joined(separator: [0x20]).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return DER.element(.utf8String, lower)
    }
}
