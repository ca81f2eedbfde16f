/// An error that a person can act on; the command line prints the sentence, then the hint.
public protocol ExplainedError: Error, CustomStringConvertible {
    /// What to do about it.
    var hint: String? { get }
    /// What the failure means for whoever asked; it decides the exit code.
    var outcome: Outcome { get }
}

/// What a failure means (design, §7); the raw value is the exit code.
public enum Outcome: Int32, Sendable {
    /// The question was answered, and the answer is no: mismatch, verification failed.
    case no = 1
    /// The input or the command line cannot be used.
    case unusable = 2
    /// The machine lacks something: a tool, the network, space.
    case environment = 3
}

extension FormatError: ExplainedError {
    public var outcome: Outcome { .unusable }
}
