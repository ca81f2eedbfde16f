import Bytes
public import DiskFormats
private import Files

/// The certificates that an image's signatures bring along, for finding the database entry that vouches for it.
///
/// Names and bytes of certificates are read; signatures are **not** verified here. Whether a boot comes about at all is the
/// firmware's to decide; what it measures when it does follows from this.
public struct ImageSigners: Sendable {
    /// A certificate of X.509 by its parts that matter here, each as DER.
    struct Certificate: Hashable {
        var bytes: [UInt8]
        var issuer: [UInt8]
        var subject: [UInt8]
    }

    private let signatures: [[Certificate]]
    private static let signatureLimit = 64

    /// Number of signatures.
    public var count: Int { signatures.count }

    /// Reads the certificate table of a PE image (Microsoft PE Format, "The Attribute Certificate Table").
    public init(_ image: PEImage) throws {
        let table = image.certificateTable
        guard table.count <= 1 << 20 else {
            throw FormatError(
                source: image.source.name, offset: table.lowerBound, field: "certificate table",
                found: "\(table.count) bytes", expected: "at most 1 MiB")
        }
        signatures = try image.source.withReader(at: table.lowerBound, count: table.count, "certificate table") {
            reader throws in
            var found: [[Certificate]] = []
            while reader.remaining >= 8 {
                let length = try reader.read("WIN_CERTIFICATE.dwLength", as: UInt32.self)
                try reader.skip(2, "WIN_CERTIFICATE.wRevision")
                let type = try reader.read("WIN_CERTIFICATE.wCertificateType", as: UInt16.self)
                guard length >= 8, Int(length) - 8 <= reader.remaining else {
                    throw reader.error(
                        "WIN_CERTIFICATE.dwLength", found: "\(length)",
                        expected: "at least 8 and at most \(reader.remaining + 8)", at: reader.position - 8)
                }
                var body = try reader.slice(Int(length) - 8, "WIN_CERTIFICATE.bCertificate")
                // 2: a PKCS#7 SignedData.
                if type == 2 { found.append(try Self.certificates(&body)) }
                guard found.count <= Self.signatureLimit else {
                    throw reader.error(
                        "certificate table", found: "more than \(Self.signatureLimit) signatures", expected: "fewer")
                }
                let padding = min(reader.remaining, Int(length).roundedUp(toMultipleOf: 8) - Int(length))
                try reader.skip(padding, "padding")
            }
            return found
        }
    }

    /// The first entry of db that allows the image, in db's order for each signature, then by digest.
    public func authority(in database: SignatureDatabase, digest: [UInt8]) -> SignatureDatabase.Entry? {
        let trusted = database.entries.filter { $0.type == SignatureDatabase.x509 }.compactMap { entry in
            entry.data.withReader(source: "db") { reader in try? Self.certificate(&reader) }.map { (entry, $0) }
        }
        for certificates in signatures {
            for (entry, trusted) in trusted
            where certificates.contains(where: { $0.bytes == trusted.bytes || $0.issuer == trusted.subject }) {
                return entry
            }
        }
        return database.entries.first { $0.type == SignatureDatabase.sha256 && $0.data == digest }
    }

    /// ContentInfo { OID, [0] SignedData { version, digestAlgorithms, contentInfo, [0] certificates … } } (RFC 2315).
    private static func certificates(_ reader: inout ByteReader) throws(FormatError) -> [Certificate] {
        _ = try reader.open(0x30, "ContentInfo")
        try reader.pass(0x06, "contentType")
        _ = try reader.open(0xA0, "content")
        _ = try reader.open(0x30, "SignedData")
        try reader.pass(0x02, "version")
        try reader.pass(0x31, "digestAlgorithms")
        try reader.pass(0x30, "contentInfo")
        guard try reader.nextTag() == 0xA0 else { return [] }
        let size = try reader.open(0xA0, "certificates")
        var list = try reader.slice(size, "certificates")
        var found: [Certificate] = []
        while !list.isAtEnd { found.append(try certificate(&list)) }
        return found
    }

    /// Certificate { TBSCertificate { [0] version?, serial, algorithm, issuer, validity, subject … } … } (RFC 5280).
    private static func certificate(_ reader: inout ByteReader) throws(FormatError) -> Certificate {
        let bytes = try reader.whole("Certificate")
        return try bytes.withReader(source: reader.source) { (body) throws(FormatError) in
            _ = try body.open(0x30, "Certificate")
            _ = try body.open(0x30, "TBSCertificate")
            if try body.nextTag() == 0xA0 { try body.pass(0xA0, "version") }
            try body.pass(0x02, "serialNumber")
            try body.pass(0x30, "signature")
            let issuer = try body.whole("issuer")
            try body.pass(0x30, "validity")
            return Certificate(bytes: bytes, issuer: issuer, subject: try body.whole("subject"))
        }
    }
}

extension ByteReader {
    /// The tag that comes next; nil at the end.
    fileprivate mutating func nextTag() throws(FormatError) -> UInt8? {
        guard !isAtEnd else { return nil }
        let start = position
        let tag: UInt8 = try read("tag")
        try seek(to: start, "tag")
        return tag
    }

    /// Reads the header of a DER element: its tag and the size of its content. Lengths are definite, of at most 4
    /// bytes, and inside what is left.
    private mutating func header(_ field: String) throws(FormatError) -> (tag: UInt8, count: Int) {
        let start = position
        let tag: UInt8 = try read(field)
        let first: UInt8 = try read(field)
        var count = Int(first)
        if first >= 0x80 {
            let size = Int(first & 0x7F)
            guard (1...4).contains(size) else {
                throw error(
                    field, found: "a length of \(size) bytes", expected: "a definite length of 1 to 4", at: start + 1)
            }
            count = 0
            for byte in try bytes(size, field) { count = count << 8 | Int(byte) }
        }
        guard count <= remaining else {
            throw error(field, found: "\(count) bytes", expected: "at most the \(remaining) that are left", at: start)
        }
        return (tag, count)
    }

    /// Steps into the next element, which must have this tag; gives the size of its content.
    fileprivate mutating func open(_ tag: UInt8, _ field: String) throws(FormatError) -> Int {
        let start = position
        let (found, count) = try header(field)
        guard found == tag else {
            throw error(field, found: "tag \(hexadecimal(found))", expected: "tag \(hexadecimal(tag))", at: start)
        }
        return count
    }

    /// Passes over the next element, which must have this tag.
    fileprivate mutating func pass(_ tag: UInt8, _ field: String) throws(FormatError) {
        let count = try open(tag, field)
        try skip(count, field)
    }

    /// The next element with its header.
    fileprivate mutating func whole(_ field: String) throws(FormatError) -> [UInt8] {
        let start = position
        let (_, count) = try header(field)
        let size = position - start + count
        try seek(to: start, field)
        return try bytes(size, field)
    }
}
