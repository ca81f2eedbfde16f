import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
public import Packages
public import ReferenceValues
public import Signing
import Trace

/// Takes a build and its measurements to a statement, and the statement to a signed bundle.
public struct Publication: Sendable {
    public var artifacts: BuiltArtifacts
    public var platforms: [MeasuredPlatform]
    /// `development`, or the channel that the publisher's key may speak for.
    public var channel: String
    public let inputs: ReleaseInputs
    public let archiveChain: ReferenceStatement.ArchiveChain
    /// Where the sources are published; a statement that lies in the sources cannot name their commit.
    public var source: Inputs.Source?

    /// - Parameter chain: the state of the lock's signed chain, with the index files that prove it.
    public init(
        imageFolder: String, artifacts: BuiltArtifacts, platforms: [MeasuredPlatform], channel: String,
        chain: ProvenChain, source: Inputs.Source? = nil
    ) throws {
        self.artifacts = artifacts
        self.platforms = platforms
        self.channel = channel
        self.source = source
        archiveChain = chain.state
        var inputs = try ReleaseInputs(imageFolder: imageFolder, platforms: platforms.map(\.folder))
        for index in chain.indexes { inputs.add(index: ReleaseInputs.indexPrefix + index.name, index.bytes) }
        self.inputs = inputs
    }

    /// The canonical statement: the same bytes for everybody who has the same inputs.
    public func statement() throws -> ReferenceStatement {
        try ReferenceStatement(
            image: .init(
                name: artifacts.name, version: artifacts.version, variant: artifacts.variant, channel: channel),
            subjects: artifacts.subjects, inputs: inputs.inputs(source: source),
            formatRevisions: artifacts.formatRevisions, archiveChain: archiveChain,
            platforms: platforms.map { platform in
                try Platform(profile: platform.folder.profile.document, valueSets: platform.valueSets())
            })
    }

    /// Writes `NAME-VERSION.assay` below `folder`, signed by these keys; gives its path.
    public func writeBundle(into folder: String, signedBy keys: [PrivateKey]) throws -> String {
        var bundle = Bundle(statement: try statement())
        // Large artifacts stay where they are; the statement names them by hash.
        for name in ["cmdline", BuiltArtifacts.listName, "sbom.spdx.json", "provenance.json"] {
            guard artifacts.subjects.contains(where: { $0.name == name }) else { continue }
            bundle.add(artifact: name, try InputFile.contents(of: "\(artifacts.folder)/\(name)", limit: 16 << 20))
        }
        for platform in platforms {
            let name = platform.folder.profile.name
            bundle.add(trace: "\(name).json", try CanonicalJSON.encode(platform.trace.document))
            bundle.add(profile: name, try CanonicalJSON.encode(platform.folder.profile.document))
        }
        for item in inputs.items { bundle.add(input: item.name, item.bytes) }
        return try bundle.write(into: folder, signedBy: keys)
    }
}

/// The lock's way back to the archive's keys, as far as it could be walked.
public struct ProvenChain: Sendable {
    public var state: ReferenceStatement.ArchiveChain
    /// What people should know: why it is unverified, which key has expired.
    public var remarks: [String]
    /// The index files that the lock names by hash; empty where one is gone.
    public var indexes: [(name: String, bytes: [UInt8])]

    /// Walks the chain of the lock in `folder`.
    ///
    /// - Parameter keys: fingerprints that the definition pins.
    public init(_ lock: ImageLock, folder: String, keys: [String], sources: PackageSources) throws {
        switch try lock.verify(folder: folder, keys: keys, sources: sources) {
        case .verified(let notes):
            state = .verified
            remarks = notes
            indexes = try lock.indexFiles(sources: sources)
        case .unverified(let reasons):
            state = .unverified
            remarks = reasons
            indexes = []
        }
    }
}
