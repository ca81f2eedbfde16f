public import Bytes
public import Hashing

/// An image in a registry, by digest: `HOST[:PORT]/NAME@sha256:…` (distribution-spec, "Pulling manifests").
public struct RegistryReference: Sendable, Hashable, CustomStringConvertible {
    /// Host name or address with its port, as it is asked.
    public var host: String
    /// The repository's name within the registry: `team/app`.
    public var repository: String
    public var digest: Digest

    /// Whether text before an `@` names a registry rather than a path: its first part is `localhost` or has a dot or a
    /// colon, and something follows it. A path that looks like that is written with `./` or `/` first.
    public static func isRegistry(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let host = parts.first, host != ".", host != ".." else { return false }
        return host == "localhost" || host.contains(".") || host.contains(":")
    }

    /// Reads the part before the `@`.
    public init(_ text: String, digest: Digest) throws(RegistryError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard Self.isRegistry(text), parts.count == 2, Self.isHost(parts[0]), Self.isRepository(parts[1]) else {
            throw RegistryError(
                text, "is no reference HOST/NAME", outcome: .unusable,
                hint: "write the registry's host, the image's name in lower case and '@sha256:…', without a tag")
        }
        host = String(parts[0])
        repository = String(parts[1])
        self.digest = digest
    }

    public var description: String { "\(host)/\(repository)@\(digest.algorithm.rawValue):\(digest.hex)" }

    private static func isHost(_ text: Substring) -> Bool {
        !text.isEmpty && !text.hasPrefix("-")
            && text.utf8.allSatisfy { isAlphanumeric($0) || ".-:[]".utf8.contains($0) }
    }

    /// distribution-spec: lower-case letters and digits, parted by dots, underscores, hyphens and slashes.
    private static func isRepository(_ text: Substring) -> Bool {
        text.utf8.count <= 255
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, let last = part.utf8.last, isLower(first), isLower(last) else {
                    return false
                }
                return part.utf8.allSatisfy { isLower($0) || "._-".utf8.contains($0) }
            }
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLower(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// Registries on this machine speak plain HTTP, as everywhere; all others HTTPS.
    var scheme: String { isLoopback ? "http" : "https" }

    private var isLoopback: Bool {
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        return ["localhost", "127.0.0.1", "[::1]"].contains(String(name))
    }
}

/// Why a registry gave nothing.
public struct RegistryError: ExplainedError, Equatable {
    public var subject: String
    public var problem: String
    public var hint: String?
    public var outcome: Outcome

    init(_ subject: String, _ problem: String, outcome: Outcome = .environment, hint: String? = nil) {
        self.subject = subject
        self.problem = problem
        self.outcome = outcome
        self.hint = hint
    }

    public var description: String { "\(subject): \(problem)" }
}
