import ArgumentParser
import Files
import GuestImage
import Packages
import Transport

/// Which image is meant and how a registry is asked, the same for every command that reads one.
struct OCIOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("PATH[@DIGEST] or HOST/NAME@DIGEST.", valueName: "image"))
    var image: String

    @Option(help: ArgumentHelp("OS/ARCHITECTURE[/VARIANT] to choose from an index.", valueName: "platform"))
    var platform = "linux/amd64"

    @Option(
        name: .customLong("registry-config"),
        help: ArgumentHelp(
            "File with 'auths' of registries; else $DOCKER_CONFIG/config.json or ~/.docker/config.json if there is one.",
            valueName: "file"))
    var registryConfiguration: String?

    @Option(help: ArgumentHelp("Folder that keeps what a registry gave.", valueName: "folder"))
    var cache: String?

    /// The image and the reader that has found it. Only what comes from a registry is kept.
    func open() throws -> (reader: OCIImageReader, image: OCIImage) {
        guard let wanted = OCIPlatform(platform) else {
            throw CommandFailure("--platform: found '\(platform)', expected OS/ARCHITECTURE such as linux/amd64")
        }
        let reference = try OCIReference(parsing: image)
        let credentials = try Self.credentials(registryConfiguration)
        let source = try reference.open(credentials: credentials)
        let store = try reference.isRegistry ? (cache ?? ContentStore.defaultPath).map { try ContentStore($0) } : nil
        let reader = OCIImageReader(source: source, stored: OCIStoredBlobs(cache: store))
        guard let digest = reference.digest else { return (reader, try reader.onlyImage(platform: wanted)) }
        return (reader, try reader.image(digest, platform: wanted))
    }

    /// The registries' passwords of a file, or of the user's own one.
    static func credentials(_ path: String?) throws -> RegistryCredentials {
        guard let path = path ?? RegistryCredentials.defaultPath else { return RegistryCredentials() }
        return try RegistryCredentials(path: path)
    }

    /// Gives `body` an unpacker of the image, whose scratch files are removed afterwards.
    func withTree<Result>(_ body: (OCIRootTree, OCIImage) throws -> Result) throws -> Result {
        let (reader, image) = try open()
        let scratch = try FileSystem.temporaryDirectory(
            beside: (FileSystem.environment("TMPDIR") ?? "/tmp") + "/assay-oci")
        defer { try? FileSystem.remove(scratch) }
        return try body(
            OCIRootTree(reader: reader, image: image, scratch: scratch, progress: Console.progress), image)
    }
}
