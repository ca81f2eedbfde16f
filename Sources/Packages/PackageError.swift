public import Bytes

/// A package, an index or a lock that cannot be used, as one sentence.
public struct PackageError: ExplainedError, Equatable {
    /// What it is about: a package, a suite, a file.
    public var subject: String
    public var problem: String
    public var hint: String?
    public var outcome: Outcome

    public init(_ subject: String, _ problem: String, outcome: Outcome = .unusable, hint: String? = nil) {
        self.subject = subject
        self.problem = problem
        self.outcome = outcome
        self.hint = hint
    }

    public var description: String { "\(subject): \(problem)" }
}
