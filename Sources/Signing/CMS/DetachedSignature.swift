public import Bytes
public import Hashing

/// A detached signature as CMS or PKCS#7 SignedData with one signer (RFC 5652, §5): what the kernel takes for a dm-verity
/// root hash, and what `openssl smime -sign -binary -noattr -outform der` writes.
public struct DetachedSignature: Sendable {
    /// Largest signature that is read, in bytes.
    public static let maximumByteCount = 1 << 20

    /// Certificates that came with it; nothing makes them trusted.
    public let certificates: [Certificate]
    /// Whose certificate made it: the encoding of its issuer and its serial number.
    private let signer: (issuer: [UInt8], serial: [UInt8])
    public let hash: HashAlgorithm
    /// ContentType and digest that were signed in place of the content itself; nil if there are no such attributes.
    private let attributes: SignedAttributes?
    private let algorithm: DERElement
    private let signature: [UInt8]

    private struct SignedAttributes {
        var encoding: [UInt8]
        var digest: [UInt8]
    }

    private static let signedData = ObjectIdentifier(1, 2, 840, 113549, 1, 7, 2)
    private static let data = ObjectIdentifier(1, 2, 840, 113549, 1, 7, 1)
    private static let contentType = ObjectIdentifier(1, 2, 840, 113549, 1, 9, 3)
    private static let messageDigest = ObjectIdentifier(1, 2, 840, 113549, 1, 9, 4)
    private static let rsaEncryption = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 1)

    /// Reads a signature in DER; nothing may follow it.
    public init(der bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "ContentInfo", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        let whole = try DERElement(bytes, .sequence, "ContentInfo", source: source)
        var outer = try whole.fields("ContentInfo")
        try Self.require(Self.signedData, "contentType", "signedData", &outer)
        let content = try outer.next(.context(0), "content").explicit(.sequence, "SignedData")
        try outer.finish("ContentInfo")

        var fields = try content.fields("SignedData")
        _ = try fields.next(.integer, "version").number("version", 1...5)
        _ = try fields.next(.set, "digestAlgorithms")
        var inner = try fields.next(.sequence, "encapContentInfo").fields("encapContentInfo")
        try Self.require(Self.data, "eContentType", "data", &inner)
        try inner.finish("encapContentInfo: a detached signature holds no content")
        certificates = try Self.certificates(fields.optional(.context(0), "certificates"), source)
        _ = try fields.optional(.context(1), "crls")
        let signers = try fields.next(.set, "signerInfos")
        try fields.finish("SignedData")

        let info = try signers.explicit(.sequence, "signerInfos: one signer")
        var parts = try info.fields("SignerInfo")
        _ = try parts.next(.integer, "SignerInfo.version").number("SignerInfo.version", 1...1)
        var name = try parts.next(.sequence, "issuerAndSerialNumber").fields("issuerAndSerialNumber")
        signer = (
            try name.next(.sequence, "issuer").encoding, try name.next(.integer, "serialNumber").integer("serialNumber")
        )
        try name.finish("issuerAndSerialNumber")
        hash = try SignatureScheme.hash(parts.next(.sequence, "digestAlgorithm"), "digestAlgorithm")
        attributes = try Self.attributes(parts.optional(.context(0), "signedAttrs"))
        algorithm = try parts.next(.sequence, "signatureAlgorithm")
        signature = try parts.next(.octetString, "signature").octets("signature")
        _ = try parts.optional(.context(1), "unsignedAttrs")
        try parts.finish("SignerInfo")
    }

    private static func require(
        _ wanted: ObjectIdentifier, _ field: String, _ name: String, _ fields: inout DERFields
    ) throws(FormatError) {
        let element = try fields.next(.objectIdentifier, field)
        let found = try element.objectIdentifier(field)
        guard found == wanted else { throw element.error(field, found: "\(found)", expected: "\(name), \(wanted)") }
    }

    private static func certificates(_ element: DERElement?, _ source: String) throws(FormatError) -> [Certificate] {
        guard let element else { return [] }
        var fields = try element.fields("certificates")
        var result: [Certificate] = []
        while !fields.isAtEnd {
            let next = try fields.next(.sequence, "certificate")
            result.append(try Certificate(der: next.encoding, source: source, base: next.offset))
        }
        return result
    }

    private static func attributes(_ element: DERElement?) throws(FormatError) -> SignedAttributes? {
        guard let element else { return nil }
        var fields = try element.fields("signedAttrs")
        var digest: [UInt8]?
        var isData = false
        while !fields.isAtEnd {
            var attribute = try fields.next(.sequence, "attribute").fields("attribute")
            let identifier = try attribute.next(.objectIdentifier, "attrType").objectIdentifier("attrType")
            let values = try attribute.next(.set, "attrValues")
            try attribute.finish("attribute")
            switch identifier {
            case contentType:
                let value = try values.explicit(.objectIdentifier, "contentType").objectIdentifier("contentType")
                isData = value == data
            case messageDigest:
                digest = try values.explicit(.octetString, "messageDigest").octets("messageDigest")
            default: break
            }
        }
        guard isData, let digest else {
            throw element.error("signedAttrs", found: "no content type and digest", expected: "both (RFC 5652, §5.3)")
        }
        // They are signed as a SET, whatever tag they are stored under (RFC 5652, §5.4).
        return SignedAttributes(encoding: [DERTag.set.rawValue] + element.encoding.dropFirst(), digest: digest)
    }

    /// Whether a certificate's key made this signature over `content`; the certificate must be the one it names.
    public func isValid(over content: [UInt8], by certificate: Certificate) -> Bool {
        guard certificate.issuer.encoding == signer.issuer, certificate.serial == signer.serial,
            let scheme = scheme(of: certificate.key)
        else { return false }
        guard let attributes else { return certificate.key.accepts(signature, of: content, scheme: scheme) }
        return attributes.digest == Digest.of(content, hash).bytes
            && certificate.key.accepts(signature, of: attributes.encoding, scheme: scheme)
    }

    /// PKCS#7 names the key's algorithm alone for RSA; the hash then is the digest algorithm's.
    private func scheme(of key: CertificateKey) -> SignatureScheme? {
        if let scheme = try? SignatureScheme(algorithm, "signatureAlgorithm") {
            switch scheme {
            case .ecdsa(let named), .rsaPKCS1(let named), .rsaPSS(let named, _): return named == hash ? scheme : nil
            case .ed25519: return scheme
            }
        }
        guard var fields = try? algorithm.fields("signatureAlgorithm"),
            let identifier = try? fields.next(.objectIdentifier, "algorithm").objectIdentifier("algorithm"),
            identifier == Self.rsaEncryption
        else { return nil }
        return .rsaPKCS1(hash)
    }
}

extension DetachedSignature {
    /// Signs `content` without attributes, in the form that the kernel checks; the certificate goes along.
    ///
    /// - Returns: SignedData in DER. ECDSA signatures differ from run to run.
    /// - Throws: `SigningError` if the key is not the certificate's, or is no ECDSA key.
    public static func sign(
        _ content: [UInt8], with key: PrivateKey, certificate: Certificate
    ) throws(SigningError) -> [UInt8] {
        guard certificate.key.publicKey == key.publicKey, let algorithms = algorithms(of: key.publicKey.algorithm)
        else { throw SigningError(certificate.source, .unsupportedKey) }
        let digest = DER.sequence(DER.objectIdentifier(algorithms.digest))
        let info = DER.sequence(
            DER.integer(1),
            DER.sequence(certificate.issuer.encoding, DER.element(.integer, certificate.serial)),
            digest, DER.sequence(DER.objectIdentifier(algorithms.signature)), DER.octetString(try key.sign(content)))
        let signed = DER.sequence(
            DER.integer(1), DER.set(digest), DER.sequence(DER.objectIdentifier(data)),
            DER.element(.context(0), certificate.encoding), DER.set(info))
        return DER.sequence(DER.objectIdentifier(signedData), DER.element(.context(0), signed))
    }

    private static func algorithms(
        of key: KeyAlgorithm
    ) -> (digest: ObjectIdentifier, signature: ObjectIdentifier)? {
        switch key {
        case .p256:
            (ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1), ObjectIdentifier(1, 2, 840, 10045, 4, 3, 2))
        case .p384:
            (ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2), ObjectIdentifier(1, 2, 840, 10045, 4, 3, 3))
        case .ed25519: nil
        }
    }
}
