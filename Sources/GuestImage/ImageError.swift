public import Bytes

/// Why an image cannot be made from its definition and packages: what it is about, what is wrong, what to do.
public struct ImageError: ExplainedError, Equatable {
    /// The path, package or artifact at fault.
    public var subject: String
    public var problem: String
    public var hint: String?
    public var outcome: Outcome

    public init(_ subject: String, _ problem: String, hint: String? = nil, outcome: Outcome = .unusable) {
        self.subject = subject
        self.problem = problem
        self.hint = hint
        self.outcome = outcome
    }

    public var description: String { "\(subject): \(problem)" }
}
