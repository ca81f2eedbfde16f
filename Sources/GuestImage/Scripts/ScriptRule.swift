internal import DiskFormats
private import Hashing
public import Packages

/// What stands for one maintainer script, which is never run: what it would have done, and what does that here.
///
/// A rule knows the scripts that somebody has read by their digests; a script that changed is unknown again.
public struct ScriptRule: Sendable, Hashable {
    /// A name that a script chooses a program for (update-alternatives(1)).
    struct Alternative: Sendable, Hashable {
        var name: String
        /// The path by which it is called.
        var link: FileTree.Path
        /// The program that the script gives it.
        var path: FileTree.Path
    }

    /// A file or link that the script makes the same on every system.
    struct Default: Sendable, Hashable {
        enum Source: Sendable, Hashable {
            /// A copy of a file of the package.
            case copy(FileTree.Path)
            case text(String)
            case link(String)
        }

        var path: FileTree.Path
        var source: Source
        var mode: UInt16 = 0o644
    }

    public var package: String
    public var kind: MaintainerScript.Kind
    /// SHA-256 of the scripts that the rule stands for, lower-case hex.
    public var digests: [String]
    /// What the script does, and why that is not missed or what does it here.
    public var reason: String
    /// Paths that programs of the image look for and the script would have made: every image with the package must
    /// have them.
    var makes: [FileTree.Path]
    var alternatives: [Alternative]
    /// What is made here, unless the definition has something at the path.
    var defaults: [Default]

    init(
        _ package: String, _ kind: MaintainerScript.Kind, _ digests: String..., reason: String,
        makes: [FileTree.Path] = [], alternatives: [Alternative] = [], defaults: [Default] = []
    ) {
        self.package = package
        self.kind = kind
        self.digests = digests
        self.reason = reason
        self.makes = makes
        self.alternatives = alternatives
        self.defaults = defaults
    }

    /// All rules.
    public static let all: [ScriptRule] = base + libraries + systemd + tools

    /// The rule for a script of a package.
    static func rule(for script: MaintainerScript, of package: String) -> ScriptRule? {
        all.first {
            $0.package == package && $0.kind == script.kind && $0.digests.contains(script.sha256.hex)
        }
    }

    /// Why scripts of a kind need no rule each; nil for the kinds that do.
    static func reason(for kind: MaintainerScript.Kind) -> String? {
        switch kind {
        case .preinst, .postinst: nil
        case .prerm, .postrm: "would run when the package is removed or replaced, which happens in no image"
        case .config: "asks questions whose answers the other scripts read"
        case .triggers:
            "tells other packages' scripts that files have changed; what stands for them sees the whole tree"
        }
    }
}
