/// A GUID as UEFI stores it: the first three groups little-endian, the rest in text order (UEFI 2.10, appendix A).
public struct GUID: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = 16
    /// The 16 bytes as stored.
    public let bytes: [UInt8]

    private static let storedOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

    /// A GUID from its 16 stored bytes; nil for another count.
    public init?(stored bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// A GUID from `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; nil for anything else.
    public init?(_ text: String) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], let raw = [UInt8](hex: groups.joined()) else { return nil }
        bytes = Self.storedOrder.map { raw[$0] }
    }

    /// A GUID from 16 bytes in text order, as RFC 9562 prints them; nil for another count.
    public init?(textOrder raw: some Collection<UInt8>) {
        let raw = Array(raw)
        guard raw.count == Self.byteCount else { return nil }
        bytes = Self.storedOrder.map { raw[$0] }
    }

    /// Sixteen zero bytes.
    public init(zeros: Void) { bytes = Array(repeating: 0, count: Self.byteCount) }

    /// The bytes in text order.
    public var textOrder: [UInt8] { Self.storedOrder.map { bytes[$0] } }

    public var description: String {
        let digits = Array(textOrder.hex)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }
}

extension ByteReader {
    /// Reads a GUID of 16 stored bytes.
    public mutating func guid(_ field: String) throws(FormatError) -> GUID {
        let raw = try bytes(GUID.byteCount, field)
        guard let guid = GUID(stored: raw) else { throw error(field, found: raw.hex, expected: "16 bytes") }
        return guid
    }
}
