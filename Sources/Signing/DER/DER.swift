private import Bytes

/// Writing DER: each function gives one whole element.
public enum DER {
    /// An element with `content` as it is.
    public static func element(_ tag: DERTag, _ content: some Collection<UInt8>) -> [UInt8] {
        var bytes = [tag.rawValue]
        if content.count < 0x80 {
            bytes.append(UInt8(content.count))
        } else {
            var digits: [UInt8] = []
            var left = content.count
            while left > 0 {
                digits.append(UInt8(left & 0xFF))
                left >>= 8
            }
            bytes.append(0x80 | UInt8(digits.count))
            bytes += digits.reversed()
        }
        return bytes + content
    }

    /// A SEQUENCE of elements.
    public static func sequence(_ elements: [UInt8]...) -> [UInt8] {
        element(.sequence, elements.flatMap(\.self))
    }

    /// A SET of one element, or of elements that are given in DER's order.
    public static func set(_ elements: [UInt8]...) -> [UInt8] { element(.set, elements.flatMap(\.self)) }

    /// An INTEGER that is not negative, from its magnitude, most significant byte first.
    public static func integer(magnitude: some Collection<UInt8>) -> [UInt8] {
        var digits = Array(magnitude.drop { $0 == 0 })
        if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
        return element(.integer, digits)
    }

    /// An INTEGER.
    public static func integer(_ value: UInt64) -> [UInt8] {
        integer(magnitude: (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) })
    }

    /// An OBJECT IDENTIFIER.
    public static func objectIdentifier(_ identifier: ObjectIdentifier) -> [UInt8] {
        element(.objectIdentifier, identifier.content)
    }

    /// A BIT STRING of whole bytes.
    public static func bitString(_ bytes: [UInt8]) -> [UInt8] { element(.bitString, [0] + bytes) }

    /// A BOOLEAN.
    public static func boolean(_ value: Bool) -> [UInt8] { element(.boolean, [value ? 0xFF : 0x00]) }

    /// An OCTET STRING.
    public static func octetString(_ bytes: [UInt8]) -> [UInt8] { element(.octetString, bytes) }

    /// `SEQUENCE { INTEGER r, INTEGER s }`: an ECDSA signature from its two numbers (SEC 1, appendix C.8).
    public static func ecdsaSignature(r: some Collection<UInt8>, s: some Collection<UInt8>) -> [UInt8] {
        sequence(integer(magnitude: r), integer(magnitude: s))
    }

    /// r‖s, each padded to `byteCount`, from an ECDSA signature in DER; nil if it is none or a number is longer.
    public static func ecdsaNumbers(_ signature: [UInt8], byteCount: Int) -> [UInt8]? {
        guard let whole = try? DERElement(signature, .sequence, "signature", source: "signature"),
            var fields = try? whole.fields("signature"),
            let r = try? fields.next(.integer, "r").magnitude("r"),
            let s = try? fields.next(.integer, "s").magnitude("s"), fields.isAtEnd,
            r.count <= byteCount, s.count <= byteCount
        else { return nil }
        return [r, s].flatMap { [UInt8](repeating: 0, count: byteCount - $0.count) + $0 }
    }
}
