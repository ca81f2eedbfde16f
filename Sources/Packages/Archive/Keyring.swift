internal import Bytes
internal import Hashing

/// OpenPGP certificates by fingerprint (RFC 4880), so that a signature counts only by the keys that somebody pinned.
///
/// A file of keys holds packets one after another; a public-key packet starts a certificate, which ends where the next
/// one starts. Signatures are judged elsewhere, by a program; here is only decided which keys it gets to see.
struct Keyring {
    /// Fingerprint (40 upper-case hex digits) and the certificate's packets.
    let certificates: [(fingerprint: String, bytes: [UInt8])]

    private static let publicKeyTag: UInt8 = 6

    /// Reads a binary key file. Keys of other versions than 4 are passed over: they have other fingerprints.
    init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.first.map({ $0 & 0x80 != 0 }) == true else {
            throw FormatError(
                source: source, offset: 0, field: "OpenPGP packet",
                found: bytes.first.map { hexadecimal($0) } ?? "nothing",
                expected: "a binary key file", hint: "convert an armored file with 'gpg --dearmor'")
        }
        certificates = try bytes.withReader(source: source) { (reader) throws(FormatError) in
            var result: [(fingerprint: String, bytes: [UInt8])] = []
            var current: (fingerprint: String?, start: Int)?
            while !reader.isAtEnd {
                let start = reader.position
                let (tag, body) = try Self.packet(&reader)
                guard tag == Self.publicKeyTag else { continue }
                Self.close(current, at: start, of: bytes, into: &result)
                current = (Self.fingerprint(body), start)
            }
            Self.close(current, at: reader.position, of: bytes, into: &result)
            return result
        }
    }

    /// The certificates of `fingerprints` alone, in the order of their fingerprints. Throws if one is missing.
    func bytes(of fingerprints: [String], source: String) throws(PackageError) -> [UInt8] {
        var result: [UInt8] = []
        for fingerprint in fingerprints.sorted() {
            guard let certificate = certificates.first(where: { $0.fingerprint == fingerprint }) else {
                throw PackageError(
                    source, "has no key \(fingerprint)",
                    hint: "name a file that has it with --keyring; Debian's keys come with debian-archive-keyring")
            }
            result += certificate.bytes
        }
        return result
    }

    private static func close(
        _ open: (fingerprint: String?, start: Int)?, at end: Int, of bytes: [UInt8],
        into result: inout [(fingerprint: String, bytes: [UInt8])]
    ) {
        guard let open, let fingerprint = open.fingerprint else { return }
        result.append((fingerprint, Array(bytes[open.start..<end])))
    }

    /// One packet's tag and body (§4.2); partial and indeterminate lengths do not occur in keys.
    private static func packet(_ reader: inout ByteReader) throws(FormatError) -> (tag: UInt8, body: [UInt8]) {
        let start = reader.position
        let header: UInt8 = try reader.read("packet tag")
        guard header & 0x80 != 0 else {
            throw reader.error("packet tag", found: hexadecimal(header), expected: "bit 7 set", at: start)
        }
        if header & 0x40 != 0 {
            let count = try newLength(&reader)
            return (header & 0x3F, try reader.bytes(count, "packet"))
        }
        let count: Int
        switch header & 3 {
        case 0: count = Int(try reader.read("packet length", as: UInt8.self))
        case 1: count = Int(try reader.read(bigEndian: "packet length", as: UInt16.self))
        case 2: count = Int(try reader.read(bigEndian: "packet length", as: UInt32.self))
        default: throw reader.error("packet length", found: "none", expected: "a length", at: start)
        }
        return (header >> 2 & 0xF, try reader.bytes(count, "packet"))
    }

    private static func newLength(_ reader: inout ByteReader) throws(FormatError) -> Int {
        let start = reader.position
        let first: UInt8 = try reader.read("packet length")
        switch first {
        case 0..<192: return Int(first)
        case 192..<224:
            let second: UInt8 = try reader.read("packet length")
            return (Int(first) - 192) << 8 + Int(second) + 192
        case 255: return Int(try reader.read(bigEndian: "packet length", as: UInt32.self))
        default: throw reader.error("packet length", found: "a partial one", expected: "a whole length", at: start)
        }
    }

    /// §12.2: SHA-1 of 0x99, the body's length in two bytes, and the body.
    private static func fingerprint(_ body: [UInt8]) -> String? {
        guard body.first == 4, let count = UInt16(exactly: body.count) else { return nil }
        return Digest.of([0x99, UInt8(count >> 8), UInt8(count & 0xFF)] + body, .sha1).hex.uppercased()
    }
}
