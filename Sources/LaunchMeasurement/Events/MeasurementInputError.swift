public import Bytes

/// Something that a measurement needs is missing or does not suit its profile.
public struct MeasurementInputError: ExplainedError, Equatable {
    public var problem: String
    public var hint: String?

    public init(_ problem: String, hint: String? = nil) {
        self.problem = problem
        self.hint = hint
    }

    /// An artifact or blob that was not given.
    init(missing name: String) {
        problem = "\(name): not given, but the profile's events hash it"
        hint = "build the image first, or give the file by its option"
    }

    public var description: String { problem }
    public var outcome: Outcome { .unusable }
}
