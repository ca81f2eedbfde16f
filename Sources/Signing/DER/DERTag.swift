/// The identifier octet of a DER element: class, constructed bit and a number below 31 (X.690, §8.1.2).
public struct DERTag: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let boolean = DERTag(rawValue: 0x01)
    public static let integer = DERTag(rawValue: 0x02)
    public static let bitString = DERTag(rawValue: 0x03)
    public static let octetString = DERTag(rawValue: 0x04)
    public static let null = DERTag(rawValue: 0x05)
    public static let objectIdentifier = DERTag(rawValue: 0x06)
    public static let enumerated = DERTag(rawValue: 0x0A)
    public static let utf8String = DERTag(rawValue: 0x0C)
    public static let printableString = DERTag(rawValue: 0x13)
    public static let teletexString = DERTag(rawValue: 0x14)
    public static let ia5String = DERTag(rawValue: 0x16)
    public static let utcTime = DERTag(rawValue: 0x17)
    public static let generalizedTime = DERTag(rawValue: 0x18)
    public static let universalString = DERTag(rawValue: 0x1C)
    public static let bmpString = DERTag(rawValue: 0x1E)
    public static let sequence = DERTag(rawValue: 0x30)
    public static let set = DERTag(rawValue: 0x31)

    /// `[number] EXPLICIT`, or `[number] IMPLICIT` of a constructed type; `number` is below 31.
    public static func context(_ number: UInt8) -> DERTag { DERTag(rawValue: 0xA0 | number & 0x1F) }
    /// `[number] IMPLICIT` of a primitive type; `number` is below 31.
    public static func primitive(_ number: UInt8) -> DERTag { DERTag(rawValue: 0x80 | number & 0x1F) }

    /// Whether the content is made of elements.
    public var isConstructed: Bool { rawValue & 0x20 != 0 }

    private static let names: [DERTag: String] = [
        .boolean: "BOOLEAN", .integer: "INTEGER", .bitString: "BIT STRING", .octetString: "OCTET STRING",
        .null: "NULL", .objectIdentifier: "OBJECT IDENTIFIER", .enumerated: "ENUMERATED", .utf8String: "UTF8String",
        .printableString: "PrintableString", .teletexString: "TeletexString", .ia5String: "IA5String",
        .utcTime: "UTCTime", .generalizedTime: "GeneralizedTime", .universalString: "UniversalString",
        .bmpString: "BMPString", .sequence: "SEQUENCE", .set: "SET",
    ]

    public var description: String {
        if let name = Self.names[self] { return name }
        if rawValue & 0xC0 == 0x80 { return "[\(rawValue & 0x1F)]" }
        return "tag 0x" + String(rawValue, radix: 16)
    }
}
