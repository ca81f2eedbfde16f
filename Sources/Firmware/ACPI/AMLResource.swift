public import Bytes

/// One descriptor of a `_CRS` buffer (ACPI 6.5, section 6.4): what a device, or a bridge to others, occupies.
public struct AMLResource: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case memory, io, bus, interrupt, dma, other
    }

    public var kind: Kind
    /// First and last address, port or bus; for an interrupt its mask.
    public var minimum: UInt64
    public var maximum: UInt64
    public var length: UInt64
    /// Bytes of each address in the descriptor.
    public var width: Int
    /// The descriptor in the table.
    public var range: Range<Int>

    /// Reads descriptors up to the end tag.
    public static func list(parsing reader: inout ByteReader) throws(FormatError) -> [AMLResource] {
        var result: [AMLResource] = []
        while !reader.isAtEnd {
            let start = reader.sourceOffset
            let tag = try reader.read("descriptor", as: UInt8.self)
            if tag & 0x80 == 0 {
                var body = try reader.slice(Int(tag & 7), "descriptor")
                let type = tag >> 3 & 0xF
                if type == 0xF {
                    try reader.finish("resource template")
                    return result
                }
                result.append(try small(type, &body, at: start))
            } else {
                let size = Int(try reader.read("descriptor length", as: UInt16.self))
                var body = try reader.slice(size, "descriptor")
                result.append(try large(tag, &body, at: start))
            }
        }
        throw reader.error("resource template", found: "its end", expected: "an end tag")
    }

    private static func small(
        _ type: UInt8, _ reader: inout ByteReader, at start: Int
    ) throws(FormatError) -> AMLResource {
        let range = start..<reader.base + reader.count
        switch type {
        case 4:
            let mask = UInt64(try reader.read("mask", as: UInt16.self))
            return AMLResource(kind: .interrupt, minimum: mask, maximum: mask, length: 0, width: 2, range: range)
        case 5:
            let mask = UInt64(try reader.read("mask", as: UInt8.self))
            return AMLResource(kind: .dma, minimum: mask, maximum: mask, length: 0, width: 1, range: range)
        case 8:
            try reader.skip(1, "flags")
            let low = UInt64(try reader.read("minimum", as: UInt16.self))
            let high = UInt64(try reader.read("maximum", as: UInt16.self))
            try reader.skip(1, "alignment")
            let length = UInt64(try reader.read("length", as: UInt8.self))
            return AMLResource(kind: .io, minimum: low, maximum: high, length: length, width: 2, range: range)
        case 9:
            let port = UInt64(try reader.read("base", as: UInt16.self))
            let length = UInt64(try reader.read("length", as: UInt8.self))
            return AMLResource(kind: .io, minimum: port, maximum: port, length: length, width: 2, range: range)
        default: return AMLResource(kind: .other, minimum: 0, maximum: 0, length: 0, width: 0, range: range)
        }
    }

    private static func large(
        _ tag: UInt8, _ reader: inout ByteReader, at start: Int
    ) throws(FormatError) -> AMLResource {
        let range = start..<reader.base + reader.count
        switch tag {
        case 0x86:
            try reader.skip(1, "flags")
            let base = UInt64(try reader.read("base", as: UInt32.self))
            let length = UInt64(try reader.read("length", as: UInt32.self))
            return AMLResource(kind: .memory, minimum: base, maximum: base, length: length, width: 4, range: range)
        case 0x88: return try space(2, &reader, range)
        case 0x87: return try space(4, &reader, range)
        case 0x8A: return try space(8, &reader, range)
        default: return AMLResource(kind: .other, minimum: 0, maximum: 0, length: 0, width: 0, range: range)
        }
    }

    /// A word, double word or quad word address space descriptor (section 6.4.3.5).
    ///
    /// | size | field |
    /// |---|---|
    /// | 1 | 0 memory, 1 ports, 2 buses |
    /// | 2 | flags |
    /// | width | granularity |
    /// | width | minimum |
    /// | width | maximum |
    /// | width | translation |
    /// | width | length |
    private static func space(
        _ width: Int, _ reader: inout ByteReader, _ range: Range<Int>
    ) throws(FormatError) -> AMLResource {
        let kind: Kind =
            switch try reader.read("type", as: UInt8.self) {
            case 0: .memory
            case 1: .io
            case 2: .bus
            default: .other
            }
        try reader.skip(2, "flags")
        var values: [UInt64] = []
        for field in ["granularity", "minimum", "maximum", "translation", "length"] {
            values.append(try number(width, field, &reader))
        }
        return AMLResource(
            kind: kind, minimum: values[1], maximum: values[2], length: values[4], width: width, range: range)
    }

    private static func number(
        _ width: Int, _ field: String, _ reader: inout ByteReader
    ) throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<width { value |= UInt64(try reader.read(field, as: UInt8.self)) << UInt64(8 * index) }
        return value
    }

    /// A range of memory as an address space descriptor, whose ends can be moved; a fixed range of memory is none.
    var isWindow: Bool { kind == .memory && range.count >= 6 + 5 * width }

    /// An address space descriptor's bytes after its flags, with another minimum and length; the maximum follows.
    func moved(to minimum: UInt64, through maximum: UInt64, in table: [UInt8]) -> [UInt8] {
        var bytes = Array(table[range])
        let fields = [(1, minimum), (2, maximum), (4, maximum &- minimum &+ 1)]
        for (index, value) in fields {
            for byte in 0..<width {
                bytes[6 + index * width + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
            }
        }
        return bytes
    }
}

extension AMLTable {
    /// Descriptors of a `_CRS` whose value is a buffer; nil if it is made when it is read.
    public func resources(of object: AMLObject) throws(FormatError) -> [AMLResource]? {
        guard object.kind == .name, object.segment == "_CRS", case .buffer(let range)? = object.value else {
            return nil
        }
        return try table.bytes.withReader(source: "\(table.signature) \(object.path)") { (reader) throws(FormatError) in
            var window = try reader.window(at: range.lowerBound, count: range.count, "_CRS")
            return try AMLResource.list(parsing: &window)
        }
    }
}
