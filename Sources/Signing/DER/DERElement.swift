public import Bytes

/// One DER element: tag, length and content (X.690, §8 and §10).
///
/// It is read by schema, one level at a time, so nesting costs no stack. What BER allows beside DER is refused: long
/// forms of short lengths, indefinite lengths, tags above 30.
public struct DERElement: Hashable, Sendable {
    public let tag: DERTag
    /// The whole element.
    public let encoding: [UInt8]
    /// Bytes of tag and length.
    public let headerByteCount: Int
    /// Where it came from, and at which byte offset its tag stands there.
    public let source: String
    public let offset: Int

    /// The bytes after tag and length.
    public var content: ArraySlice<UInt8> { encoding[headerByteCount...] }
    /// Offset of the content in `source`.
    public var contentOffset: Int { offset + headerByteCount }

    init(tag: DERTag, encoding: [UInt8], headerByteCount: Int, source: String, offset: Int) {
        self.tag = tag
        self.encoding = encoding
        self.headerByteCount = headerByteCount
        self.source = source
        self.offset = offset
    }

    /// Reads `bytes` as one element of type `tag` and nothing after it.
    public init(
        _ bytes: some Collection<UInt8>, _ tag: DERTag, _ field: String, source: String, base: Int = 0
    ) throws(FormatError) {
        self = try Array(bytes).withReader(source: source, base: base) { reader throws(FormatError) in
            let element = try reader.der(field)
            try element.require(tag, field)
            try reader.finish(field)
            return element
        }
    }

    /// An error about this element's content.
    public func error(_ field: String, found: String, expected: String, hint: String? = nil) -> FormatError {
        FormatError(source: source, offset: offset, field: field, found: found, expected: expected, hint: hint)
    }

    func require(_ tag: DERTag, _ field: String) throws(FormatError) {
        guard self.tag == tag else { throw error(field, found: "\(self.tag)", expected: "\(tag)") }
    }

    /// The elements inside, to be read in order.
    public func fields(_ field: String) throws(FormatError) -> DERFields {
        guard tag.isConstructed else { throw error(field, found: "\(tag)", expected: "a constructed element") }
        return DERFields(content: Array(content), source: source, offset: contentOffset)
    }

    /// The one element inside an `[n] EXPLICIT`.
    public func explicit(_ tag: DERTag, _ field: String) throws(FormatError) -> DERElement {
        var fields = try fields(field)
        let inner = try fields.next(tag, field)
        try fields.finish(field)
        return inner
    }
}

/// The elements of a SEQUENCE or SET, taken in order as a schema names them.
public struct DERFields: Sendable {
    private let content: [UInt8]
    private let source: String
    private let offset: Int
    private var position = 0

    init(content: [UInt8], source: String, offset: Int) {
        self.content = content
        self.source = source
        self.offset = offset
    }

    /// Whether everything was taken.
    public var isAtEnd: Bool { position >= content.count }
    /// The next element's tag; nil at the end.
    public var nextTag: DERTag? { isAtEnd ? nil : DERTag(rawValue: content[position]) }

    /// Takes the next element, whatever its tag.
    public mutating func any(_ field: String) throws(FormatError) -> DERElement {
        let start = position
        let element = try content.withReader(source: source, base: offset) { reader throws(FormatError) in
            try reader.seek(to: start, field)
            return try reader.der(field)
        }
        position += element.encoding.count
        return element
    }

    /// Takes the next element, which must have this tag.
    public mutating func next(_ tag: DERTag, _ field: String) throws(FormatError) -> DERElement {
        let element = try any(field)
        try element.require(tag, field)
        return element
    }

    /// Takes the next element if it has this tag.
    public mutating func optional(_ tag: DERTag, _ field: String) throws(FormatError) -> DERElement? {
        nextTag == tag ? try any(field) : nil
    }

    /// Requires that everything was taken.
    public func finish(_ record: String) throws(FormatError) {
        guard isAtEnd else {
            throw FormatError(
                source: source, offset: offset + position, field: record,
                found: "\(content.count - position) bytes after its last field", expected: "the end")
        }
    }
}

extension ByteReader {
    /// Reads one DER element; its length must be in the shortest form and lie inside.
    public mutating func der(_ field: String) throws(FormatError) -> DERElement {
        let start = position
        let tag = DERTag(rawValue: try read(field))
        guard tag.rawValue & 0x1F != 0x1F else {
            throw error(field, found: "a tag of several bytes", expected: "a tag below 31", at: start)
        }
        let length = try derLength(field)
        let header = position - start
        guard length <= remaining else {
            throw error(field, found: "a length of \(length)", expected: "at most \(remaining) bytes", at: start)
        }
        let offset = base + start
        try seek(to: start, field)
        return DERElement(
            tag: tag, encoding: try bytes(header + length, field), headerByteCount: header, source: source,
            offset: offset)
    }

    private mutating func derLength(_ field: String) throws(FormatError) -> Int {
        let start = position
        let first = try read(field, as: UInt8.self)
        guard first >= 0x80 else { return Int(first) }
        let count = Int(first & 0x7F)
        guard (1...4).contains(count) else {
            throw error(
                field, found: count == 0 ? "an indefinite length" : "a length of \(count) bytes",
                expected: "a definite length of at most 4 bytes", at: start)
        }
        let length = try bytes(count, field).reduce(0) { $0 << 8 | Int($1) }
        // The shortest form: no leading zero, and no second form for what fits one byte.
        guard length >= 0x80, length >> (8 * (count - 1)) != 0 else {
            throw error(field, found: "a padded length", expected: "the shortest form (DER)", at: start)
        }
        return length
    }
}
