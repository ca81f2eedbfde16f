public import Documents
private import Files

/// User names and passwords by registry, as `docker login` and `podman login` keep them: `auths` of a `config.json`.
///
/// Programs that such a file names as helpers are not run.
public struct RegistryCredentials: Sendable, Hashable {
    /// The base64 of `user:password` by host.
    private var basic: [String: String] = [:]
    /// Hosts whose password a helper program keeps.
    private var helped: Set<String> = []

    /// None: whatever a registry gives to everybody.
    public init() {}

    /// Reads a file's bytes.
    public init(_ bytes: [UInt8], source: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(JSONReader.parse(bytes, source: source, mode: .foreign, limit: 1 << 20))
        if var auths = try decoder.optionalObject("auths") {
            for (key, node) in auths.remainingMembers() {
                var entry = try ObjectDecoder(node, path: auths.pathOf(key))
                guard let text = try entry.optionalString("auth"), !text.isEmpty else { continue }
                guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }) else {
                    throw entry.error("auth", "expected base64 of user:password")
                }
                basic[Self.host(of: key)] = text
            }
        }
        if var helpers = try decoder.optionalObject("credHelpers") {
            for (key, _) in helpers.remainingMembers() { helped.insert(Self.host(of: key)) }
        }
    }

    /// The file of this user: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; nil if there is none.
    public static var defaultPath: String? {
        let folder =
            FileSystem.environment("DOCKER_CONFIG") ?? FileSystem.environment("HOME").map { $0 + "/.docker" }
        guard let path = folder.map({ $0 + "/config.json" }), FileSystem.exists(path) else { return nil }
        return path
    }

    /// Reads the file at `path`.
    public init(path: String) throws {
        try self.init(InputFile.contents(of: path, limit: 1 << 20), source: path)
    }

    /// What stands behind `Authorization: Basic`; nil if the file has nothing for the host.
    func basic(for host: String) -> String? { basic[host] }
    func hasHelper(for host: String) -> Bool { helped.contains(host) && basic[host] == nil }

    /// Keys are hosts, or addresses as older versions wrote them.
    private static func host(of key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        return String(text.prefix { $0 != "/" })
    }
}
