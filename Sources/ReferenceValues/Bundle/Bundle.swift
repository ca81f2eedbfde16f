private import Bytes
private import Documents
private import Files
private import Hashing
public import Signing

/// A bundle about to be written: the envelope and everything that an offline check or a rebuild needs.
///
///     NAME-VERSION.assay/
///       bundle.json             every file with size and SHA-256
///       reference.dsse.json     the signed statement
///       artifacts.json          a subject of the statement; others may lie beside it under their names
///       traces/…                each named in the statement by its SHA-256
///       inputs/…                every input file of the statement under its repository path
///       profiles/NAME.json      the canonical JSON of each platform profile
public struct Bundle: Sendable {
    public let statement: ReferenceStatement
    private var files: [(name: String, bytes: [UInt8])] = []

    /// An empty bundle for a statement.
    public init(statement: ReferenceStatement) { self.statement = statement }

    /// Adds an artifact, e.g. `artifacts.json`; its name and digest must be among the statement's subjects.
    public mutating func add(artifact name: String, _ bytes: [UInt8]) { files.append((name, bytes)) }

    /// Adds a trace document; `name` is for people, e.g. `PLATFORM/vcpus=4.json`.
    public mutating func add(trace name: String, _ bytes: [UInt8]) { files.append((Self.traceFolder + name, bytes)) }

    /// Adds an input file by its name in the statement.
    public mutating func add(input name: String, _ bytes: [UInt8]) { files.append((Self.inputFolder + name, bytes)) }

    /// Adds the canonical JSON of the profile `name`.
    public mutating func add(profile name: String, _ bytes: [UInt8]) { files.append((Self.profileName(name), bytes)) }

    static let traceFolder = "traces/"
    static let inputFolder = "inputs/"
    static let profileFolder = "profiles/"
    static func profileName(_ profile: String) -> String { "\(profileFolder)\(profile).json" }

    /// Signs the statement with `keys` and writes the bundle into `folder` as `NAME-VERSION.assay`, whole or not at all; a
    /// bundle of that name is replaced. Gives the bundle's path.
    public func write(into folder: String, signedBy keys: [PrivateKey]) throws -> String {
        var envelope = Envelope(payloadType: Envelope.statementType, payload: try statement.encoded())
        for key in keys { try envelope.sign(with: key) }
        let all = files + [(name: BundleManifest.envelopeName, bytes: try envelope.encoded())]
        let manifest = try BundleManifest(
            image: statement.image.name, version: statement.image.version,
            files: all.map { .init(name: $0.name, size: $0.bytes.count, sha256: .of($0.bytes, .sha256)) })
        let path = folder + "/" + manifest.folderName
        try FileSystem.removeLeftovers(beside: path)
        let scratch = try FileSystem.temporaryDirectory(beside: path)
        do {
            for (name, bytes) in all + [(name: BundleManifest.fileName, bytes: try manifest.encoded())] {
                let target = scratch + "/" + name
                try FileSystem.makeDirectory(FileSystem.parent(of: target))
                try OutputFile.write(bytes, to: target)
            }
            try FileSystem.replaceDirectory(path, with: scratch)
        } catch {
            // The first failure is the one to tell; what the removal says would hide it.
            try? FileSystem.remove(scratch)
            throw error
        }
        return path
    }
}
