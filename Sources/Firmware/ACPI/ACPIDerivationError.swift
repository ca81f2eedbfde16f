public import Bytes

/// Why tables cannot be derived by rule: the machine has something that no rule with proof covers.
public struct ACPIDerivationError: ExplainedError, Equatable {
    /// Table and object that stand in the way.
    public var subject: String
    /// What was found, and what the rule knows.
    public var problem: String

    public init(_ subject: String, _ problem: String) {
        self.subject = subject
        self.problem = problem
    }

    public var outcome: Outcome { .unusable }
    public var hint: String? { "capture the tables from QEMU for this machine instead of deriving them" }
    public var description: String { "\(subject): \(problem)" }
}
