/// Why bytes were refused: which file, where in it, which field, what was there and what should have been.
///
/// It holds facts; the sentence is made once, in `description`, so that every reader of the project speaks alike:
/// `ovmf.fd+0x60: PAGE_INFO.LENGTH: found 0x0, expected 0x70`.
public struct FormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// File or stream the bytes came from, as the user named it.
    public var source: String
    /// Byte offset in `source`, where one is known.
    public var offset: Int?
    /// Field, record or key by its name in the specification.
    public var field: String
    /// What was found; empty if nothing can be shown.
    public var found: String
    /// What would have been right.
    public var expected: String
    /// What the user can do about it.
    public var hint: String?

    /// An error at `offset` of `source`.
    public init(
        source: String, offset: Int? = nil, field: String, found: String, expected: String, hint: String? = nil
    ) {
        self.source = source
        self.offset = offset
        self.field = field
        self.found = found
        self.expected = expected
        self.hint = hint
    }

    public var description: String {
        var text = source
        if let offset { text += "+" + hexadecimal(UInt64(clamping: offset)) }
        text += ": \(field): "
        text += found.isEmpty ? "expected \(expected)" : "found \(found), expected \(expected)"
        return text
    }
}
