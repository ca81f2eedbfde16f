/// A named object of AML, or a block of statements (ACPI 6.5, section 20.2), with its place in the table.
public struct AMLObject: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case scope, device, processor, method, name, field, mutex, event, alias, external
        case operationRegion = "operation region"
        case powerResource = "power resource"
        case thermalZone = "thermal zone"
        case fieldUnit = "field unit"
        case bufferField = "buffer field"
        case dataRegion = "data region"
        /// `If`, `Else` or `While`: no name, but a length of its own.
        case block

        /// Whether the object makes its path: scopes, lists of fields and externals name what is made elsewhere.
        public var defines: Bool { ![.scope, .field, .external, .block].contains(self) }
    }

    public var kind: Kind
    /// Absolute path, `\_SB.PCI0._CRS`; that of the method or scope around it for a block.
    public var path: String
    /// The object's bytes, counted from the start of the table.
    public var range: Range<Int>
    /// Where a length and what it covers stand, in objects that have one.
    public var package: Package?
    /// What stands inside, in order.
    public var children: [AMLObject]
    /// Number of arguments of a method.
    public var arguments = 0
    /// What is known of a value or region without running anything.
    public var value: Value?

    /// A length field of one to four bytes and the rest of the object, which it counts together with itself.
    public struct Package: Hashable, Sendable {
        /// Where the length stands.
        public var lengthOffset: Int
        /// The first byte after it.
        public var bodyOffset: Int
    }

    public enum Value: Hashable, Sendable {
        case integer(UInt64)
        case text(String)
        /// Contents of a buffer: a range of the table.
        case buffer(Range<Int>)
        /// Address space, and offset and length if they are constants.
        case region(space: UInt8, offset: UInt64?, length: UInt64?)
    }

    /// The last part of the path.
    public var segment: Substring { path.split(whereSeparator: { $0 == "." || $0 == "\\" }).last ?? "" }

    /// This object and all inside, in the order of the table.
    public var all: [AMLObject] { [self] + children.flatMap(\.all) }
}

extension AMLObject {
    /// `length` as AML writes it before `count` bytes of body: it counts itself, and is as short as it can be. Nil above
    /// 2^28 − 1.
    static func packageLength(body count: Int) -> [UInt8]? {
        guard count >= 0 else { return nil }
        if count + 1 < 1 << 6 { return [UInt8(count + 1)] }
        for extra in 1...3 {
            let length = count + 1 + extra
            guard length < 1 << (4 + 8 * extra) else { continue }
            let rest = (0..<extra).map { UInt8(truncatingIfNeeded: length >> (4 + 8 * $0)) }
            return [UInt8(extra << 6 | length & 0xF)] + rest
        }
        return nil
    }
}
