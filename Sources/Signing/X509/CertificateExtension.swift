public import Bytes

/// An extension of a certificate, a revocation list or one of its entries (RFC 5280, §4.2).
public struct CertificateExtension: Hashable, Sendable {
    public var identifier: ObjectIdentifier
    public var isCritical: Bool
    /// The OCTET STRING's content; by the standard one DER element, by AMD's practice sometimes bare bytes.
    public var value: [UInt8]
    /// Where `value` stands in the source.
    public var source: String
    public var offset: Int

    /// `value` as one DER element of this type.
    public func element(_ tag: DERTag, _ field: String) throws(FormatError) -> DERElement {
        try DERElement(value, tag, field, source: source, base: offset)
    }

    /// Reads a list of extensions; each may stand once.
    static func list(_ element: DERElement, _ field: String) throws(FormatError) -> [CertificateExtension] {
        var result: [CertificateExtension] = []
        var seen: Set<ObjectIdentifier> = []
        var fields = try element.fields(field)
        while !fields.isAtEnd {
            let entry = try fields.next(.sequence, field)
            var parts = try entry.fields(field)
            let identifier = try parts.next(.objectIdentifier, field).objectIdentifier(field)
            let critical = try parts.optional(.boolean, "\(field) \(identifier)")
            let value = try parts.next(.octetString, "\(field) \(identifier)")
            try parts.finish("\(field) \(identifier)")
            guard seen.insert(identifier).inserted else {
                throw entry.error(field, found: "\(identifier) twice", expected: "each extension once")
            }
            result.append(
                CertificateExtension(
                    identifier: identifier, isCritical: try critical?.boolean("\(field) \(identifier)") ?? false,
                    value: Array(value.content), source: value.source, offset: value.contentOffset))
        }
        return result
    }
}

extension ObjectIdentifier {
    static let keyUsage = ObjectIdentifier(2, 5, 29, 15)
    static let subjectKeyIdentifier = ObjectIdentifier(2, 5, 29, 14)
    static let basicConstraints = ObjectIdentifier(2, 5, 29, 19)
    static let crlNumber = ObjectIdentifier(2, 5, 29, 20)
    static let authorityKeyIdentifier = ObjectIdentifier(2, 5, 29, 35)
    static let crlDistributionPoints = ObjectIdentifier(2, 5, 29, 31)
}

/// What a key may be used for (RFC 5280, §4.2.1.3): bit 0 is the most significant bit of the first byte.
public struct KeyUsage: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let digitalSignature = KeyUsage(rawValue: 1 << 0)
    public static let certificateSign = KeyUsage(rawValue: 1 << 5)
    public static let crlSign = KeyUsage(rawValue: 1 << 6)

    /// Reads the BIT STRING.
    init(_ element: DERElement, _ field: String) throws(FormatError) {
        let (bytes, _) = try element.bitString(field)
        guard (1...2).contains(bytes.count) else {
            throw element.error(field, found: "\(bytes.count) bytes", expected: "1 or 2")
        }
        var value: UInt16 = 0
        for bit in 0..<bytes.count * 8 where bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 {
            value |= 1 << UInt16(bit)
        }
        rawValue = value
    }
}

/// Whether a certificate's subject may issue certificates (RFC 5280, §4.2.1.9).
public struct BasicConstraints: Hashable, Sendable {
    public var isAuthority: Bool
    /// How many further authorities may stand below this one; nil for any number.
    public var pathLength: Int?

    init(_ element: DERElement, _ field: String) throws(FormatError) {
        var fields = try element.fields(field)
        isAuthority = try fields.optional(.boolean, field + ".cA")?.boolean(field + ".cA") ?? false
        pathLength = try fields.optional(.integer, field + ".pathLenConstraint")?
            .number(field + ".pathLenConstraint", 0...255)
        try fields.finish(field)
        guard isAuthority || pathLength == nil else {
            throw element.error(field, found: "a path length without cA", expected: "cA with it")
        }
    }
}
