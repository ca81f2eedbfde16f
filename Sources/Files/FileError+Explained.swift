public import Bytes
private import Glibc

extension FileError: ExplainedError {
    /// A path that is not there is the caller's; everything else is the machine's.
    public var outcome: Outcome { [ENOENT, ENOTDIR, EISDIR].contains(code) ? .unusable : .environment }
}
