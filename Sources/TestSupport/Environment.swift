import Files

/// What a test needs from outside the package, found by environment or on PATH.
public enum Outside {
    /// The folder of known answers (`ASSAY_VECTORS`); nil where it is not set.
    public static var vectors: String? { directory("ASSAY_VECTORS") }
    /// The folder of pinned packages (`ASSAY_POOL`); nil where it is not set.
    public static var pool: String? { directory("ASSAY_POOL") }
    /// The folder of packages that `ci/setup --test` fetched (`ASSAY_TEST_PACKAGES`); nil where it is not set.
    public static var testPackages: String? { directory("ASSAY_TEST_PACKAGES") }

    /// Whether a program is installed; a test that needs it is skipped by that name.
    public static func has(_ program: String) -> Bool { Subprocess.find(program) != nil }

    private static func directory(_ variable: String) -> String? {
        guard let path = FileSystem.environment(variable), FileSystem.exists(path) else { return nil }
        return path
    }
}
