public import Bytes

/// The values that elements stand for; each method checks tag and form.
extension DERElement {
    /// A BOOLEAN: 0x00 or 0xFF (X.690, §11.1).
    public func boolean(_ field: String) throws(FormatError) -> Bool {
        try require(.boolean, field)
        switch Array(content) {
        case [0x00]: return false
        case [0xFF]: return true
        default: throw error(field, found: content.hex, expected: "00 or ff")
        }
    }

    /// The content of an INTEGER or ENUMERATED: two's complement, most significant byte first, the shortest form.
    public func integer(_ field: String, tag: DERTag = .integer) throws(FormatError) -> [UInt8] {
        try require(tag, field)
        let bytes = Array(content)
        guard let first = bytes.first else { throw error(field, found: "no bytes", expected: "an integer") }
        if bytes.count > 1, (first == 0 && bytes[1] < 0x80) || (first == 0xFF && bytes[1] >= 0x80) {
            throw error(field, found: "a padded integer", expected: "the shortest form (DER)")
        }
        return bytes
    }

    /// The magnitude of an INTEGER that is not negative, without leading zeros; empty for zero.
    public func magnitude(_ field: String) throws(FormatError) -> [UInt8] {
        let bytes = try integer(field)
        guard bytes[0] < 0x80 else { throw error(field, found: "a negative number", expected: "0 or more") }
        return Array(bytes.drop { $0 == 0 })
    }

    /// A small INTEGER.
    public func number(_ field: String, _ range: ClosedRange<Int>, tag: DERTag = .integer) throws(FormatError) -> Int {
        let bytes = try integer(field, tag: tag)
        let expected = "\(range.lowerBound) to \(range.upperBound)"
        guard bytes.count <= 8 else { throw error(field, found: "\(bytes.count) bytes", expected: expected) }
        let start: Int = bytes[0] < 0x80 ? 0 : -1
        let value = bytes.reduce(start) { $0 << 8 | Int($1) }
        guard range.contains(value) else { throw error(field, found: "\(value)", expected: expected) }
        return value
    }

    /// An OBJECT IDENTIFIER.
    public func objectIdentifier(_ field: String) throws(FormatError) -> ObjectIdentifier {
        try require(.objectIdentifier, field)
        guard let identifier = ObjectIdentifier(content: Array(content)) else {
            throw error(field, found: content.prefix(32).hex, expected: "an object identifier in its shortest form")
        }
        return identifier
    }

    /// The content of an OCTET STRING.
    public func octets(_ field: String) throws(FormatError) -> [UInt8] {
        try require(.octetString, field)
        return Array(content)
    }

    /// A BIT STRING of whole bytes, as signatures and keys are.
    public func bitStringBytes(_ field: String) throws(FormatError) -> [UInt8] {
        let (bytes, unused) = try bitString(field)
        guard unused == 0 else { throw error(field, found: "\(unused) unused bits", expected: "whole bytes") }
        return bytes
    }

    /// A BIT STRING and the number of its last byte's bits that do not count; those are zero (X.690, §11.2.1).
    public func bitString(_ field: String) throws(FormatError) -> (bytes: [UInt8], unusedBits: Int) {
        try require(.bitString, field)
        guard let unused = content.first, unused < 8, unused == 0 || content.count > 1 else {
            throw error(field, found: content.prefix(1).hex, expected: "0 to 7 unused bits")
        }
        let bytes = Array(content.dropFirst())
        if let last = bytes.last, last & ((1 << unused) - 1) != 0 {
            throw error(field, found: "unused bits that are set", expected: "zero (DER)")
        }
        return (bytes, Int(unused))
    }

    /// NULL.
    public func null(_ field: String) throws(FormatError) {
        try require(.null, field)
        guard content.isEmpty else { throw error(field, found: "\(content.count) bytes", expected: "none") }
    }

    /// Any of the string types that names are made of.
    public func text(_ field: String) throws(FormatError) -> String {
        var text: String?
        switch tag {
        case .utf8String: text = String(validating: content, as: UTF8.self)
        case .printableString, .ia5String:
            text = content.allSatisfy { $0 < 0x80 } ? String(validating: content, as: UTF8.self) : nil
        // By practice Latin-1, whose bytes are the first 256 scalars.
        case .teletexString: text = String(String.UnicodeScalarView(content.map { Unicode.Scalar($0) }))
        case .bmpString where content.count.isMultiple(of: 2):
            let bytes = Array(content)
            let units = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
            text = String(validating: units, as: UTF16.self)
        default: throw error(field, found: "\(tag)", expected: "a string")
        }
        guard let text else { throw error(field, found: content.prefix(32).hex, expected: "a well-formed \(tag)") }
        return text
    }

    /// A UTCTime or GeneralizedTime as X.509 allows them (RFC 5280, §4.1.2.5): in UTC, with seconds, without
    /// fractions. Seconds since 1970-01-01T00:00:00Z.
    public func time(_ field: String) throws(FormatError) -> Int64 {
        let yearDigits: Int
        switch tag {
        case .utcTime: yearDigits = 2
        case .generalizedTime: yearDigits = 4
        default: throw error(field, found: "\(tag)", expected: "a time")
        }
        let digits = content.dropLast().map { Int64($0) - 0x30 }
        let failure = error(
            field, found: content.prefix(32).hex, expected: "\(yearDigits == 2 ? "YY" : "YYYY")MMDDhhmmssZ")
        guard content.last == UInt8(ascii: "Z"), digits.count == yearDigits + 10,
            digits.allSatisfy({ (0...9).contains($0) })
        else { throw failure }
        var year = digits.prefix(yearDigits).reduce(0) { $0 * 10 + $1 }
        if yearDigits == 2 { year += year < 50 ? 2000 : 1900 }
        let parts = stride(from: yearDigits, to: digits.count, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
        let date = CivilDate(year: year, month: parts[0], day: parts[1])
        guard date.isValid, parts[2] < 24, parts[3] < 60, parts[4] < 60 else { throw failure }
        return date.daysSince1970 * 86_400 + parts[2] * 3600 + parts[3] * 60 + parts[4]
    }
}
