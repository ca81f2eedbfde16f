public import Bytes

/// A distinguished name: who issued a certificate and whose it is (RFC 5280, §4.1.2.4).
///
/// Two names are equal if their encodings are, which is stricter than the standard's comparison and all that is needed
/// between certificates of one issuer.
public struct DistinguishedName: Hashable, Sendable, CustomStringConvertible {
    /// One attribute.
    public struct Attribute: Hashable, Sendable {
        public var type: ObjectIdentifier
        public var value: String
    }

    /// The Name in DER.
    public let encoding: [UInt8]
    /// The attributes in the order of the encoding.
    public let attributes: [Attribute]

    private static let commonNameType = ObjectIdentifier(2, 5, 4, 3)
    private static let shortNames: [ObjectIdentifier: String] = [
        commonNameType: "CN", ObjectIdentifier(2, 5, 4, 5): "serialNumber", ObjectIdentifier(2, 5, 4, 6): "C",
        ObjectIdentifier(2, 5, 4, 7): "L", ObjectIdentifier(2, 5, 4, 8): "ST", ObjectIdentifier(2, 5, 4, 10): "O",
        ObjectIdentifier(2, 5, 4, 11): "OU", ObjectIdentifier(0, 9, 2342, 19_200_300, 100, 1, 25): "DC",
        ObjectIdentifier(1, 2, 840, 113549, 1, 9, 1): "emailAddress",
    ]

    /// Reads a Name.
    public init(_ element: DERElement, _ field: String) throws(FormatError) {
        encoding = element.encoding
        var attributes: [Attribute] = []
        var sets = try element.fields(field)
        while !sets.isAtEnd {
            var members = try sets.next(.set, field).fields(field)
            repeat {
                var parts = try members.next(.sequence, field).fields(field)
                let type = try parts.next(.objectIdentifier, field).objectIdentifier(field)
                let value = try parts.any(field)
                try parts.finish(field)
                attributes.append(Attribute(type: type, value: try value.text(field)))
            } while !members.isAtEnd
        }
        self.attributes = attributes
    }

    /// The common name; nil if there is none or more than one.
    public var commonName: String? {
        let names = attributes.filter { $0.type == Self.commonNameType }
        return names.count == 1 ? names.first?.value : nil
    }

    /// `CN=…, O=…` in the order of the encoding. It is for people: values are not escaped.
    public var description: String {
        attributes.map { "\(Self.shortNames[$0.type] ?? $0.type.description)=\($0.value)" }.joined(separator: ", ")
    }
}
