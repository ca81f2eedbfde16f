import Documents

/// What a profile for Intel TDX says beside the common part.
public struct TDXSection: Hashable, Sendable {
    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {}

    var document: Value { .object([(String, Value)]()) }
}
