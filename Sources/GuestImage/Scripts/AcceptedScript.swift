private import Bytes
internal import Documents
internal import Packages

/// A maintainer script that a definition accepts as not run: `root.scripts`.
///
/// It is accepted by its digest: once it changes, somebody has to read it again.
public struct AcceptedScript: Sendable, Hashable {
    public var package: String
    public var script: Script
    /// SHA-256 of the script, lower-case hex.
    public var sha256: String
    /// Why nothing is missed.
    public var reason: String

    /// The scripts that would run when the package is installed.
    public enum Script: String, Sendable, Hashable, CaseIterable {
        case preinst, postinst

        var kind: MaintainerScript.Kind {
            switch self {
            case .preinst: .preinst
            case .postinst: .postinst
            }
        }
    }
}

extension AcceptedScript {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        package = try decoder.string("package")
        guard isPackageName(package) else {
            throw decoder.error("package", "found '\(package)', expected the name of a package")
        }
        script = try decoder.choice("script")
        sha256 = try decoder.hex("sha256", count: 32).hex
        reason = try decoder.string("reason")
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw decoder.error("reason", "is empty; say why the script is not missed")
        }
        try decoder.finish()
    }

    var document: Value {
        .object([
            ("package", .string(package)), ("script", .string(script.rawValue)), ("sha256", .string(sha256)),
            ("reason", .string(reason)),
        ])
    }

    static let schema = JSONSchema.object([
        ("package", .package), ("script", .choice(Script.self)), ("sha256", .hex(32)),
        ("reason", .text("Why the script is not missed.", pattern: "\\S")),
    ])
}
