internal import Documents
public import Hashing
public import Transport

/// One binary package that an image is made from, pinned by its hash.
public struct LockedPackage: Sendable, Hashable {
    public var name: String
    public var version: String
    /// Debian's name, `all` for packages that fit every machine.
    public var architecture: String
    /// The source package that it was built from, and its version.
    public var source: String
    public var sourceVersion: String
    /// Where the archive keeps it: `pool/main/…`, relative to the archive's address.
    public var path: String
    public var byteCount: Int
    public var sha256: Digest
    /// The archive, suite and component whose index lists it.
    public var archive: String
    public var suite: String
    public var component: String
    /// Locked alone, without what it depends on.
    public var isExtra: Bool

    /// The package as something to fetch.
    public var file: PinnedFile {
        // apt keeps packages under name_version_architecture, the colon of an epoch encoded.
        let encoded = version.split(separator: ":", omittingEmptySubsequences: false).joined(separator: "%3a")
        return PinnedFile(
            title: "package \(name) \(version) (\(suite))", path: path,
            otherNames: ["\(name)_\(encoded)_\(architecture).deb"], byteCount: byteCount, digest: sha256)
    }
}

extension LockedPackage {
    var document: Value {
        .object([
            ("name", .string(name)), ("version", .string(version)), ("architecture", .string(architecture)),
            ("source", .string(source)), ("sourceVersion", .string(sourceVersion)), ("path", .string(path)),
            ("size", .count(byteCount)), ("sha256", .string(sha256.hex)), ("archive", .string(archive)),
            ("suite", .string(suite)), ("component", .string(component)), ("extra", .bool(isExtra)),
        ])
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        name = try decoder.string("name")
        version = try decoder.string("version")
        architecture = try decoder.string("architecture")
        source = try decoder.string("source")
        sourceVersion = try decoder.string("sourceVersion")
        path = try decoder.relativePath("path")
        byteCount = try decoder.integer("size", in: 1...(1 << 40))
        sha256 = try decoder.sha256("sha256")
        archive = try decoder.string("archive")
        suite = try decoder.string("suite")
        component = try decoder.string("component")
        isExtra = try decoder.bool("extra")
        try decoder.finish()
    }

    /// A package from its stanza in an index (Debian wiki, repository format; deb822).
    init(
        stanza: ControlStanza, index: LockedIndex, of suite: LockedSuite, isExtra: Bool, named source: String
    ) throws {
        name = try stanza.require("Package", source: source)
        version = try stanza.require("Version", source: source)
        architecture = try stanza.require("Architecture", source: source)
        path = try stanza.require("Filename", source: source)
        (self.source, sourceVersion) = Self.origin(stanza["Source"], name: name, version: version)
        guard let size = Int(try stanza.require("Size", source: source)), size > 0,
            let digest = Digest(.sha256, hex: try stanza.require("SHA256", source: source))
        else { throw PackageError(source, "the stanza of \(name) has no usable Size and SHA256") }
        byteCount = size
        sha256 = digest
        archive = suite.archive
        self.suite = suite.name
        component = index.component
        self.isExtra = isExtra
    }

    /// Field `Source` is absent where source and binary agree, and names a version only where that differs.
    private static func origin(
        _ field: String?, name: String, version: String
    ) -> (name: String, version: String) {
        guard let field else { return (name, version) }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard let source = parts.first else { return (name, version) }
        guard parts.count == 2, parts[1].hasPrefix("("), parts[1].hasSuffix(")") else {
            return (String(source), version)
        }
        return (String(source), String(parts[1].dropFirst().dropLast()))
    }
}

extension ObjectDecoder {
    /// A SHA-256 in lower-case hex.
    mutating func sha256(_ key: String) throws(DocumentError) -> Digest {
        let bytes = try hex(key, count: HashAlgorithm.sha256.byteCount)
        guard let digest = Digest(.sha256, bytes: bytes) else { throw error(key, "expected 64 hex digits") }
        return digest
    }

    /// A path below some folder: relative, without `..` and empty parts.
    mutating func relativePath(_ key: String) throws(DocumentError) -> String {
        let text = try string(key)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            throw error(key, "found '\(text)', expected a relative path without '.', '..' or empty parts")
        }
        return text
    }
}
