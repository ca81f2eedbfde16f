import ArgumentParser
import Bytes
import Documents
import Files
import GuestImage
import Packages
import ReferenceValues
import Release
import Signing

/// How values are published; the same for `publish` and `release`.
struct PublishOptions: ParsableArguments {
    @Option(help: ArgumentHelp("File of a private key that signs; may be repeated.", valueName: "file"))
    var key: [String] = []
    @OptionGroup var passphrase: PassphraseOptions
    @Option(help: "Channel that the values are for; `development` for a key made on the spot.")
    var channel: String
    @Option(
        help: ArgumentHelp(
            "Folder that gets NAME-VERSION.assay; the build's parent if not given.", valueName: "directory"))
    var bundleDirectory: String?
    @Option(help: ArgumentHelp("Also write the canonical statement, unsigned, to this file.", valueName: "file"))
    var statement: String?
    @Option(help: "Repository that the sources are published in; goes with --source-commit.")
    var sourceRepository: String?
    @Option(help: "Commit of the sources.")
    var sourceCommit: String?
    @Option(
        help: ArgumentHelp(
            "Also write a trust policy that accepts this development bundle, with every waiver spelt out.",
            valueName: "file"))
    var writeDevelopmentTrust: String?
    @Option(
        help: ArgumentHelp(
            "Folder of published values; the statement is compared with NAME/VERSION/statement.json in it.",
            valueName: "directory"))
    var published = "measurements"
    @Option(help: ArgumentHelp("Also write the report, as --json prints it, to this file.", valueName: "file"))
    var report: String?
    @Flag(help: "Say that locked files are gone and the lock was made anew, so published values cannot come out.")
    var inputsGone = false
    @Flag(help: "Go on although the package indexes that prove the lock are gone; the statement says so.")
    var allowUnverifiedArchive = false

    func validate() throws {
        guard (sourceRepository == nil) == (sourceCommit == nil) else {
            throw ValidationError("--source-repository and --source-commit go together")
        }
        guard !inputsGone || channel == ReferenceStatement.Image.developmentChannel else {
            throw ValidationError("--inputs-gone: values of another lock are for the channel 'development' only")
        }
        guard !key.isEmpty else { throw ValidationError("no --key: a bundle without a signature proves nothing") }
    }

    /// What was published.
    struct Published {
        var bundle: String
        var statement: ReferenceStatement
        var remarks: [String]
        var values: PublishedValues
    }

    /// From a build to its bundle: measured under `profiles`, stated, signed.
    func release(
        _ image: ImageFolder, build: String, _ profiles: PlatformOptions, sources: PackageSources
    ) throws -> ReleaseReport {
        let artifacts = try BuiltArtifacts(build)
        let platforms = try profiles.measure(artifacts, sources: sources)
        let published = try publish(image, artifacts, platforms, sources: sources)
        let made = ReleaseReport(published, artifacts: artifacts, platforms: platforms)
        if let report { try OutputFile.write(Array(ReadableJSON.encode(made.document).utf8), to: report) }
        return made
    }

    /// Statement, envelope, bundle.
    private func publish(
        _ image: ImageFolder, _ artifacts: BuiltArtifacts, _ platforms: [MeasuredPlatform], sources: PackageSources
    ) throws -> Published {
        let lock = try LockFolder(image.path).require()
        let chain = try ProvenChain(
            lock, folder: image.path, keys: image.definition.archive.keys, sources: sources)
        let isDevelopment = channel == ReferenceStatement.Image.developmentChannel
        guard chain.state == .verified || isDevelopment || allowUnverifiedArchive else {
            throw CommandFailure(
                "the lock's packages cannot be walked back to the archive's keys: "
                    + chain.remarks.joined(separator: "; "),
                outcome: .no,
                hint: "run 'assay lock --update', or say --allow-unverified-archive and the statement will say so")
        }
        let source = sourceRepository.flatMap { repository in
            sourceCommit.map { Inputs.Source(repository: repository, commit: $0) }
        }
        let publication = try Publication(
            imageFolder: image.path, artifacts: artifacts, platforms: platforms, channel: channel, chain: chain,
            source: source)
        for path in publication.inputs.strays {
            Console.warning(
                "\(path): nothing names this file; it is no input of the release", hint: "remove it if it is not needed"
            )
        }
        let keys = try key.map { try KeyFile.privateKey(at: $0, passphrase: passphrase.value()) }
        let folder = bundleDirectory ?? FileSystem.parent(of: artifacts.folder)
        try FileSystem.makeDirectory(folder)
        let written = try publication.statement()
        let bundle = try publication.writeBundle(into: folder, signedBy: keys)
        if let statement { try OutputFile.write(written.encoded(), to: statement) }
        if let writeDevelopmentTrust, let first = keys.first {
            // A month: long enough to look at, short enough to be no habit.
            let expires = Timestamp(seconds: Timestamp.now.seconds + 30 * 86_400)
            let policy = DevelopmentPolicy(key: first.publicKey, accepting: written, expires: expires)
            try OutputFile.write(Array(policy.text.utf8), to: writeDevelopmentTrust)
        }
        return Published(
            bundle: bundle, statement: written, remarks: chain.remarks,
            values: inputsGone ? .inputsGone : try PublishedValues(written, in: self.published))
    }
}
