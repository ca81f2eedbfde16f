public import Bytes

/// A tree that cannot be written as EROFS: which path, and what is wrong with it.
public struct EROFSError: ExplainedError, Equatable {
    public var path: FileTree.Path
    public var problem: String
    public var hint: String?

    init(_ path: FileTree.Path, _ problem: String, hint: String? = nil) {
        self.path = path
        self.problem = problem
        self.hint = hint
    }

    static func changed(_ inode: EROFSInode, now count: Int) -> EROFSError {
        EROFSError(inode.path, "has \(count) bytes now and had \(inode.size) when the image was laid out")
    }

    public var description: String { "\(path): \(problem)" }
    public var outcome: Outcome { .unusable }
}
