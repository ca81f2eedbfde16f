public import Documents

/// JSON Schema of the documents of this module, for editors and for readers in other languages.
///
/// What a decoder checks beyond the form (thresholds, distinct keys, the canonical encoding) stands in the descriptions.
public enum Schema: String, Sendable, CaseIterable {
    case trust, reference

    /// The schema as a document.
    public var document: Value {
        switch self {
        case .trust: JSONSchema.trustForm.document(named: rawValue)
        case .reference: JSONSchema.referenceForm.document(named: rawValue)
        }
    }
}

extension JSONSchema {
    static let word = text(pattern: "^[A-Za-z0-9][A-Za-z0-9._+~:@%=,-]{0,79}$")
    static let file = text("A relative name of at most 240 bytes.", pattern: "^[A-Za-z0-9._+~:@%=,/-]+$")
}
