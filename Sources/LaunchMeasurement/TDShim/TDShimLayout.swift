/// What a build of td-shim measures.
///
/// That a file is td-shim shows in its metadata; with which of its features it was built does not, so that a build
/// without some of the events is named by whoever made it.
public struct TDShimLayout: Hashable, Sendable {
    /// Name, which `--layout` takes.
    public var name: String
    /// Where it came from: the firmware's file, or the name that was given.
    public var origin: String
    /// The hand-off blocks.
    public var measuresHandoff: Bool
    /// The payload, its parameters, and what secure boot takes.
    public var measuresPayload: Bool

    /// The names that there are: all features, and builds with `no-td-hob` and `no-acpi-ccel`.
    public static let names = ["td-shim", "td-shim-no-td-hob", "td-shim-no-acpi-ccel"]

    /// A layout by name; nil for other words.
    public init?(name: String) {
        guard Self.names.contains(name) else { return nil }
        self.name = name
        origin = "given as \(name)"
        measuresHandoff = name == Self.names[0]
        measuresPayload = name != Self.names[2]
    }

    /// The layout of an image that has td-shim's metadata.
    public static var found: TDShimLayout {
        TDShimLayout(
            name: names[0], origin: "found in the firmware's file: td-shim's pointer to TDX metadata",
            measuresHandoff: true, measuresPayload: true)
    }

    private init(name: String, origin: String, measuresHandoff: Bool, measuresPayload: Bool) {
        self.name = name
        self.origin = origin
        self.measuresHandoff = measuresHandoff
        self.measuresPayload = measuresPayload
    }
}
