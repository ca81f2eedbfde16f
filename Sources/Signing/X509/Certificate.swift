public import Bytes
public import Hashing

/// An X.509 certificate, read strictly (RFC 5280, §4.1).
///
/// A serial number of zero is accepted: AMD's chip certificates have it. Nothing here says that the certificate is to be
/// trusted; `problems(issuedBy:)` checks one link and `CertificatePath` a chain of them.
public struct Certificate: Sendable {
    /// Largest certificate that is read, in bytes.
    public static let maximumByteCount = 64 << 10

    /// The whole certificate in DER.
    public let encoding: [UInt8]
    /// Where it was read from.
    public let source: String
    /// 1 to 3.
    public let version: Int
    /// The serial number as DER writes it: two's complement, most significant byte first.
    public let serial: [UInt8]
    public let scheme: SignatureScheme
    public let issuer: DistinguishedName
    public let subject: DistinguishedName
    /// First and last second of validity, since 1970-01-01T00:00:00Z.
    public let notBefore: Int64
    public let notAfter: Int64
    public let key: CertificateKey
    public let extensions: [CertificateExtension]
    public let keyUsage: KeyUsage?
    public let basicConstraints: BasicConstraints?
    /// The TBSCertificate, which the issuer signed.
    public let signedBytes: [UInt8]
    public let signature: [UInt8]

    /// Reads one certificate in DER; nothing may follow it.
    public init(der bytes: [UInt8], source: String, base: Int = 0) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, offset: base, field: "Certificate", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        let whole = try DERElement(bytes, .sequence, "Certificate", source: source, base: base)
        var parts = try whole.fields("Certificate")
        let signed = try parts.next(.sequence, "TBSCertificate")
        let outer = try parts.next(.sequence, "Certificate.signatureAlgorithm")
        signature = try parts.next(.bitString, "Certificate.signatureValue")
            .bitStringBytes("Certificate.signatureValue")
        try parts.finish("Certificate")
        encoding = whole.encoding
        self.source = source
        signedBytes = signed.encoding

        var fields = try signed.fields("TBSCertificate")
        version = try Self.version(&fields)
        serial = try fields.next(.integer, "serialNumber").integer("serialNumber")
        let inner = try fields.next(.sequence, "signature")
        scheme = try SignatureScheme(inner, "signature")
        guard inner.encoding == outer.encoding else {
            throw outer.error(
                "Certificate.signatureAlgorithm", found: "another algorithm than in TBSCertificate",
                expected: "\(scheme)")
        }
        issuer = try DistinguishedName(fields.next(.sequence, "issuer"), "issuer")
        let validity = try fields.next(.sequence, "validity")
        var times = try validity.fields("validity")
        notBefore = try times.any("validity.notBefore").time("validity.notBefore")
        notAfter = try times.any("validity.notAfter").time("validity.notAfter")
        try times.finish("validity")
        subject = try DistinguishedName(fields.next(.sequence, "subject"), "subject")
        key = try CertificateKey(fields.next(.sequence, "subjectPublicKeyInfo"), "subjectPublicKeyInfo")
        extensions = try Self.extensions(&fields, version: version)
        try fields.finish("TBSCertificate")
        keyUsage = try Self.find(.keyUsage, extensions).map { found throws(FormatError) in
            try KeyUsage(found.element(.bitString, "keyUsage"), "keyUsage")
        }
        basicConstraints = try Self.find(.basicConstraints, extensions).map { found throws(FormatError) in
            try BasicConstraints(found.element(.sequence, "basicConstraints"), "basicConstraints")
        }
    }

    private static func version(_ fields: inout DERFields) throws(FormatError) -> Int {
        guard let element = try fields.optional(.context(0), "version") else { return 1 }
        return try element.explicit(.integer, "version").number("version", 1...2) + 1
    }

    private static func extensions(
        _ fields: inout DERFields, version: Int
    ) throws(FormatError) -> [CertificateExtension] {
        guard let element = try fields.optional(.context(3), "extensions") else { return [] }
        guard version == 3 else {
            throw element.error("extensions", found: "extensions in version \(version)", expected: "version 3")
        }
        let list = try CertificateExtension.list(element.explicit(.sequence, "extensions"), "extensions")
        guard !list.isEmpty else { throw element.error("extensions", found: "an empty list", expected: "entries") }
        return list
    }

    private static func find(
        _ identifier: ObjectIdentifier, _ list: [CertificateExtension]
    ) -> CertificateExtension? {
        list.first { $0.identifier == identifier }
    }

    /// The extension of that name; nil if there is none.
    public func `extension`(_ identifier: ObjectIdentifier) -> CertificateExtension? {
        Self.find(identifier, extensions)
    }

    /// SHA-256 of the certificate in DER, which people call its fingerprint.
    public var fingerprint: Digest { .of(encoding, .sha256) }

    /// Whether issuer and subject are one.
    public var isSelfIssued: Bool { issuer == subject }

    /// What to call it in messages: the common name, or the whole subject.
    public var name: String { subject.commonName ?? subject.description }
}

extension Certificate: Hashable {
    public static func == (a: Certificate, b: Certificate) -> Bool { a.encoding == b.encoding }
    public func hash(into hasher: inout Hasher) { hasher.combine(encoding) }
}
