/// A version of QEMU, as far as rules depend on it: `10.0.13` counts as 10.0.
public struct QEMUVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var major, minor: Int

    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `10.0`, `10.0.13` or a package's version such as `1:10.0.13+ds-0`; nil for anything else.
    public init?(_ text: String) {
        let version = text.split(separator: ":").last ?? ""
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, let major = Int(first), (0...999).contains(major), parts.count >= 2 else {
            return nil
        }
        let digits = parts[1].prefix { $0.isNumber && $0.isASCII }
        guard let minor = Int(digits), (0...999).contains(minor) else { return nil }
        self.init(major: major, minor: minor)
    }

    public static func < (a: QEMUVersion, b: QEMUVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
    public var description: String { "\(major).\(minor)" }
}
