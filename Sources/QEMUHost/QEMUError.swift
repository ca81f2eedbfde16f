public import Bytes

/// Why a machine could not be captured.
public struct QEMUError: ExplainedError, Equatable {
    /// The program, as the user named it.
    public var program: String
    public var problem: String
    public var hint: String?

    public init(_ program: String, _ problem: String, hint: String? = nil) {
        self.program = program
        self.problem = problem
        self.hint = hint
    }

    public var description: String { "\(program): \(problem)" }
    public var outcome: Outcome { .environment }
}
