import Files

/// The `assay` binary of the same build, for tests of what a user sees.
public enum BuiltProgram {
    /// Its path; it lies beside the test bundle.
    public static var path: String {
        get throws {
            for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
                let candidate = FileSystem.parent(of: argument) + "/assay"
                if FileSystem.exists(candidate) { return candidate }
            }
            let candidate = FileSystem.parent(of: CommandLine.arguments[0]) + "/assay"
            guard FileSystem.exists(candidate) else {
                throw TestFailure("assay is not built beside \(CommandLine.arguments)")
            }
            return candidate
        }
    }

    /// Runs it and gives status, output and errors.
    public static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Subprocess.Result {
        try Subprocess(path, arguments, environment: environment).run()
    }
}
