private import Bytes
private import Documents
private import Files
public import Hashing
private import Synchronization

/// Reads one repository of a registry by digest (OCI distribution-spec 1.1, "Pull"), through the `curl` program.
///
/// Who asks checks what comes: the digest is the request. Without credentials it asks as everybody may; a registry that
/// wants a token is asked for one (Docker's token authentication), with the password where there is one.
public final class RegistryClient: Sendable {
    public let reference: RegistryReference
    private let credentials: RegistryCredentials
    /// What the last answer of 401 was satisfied with: the value of `Authorization`.
    private let authorization = Mutex<String?>(nil)

    public init(_ reference: RegistryReference, credentials: RegistryCredentials = RegistryCredentials()) {
        self.reference = reference
        self.credentials = credentials
    }

    /// A manifest or index by digest; nil if the registry does not have it.
    public func manifest(_ digest: Digest, accepting types: [String], limit: Int) throws -> [UInt8]? {
        try get("manifests/\(digest.algorithm.rawValue):\(digest.hex)", accepting: types, limit: limit)
    }

    /// Any other blob by digest; nil if the registry does not have it.
    public func blob(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        try get("blobs/\(digest.algorithm.rawValue):\(digest.hex)", accepting: ["*/*"], limit: limit)
    }

    private func get(_ path: String, accepting types: [String], limit: Int) throws -> [UInt8]? {
        let address = "\(reference.scheme)://\(reference.host)/v2/\(reference.repository)/\(path)"
        var answer = try request(address, accepting: types, authorization.withLock { $0 }, limit: limit)
        if answer.status == 401 {
            let value = try authorize(answer.challenge, address)
            authorization.withLock { $0 = value }
            answer = try request(address, accepting: types, value, limit: limit)
        }
        switch answer.status {
        case 200: return answer.body
        case 404: return nil
        case 401, 403:
            let helper = credentials.hasHelper(for: reference.host)
            throw RegistryError(
                address, "the registry refuses (status \(answer.status))",
                hint: helper
                    ? "the password is kept by a helper program, which is not run; give a file with 'auths' by --registry-config"
                    : "log in with 'docker login \(reference.host)', or give a file by --registry-config")
        default:
            throw RegistryError(
                address, "the registry answers with status \(answer.status)", hint: "check the registry and the network"
            )
        }
    }

    // MARK: authorization

    /// What satisfies a challenge (RFC 9110, §11.6.1).
    private func authorize(_ challenge: String, _ address: String) throws -> String {
        let basic = credentials.basic(for: reference.host)
        let scheme = challenge.prefix { $0 != " " }.lowercased()
        if scheme == "basic" {
            guard let basic else {
                throw RegistryError(
                    address, "the registry wants a user name and a password",
                    hint: "log in with 'docker login \(reference.host)', or give a file by --registry-config")
            }
            return "Basic " + basic
        }
        let parameters = Self.parameters(challenge.dropFirst(scheme.count))
        guard scheme == "bearer", let realm = parameters["realm"] else {
            throw RegistryError(address, "the registry wants '\(scheme)' authentication, which is not known here")
        }
        // A password must not leave over a line that can be read, whatever the registry says.
        guard realm.hasPrefix("https://") || realm.hasPrefix("http://") && reference.scheme == "http" else {
            throw RegistryError(address, "its token service '\(realm)' does not use https", outcome: .unusable)
        }
        return "Bearer " + (try token(realm, parameters["service"], basic))
    }

    private func token(_ realm: String, _ service: String?, _ basic: String?) throws -> String {
        var query = ["scope=" + Self.encoded("repository:\(reference.repository):pull")]
        if let service { query.append("service=" + Self.encoded(service)) }
        let address = realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        let answer = try request(
            address, accepting: ["application/json"], basic.map { "Basic " + $0 }, limit: 1 << 20)
        guard answer.status == 200 else {
            throw RegistryError(
                realm, "the token service answers with status \(answer.status)",
                hint: basic == nil ? "log in with 'docker login \(reference.host)'" : "check user name and password")
        }
        var decoder = try ObjectDecoder(JSONReader.parse(answer.body, source: realm, mode: .foreign))
        let token = try decoder.optionalString("token") ?? decoder.string("access_token")
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }) else {
            throw RegistryError(realm, "the token service gives a token of other signs than a header may have")
        }
        return token
    }

    /// `key="value"` pairs, parted by commas.
    static func parameters(_ text: some StringProtocol) -> [String: String] {
        var result: [String: String] = [:]
        var rest = text[...]
        while let sign = rest.firstIndex(of: "=") {
            let key = String(rest[..<sign].filter { $0 != "," && $0 != " " }).lowercased()
            rest = rest[rest.index(after: sign)...]
            if rest.first == "\"" {
                rest = rest.dropFirst()
                result[key] = String(rest.prefix { $0 != "\"" })
                rest = rest.drop { $0 != "\"" }.dropFirst()
            } else {
                result[key] = String(rest.prefix { $0 != "," })
                rest = rest.drop { $0 != "," }
            }
        }
        return result
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let plain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            result += plain || "-._~".utf8.contains(byte) ? String(UnicodeScalar(byte)) : "%" + [byte].hex
        }
    }

    // MARK: requests

    private struct Answer {
        var status: Int
        /// Field `WWW-Authenticate`.
        var challenge: String
        var body: [UInt8]
    }

    /// One request. Passwords and tokens go to curl through its standard input, so that no list of processes has them;
    /// curl itself keeps the field to the host that it was for when it follows a redirect.
    private func request(
        _ address: String, accepting types: [String], _ authorization: String?, limit: Int
    ) throws -> Answer {
        var configuration = "url = \"\(address)\"\n" + types.map { "header = \"Accept: \($0)\"\n" }.joined()
        if let authorization { configuration += "header = \"Authorization: \(authorization)\"\n" }
        guard !address.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x22 || $0 == 0x5C }) else {
            throw RegistryError(address, "is no address", outcome: .unusable)
        }
        for attempt in 1... {
            var body: [UInt8] = []
            let result = try Subprocess("curl", Self.arguments, environment: Download.proxySettings)
                .stream(input: Array(configuration.utf8)) { piece in
                    guard piece.byteCount <= limit - body.count else {
                        throw RegistryError(
                            address, "found more than \(limit) bytes, expected at most that many", outcome: .unusable)
                    }
                    unsafe piece.withUnsafeBytes { unsafe body.append(contentsOf: $0) }
                }
            let lines = result.errorText.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            let mark = lines.firstIndex { $0.hasPrefix("status ") }
            let status = mark.flatMap { Int(lines[$0].dropFirst(7)) } ?? 0
            if result.status == 0, status > 0, ![429, 500, 502, 503, 504].contains(status) || attempt >= 3 {
                let challenge = mark.flatMap { $0 + 1 < lines.count ? lines[$0 + 1] : nil } ?? ""
                return Answer(status: status, challenge: challenge, body: body)
            }
            guard attempt < 3, Download.isPassing(result.status) || result.status == 0 else {
                let reason = lines.first { $0.hasPrefix("curl:") } ?? "curl ended with status \(result.status)"
                throw RegistryError(address, reason, hint: "check the registry's name and the network")
            }
            FileSystem.pause(milliseconds: UInt32(attempt) * 500)
        }
        preconditionFailure("the last attempt returns or throws")
    }

    private static let arguments = [
        "--disable", "--silent", "--show-error", "--globoff", "--location", "--max-redirs", "5", "--proto",
        "=http,https", "--proto-redir", "=http,https", "--connect-timeout", "20", "--speed-limit", "1024",
        "--speed-time", "30", "--write-out", "%{stderr}\\nstatus %{http_code}\\n%header{www-authenticate}\\n",
        "--config", "-",
    ]
}
