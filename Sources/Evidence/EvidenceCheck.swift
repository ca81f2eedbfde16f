public import Documents

/// One question about evidence, and its answer.
public struct EvidenceCheck: Hashable, Sendable {
    public enum Answer: String, Sendable, CaseIterable {
        case passed, failed
        /// Nobody asked, or there is nothing to ask: says why, and is no yes.
        case notAsked = "not-asked"
    }

    /// A short stable name, e.g. `report-signature`.
    public var name: String
    public var answer: Answer
    /// What was found, in words.
    public var detail: String
    /// What to do about a no.
    public var hint: String?

    init(_ name: String, _ answer: Answer, _ detail: String, hint: String? = nil) {
        self.name = name
        self.answer = answer
        self.detail = detail
        self.hint = hint
    }
}

/// What a verification of evidence found: every check, in order, not the first failure alone.
///
/// A yes says that the vendor's chain vouches for the evidence, not that what it reports is what anybody wanted: that is
/// what reference values are for.
public struct EvidenceVerdict: Hashable, Sendable {
    public internal(set) var checks: [EvidenceCheck] = []

    /// Whether the evidence is genuine: every question that has to be asked was, and nothing failed.
    public var isAccepted: Bool {
        !checks.contains { $0.answer == .failed }
            && required.allSatisfy { name in checks.contains { $0.name == name && $0.answer == .passed } }
    }

    /// Checks without which there is no yes.
    let required: [String]

    init(required: [String]) { self.required = required }

    mutating func add(_ name: String, _ answer: EvidenceCheck.Answer, _ detail: String, hint: String? = nil) {
        checks.append(EvidenceCheck(name, answer, detail, hint: hint))
    }

    /// Adds a check that passed, or failed with all its reasons.
    mutating func add(_ name: String, _ problems: [String], otherwise detail: String, hint: String? = nil) {
        if problems.isEmpty {
            add(name, .passed, detail)
        } else {
            add(name, .failed, problems.joined(separator: "; "), hint: hint)
        }
    }

    /// The verdict for machines.
    public var document: Value {
        .object([
            ("accepted", .bool(isAccepted)),
            (
                "checks",
                .array(
                    of: checks.map { check in
                        var members: [(String, Value)] = [
                            ("name", .string(check.name)), ("answer", .string(check.answer.rawValue)),
                            ("detail", .string(check.detail)),
                        ]
                        if let hint = check.hint { members.append(("hint", .string(hint))) }
                        return .object(members)
                    })
            ),
        ])
    }
}
