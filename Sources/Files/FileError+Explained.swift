public import Bytes

extension FileError: ExplainedError {
    /// A path that is not there, or leads to something of another kind, is the caller's; everything else is the machine's.
    public var outcome: Outcome { isInput ? .unusable : .environment }
}
