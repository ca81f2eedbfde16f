public import Bytes

extension DocumentError: ExplainedError {
    public var outcome: Outcome { .unusable }
}
