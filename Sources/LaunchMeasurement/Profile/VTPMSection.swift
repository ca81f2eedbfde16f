import Documents

/// What a profile for a virtual TPM says beside the common part.
public struct VTPMSection: Hashable, Sendable {
    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {}

    var document: Value { .object([(String, Value)]()) }
}
