public import Archives
internal import Bytes
private import Hashing

/// A binary package (deb(5)) read from memory: `debian-binary`, `control.tar*`, `data.tar*`. Its scripts are hashed,
/// never run.
public struct DebianPackage: Sendable {
    /// The file's name, for errors.
    public let source: String
    /// The fields of `control`.
    public let control: ControlStanza
    /// Field `Package`.
    public let name: String
    /// Field `Version`.
    public let version: String
    /// Field `Architecture`.
    public let architecture: String
    /// Its maintainer scripts by digest, in the order of their kinds.
    public let scripts: [MaintainerScript]
    private let bytes: [UInt8]
    private let data: Range<Int>
    private let compression: Compression

    /// What a package may unpack to: far above any in Debian, far below what harms.
    public static let expansionLimits = ExpansionLimits(byteCount: 4 << 30, ratio: 1000, entryCount: 500_000)
    private static let controlLimits = ExpansionLimits(byteCount: 64 << 20, ratio: 1000, entryCount: 1000)

    /// Reads the container and `control`; the files stay packed.
    public init(_ bytes: [UInt8], source: String) throws {
        var members = try UnixArchive.members(of: bytes, source: source)[...]
        guard let version = members.popFirst(), version.name == "debian-binary",
            bytes[version.range].starts(with: "2.".utf8)
        else {
            throw FormatError(
                source: source, offset: 8, field: "first member", found: "",
                expected: "debian-binary with version 2.x")
        }
        // deb(5): members whose names start with an underscore may be passed over.
        let known = members.filter { !$0.name.hasPrefix("_") }
        guard known.count == 2 else {
            throw FormatError(
                source: source, field: "members", found: known.map(\.name).joined(separator: ", "),
                expected: "control.tar and data.tar")
        }
        let controlForm = try Self.compression(of: known[0], "control.tar", source)
        compression = try Self.compression(of: known[1], "data.tar", source)
        data = known[1].range
        (control, scripts) = try Self.control(Array(bytes[known[0].range]), controlForm, source)
        name = try control.require("Package", source: source)
        self.version = try control.require("Version", source: source)
        architecture = try control.require("Architecture", source: source)
        self.bytes = bytes
        self.source = source
    }

    private static func compression(
        of member: UnixArchive.Member, _ stem: String, _ source: String
    ) throws(FormatError) -> Compression {
        for (suffix, compression) in [("", Compression.none), (".gz", .gzip), (".xz", .xz), (".zst", .zstd)]
        where member.name == stem + suffix { return compression }
        throw FormatError(
            source: source, field: "member", found: member.name, expected: "\(stem), perhaps .gz, .xz or .zst")
    }

    private static func control(
        _ bytes: [UInt8], _ compression: Compression, _ source: String
    ) throws -> (ControlStanza, [MaintainerScript]) {
        var files: [String: [UInt8]] = [:]
        let name = source + ": control.tar"
        try TarArchive.forEachEntry(in: bytes, compression: compression, source: name, limits: controlLimits) {
            entry, reader in
            let path = String(
                decoding: entry.path.starts(with: "./".utf8) ? entry.path.dropFirst(2) : entry.path[...], as: UTF8.self)
            guard path == "control" || MaintainerScript.Kind(rawValue: path) != nil else { return }
            guard files[path] == nil else {
                throw FormatError(source: name, field: path, found: "two", expected: "one")
            }
            files[path] = try reader.contents()
        }
        guard let control = files["control"] else {
            throw FormatError(source: name, field: "control", found: "", expected: "a file of this name")
        }
        let scripts = MaintainerScript.Kind.allCases.compactMap { kind in
            files[kind.rawValue].map { MaintainerScript(kind: kind, sha256: .of($0, .sha256)) }
        }
        return (try ControlStanza.single(control, source: source + ": control"), scripts)
    }

    /// Gives `body` every entry in packed order, checked by `PackageEntryFilter`'s rules, one file's bytes at a time.
    ///
    /// The root directory's own entry is left out, and so is the second of two entries for one directory.
    public func forEachEntry(
        limits: ExpansionLimits = expansionLimits, _ body: (PackageEntry) throws -> Void
    ) throws {
        let name = source + ": data.tar"
        var filter = PackageEntryFilter(source: name)
        try TarArchive.forEachEntry(
            in: Array(bytes[data]), compression: compression, source: name, limits: limits
        ) { entry, reader in
            guard let path = try filter.accept(entry) else { return }
            let kind: PackageEntry.Kind =
                switch entry.kind {
                case .file: .file(try reader.contents())
                case .symlink(let target): .symlink(target)
                case .hardLink(let target): .hardLink(try filter.linkTarget(target, of: entry))
                default: .directory
                }
            try body(
                PackageEntry(
                    path: path, kind: kind, mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime))
        }
    }

    /// Every entry with its bytes.
    public func entries(limits: ExpansionLimits = expansionLimits) throws -> [PackageEntry] {
        var entries: [PackageEntry] = []
        try forEachEntry(limits: limits) { entries.append($0) }
        return entries
    }
}
