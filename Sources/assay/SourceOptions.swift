import ArgumentParser
import Files
import Packages
import Transport

/// Where packages may be found, the same for every command that needs them.
struct SourceOptions: ParsableArguments {
    @Option(
        name: .customLong("pool"),
        help: ArgumentHelp(
            "Folder of packages; files are found by hash. May be repeated. ASSAY_POOL names more, separated by colons.",
            valueName: "folder"))
    var pools: [String] = []

    @Option(
        name: .customLong("mirror"),
        help: ArgumentHelp(
            "Archive to fetch from, ADDRESS or ARCHIVE=ADDRESS. May be repeated. Also ASSAY_MIRROR; else those of the host's apt.",
            valueName: "address"))
    var mirrors: [String] = []

    @Option(
        name: .customLong("registry-config"),
        help: ArgumentHelp(
            "File with 'auths' of registries; else $DOCKER_CONFIG/config.json or ~/.docker/config.json if there is one.",
            valueName: "file"))
    var registryConfiguration: String?

    @Option(help: ArgumentHelp("Folder that keeps what was fetched.", valueName: "folder"))
    var cache: String?

    /// The sources as the options and the environment say.
    func sources() throws -> PackageSources {
        var folders = pools
        folders += (FileSystem.environment("ASSAY_POOL") ?? "").split(separator: ":").map { String($0) }
        var addresses = mirrors
        if addresses.isEmpty, let mirror = FileSystem.environment("ASSAY_MIRROR"), !mirror.isEmpty {
            addresses = mirror.split(separator: " ").map { String($0) }
        }
        let known = addresses.isEmpty ? try AptConfiguration.mirrors() : try addresses.map { try Mirror(parsing: $0) }
        let store = try (cache ?? ContentStore.defaultPath).map { try ContentStore($0) }
        var sources = PackageSources(pools: folders, mirrors: known, cache: store)
        sources.credentials = try OCIOptions.credentials(registryConfiguration)
        return sources
    }
}
