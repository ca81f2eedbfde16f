public import Bytes

/// A certificate revocation list, read strictly (RFC 5280, §5).
public struct RevocationList: Hashable, Sendable {
    /// Largest list that is read, in bytes.
    public static let maximumByteCount = 16 << 20

    /// One revoked certificate.
    public struct Entry: Hashable, Sendable {
        /// The serial number as DER writes it.
        public var serial: [UInt8]
        /// Seconds since 1970.
        public var date: Int64
    }

    public let source: String
    public let scheme: SignatureScheme
    public let issuer: DistinguishedName
    /// Seconds since 1970; `nextUpdate` is nil if the list does not say.
    public let thisUpdate: Int64
    public let nextUpdate: Int64?
    public let entries: [Entry]
    public let extensions: [CertificateExtension]
    /// The TBSCertList, which the issuer signed.
    public let signedBytes: [UInt8]
    public let signature: [UInt8]

    /// Reads one list: DER, or one PEM block `X509 CRL`.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "CertificateList", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        var encoding = bytes
        if PEM.isText(bytes) {
            let blocks = try PEM.blocks(bytes, label: "X509 CRL", source: source)
            guard blocks.count == 1, let only = blocks.first else {
                throw FormatError(
                    source: source, field: "PEM", found: "\(blocks.count) blocks", expected: "one X509 CRL")
            }
            encoding = only.1
        }
        let whole = try DERElement(encoding, .sequence, "CertificateList", source: source)
        var parts = try whole.fields("CertificateList")
        let signed = try parts.next(.sequence, "TBSCertList")
        let outer = try parts.next(.sequence, "CertificateList.signatureAlgorithm")
        signature = try parts.next(.bitString, "CertificateList.signatureValue")
            .bitStringBytes("CertificateList.signatureValue")
        try parts.finish("CertificateList")
        self.source = source
        signedBytes = signed.encoding

        var fields = try signed.fields("TBSCertList")
        let version = try fields.optional(.integer, "version")?.number("version", 1...1)
        let inner = try fields.next(.sequence, "signature")
        scheme = try SignatureScheme(inner, "signature")
        guard inner.encoding == outer.encoding else {
            throw outer.error(
                "CertificateList.signatureAlgorithm", found: "another algorithm than in TBSCertList",
                expected: "\(scheme)")
        }
        issuer = try DistinguishedName(fields.next(.sequence, "issuer"), "issuer")
        thisUpdate = try fields.any("thisUpdate").time("thisUpdate")
        nextUpdate =
            try [DERTag.utcTime, .generalizedTime].contains(fields.nextTag)
            ? fields.any("nextUpdate").time("nextUpdate") : nil
        let revoked = try fields.optional(.sequence, "revokedCertificates")
        entries = try revoked.map { list throws(FormatError) in try Self.entries(list) } ?? []
        let extensionPart = try fields.optional(.context(0), "crlExtensions")
        try fields.finish("TBSCertList")
        extensions =
            try extensionPart.map { part throws(FormatError) in
                try CertificateExtension.list(part.explicit(.sequence, "crlExtensions"), "crlExtensions")
            } ?? []
        guard version != nil || extensions.isEmpty else {
            throw signed.error("crlExtensions", found: "extensions in version 1", expected: "version 2")
        }
    }

    private static func entries(_ list: DERElement) throws(FormatError) -> [Entry] {
        var fields = try list.fields("revokedCertificates")
        var result: [Entry] = []
        while !fields.isAtEnd {
            let entry = try fields.next(.sequence, "revokedCertificates")
            var parts = try entry.fields("revokedCertificates")
            let serial = try parts.next(.integer, "userCertificate").integer("userCertificate")
            let date = try parts.any("revocationDate").time("revocationDate")
            if let element = try parts.optional(.sequence, "crlEntryExtensions") {
                let list = try CertificateExtension.list(element, "crlEntryExtensions")
                // A critical one (certificateIssuer) would make the entry mean another issuer's certificate.
                if let critical = list.first(where: \.isCritical) {
                    throw entry.error(
                        "crlEntryExtensions", found: "the critical extension \(critical.identifier)",
                        expected: "none: indirect lists are not read")
                }
            }
            try parts.finish("revokedCertificates")
            result.append(Entry(serial: serial, date: date))
        }
        return result
    }

    /// What is wrong with the list as one of `issuer`'s at a time (RFC 5280, §6.3.3): name, right to sign lists,
    /// signature, age and critical extensions.
    public func problems(issuedBy issuer: Certificate, at time: Int64? = nil) -> [CertificateProblem] {
        let name = source
        var problems: [CertificateProblem] = []
        if self.issuer != issuer.subject {
            problems.append(
                .otherIssuer(
                    subject: name, issuer: self.issuer.commonName ?? self.issuer.description, expected: issuer.name))
        }
        if !(issuer.keyUsage?.contains(.crlSign) ?? true) {
            problems.append(
                .issuerMayNotSign(
                    subject: name, issuer: issuer.name, reason: "keyUsage does not let it sign revocation lists"))
        }
        if !issuer.key.accepts(signature, of: signedBytes, scheme: scheme) {
            problems.append(.signature(subject: name, issuer: issuer.name))
        }
        if let time, time < thisUpdate { problems.append(.notYetValid(subject: name, from: thisUpdate)) }
        if let time, let nextUpdate, time > nextUpdate { problems.append(.expired(subject: name, since: nextUpdate)) }
        return problems
            + extensions.filter(\.isCritical).map {
                .unknownCriticalExtension(subject: name, identifier: $0.identifier)
            }
    }

    /// The entry that revokes `certificate`; nil if there is none, or the certificate is another issuer's.
    public func entry(of certificate: Certificate) -> Entry? {
        guard certificate.issuer == issuer else { return nil }
        return entries.first { $0.serial == certificate.serial }
    }
}
