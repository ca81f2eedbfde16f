public import Bytes
private import Files
private import Glibc

/// One address fetched through the `curl` program, checked while the bytes come in.
public struct Download: Sendable {
    /// `http`, `https` or `file`.
    public var address: String
    /// The size in bytes where it is known; the transfer ends at the first byte beyond.
    public var byteCount: Int?
    /// Most bytes that are taken where the size is not known.
    public var limit: Int

    public init(_ address: String, byteCount: Int? = nil, limit: Int = 1 << 30) {
        self.address = address
        self.byteCount = byteCount
        self.limit = limit
    }

    /// Exit codes of curl after which the same request may well work: connection, timeout, transfer cut short.
    private static let passing: Set<Int32> = [7, 16, 18, 28, 35, 52, 55, 56, 92]
    private static let attempts = 3

    /// Whether a request that curl ended with this code may well work when made again.
    static func isPassing(_ code: Int32) -> Bool { passing.contains(code) }

    /// The bytes at the address. Throws `DownloadError` for every way in which it could not be had.
    public func run() throws -> [UInt8] {
        for attempt in 1... {
            var bytes: [UInt8] = []
            let result = try transfer(into: &bytes)
            if result.status == 0 {
                guard let byteCount, bytes.count != byteCount else { return bytes }
                throw DownloadError(address: address, problem: .short(got: bytes.count, expected: byteCount))
            }
            let reason = Self.reason(result)
            let busy = ["error: 429", "error: 500", "error: 502", "error: 503", "error: 504"]
            let again = Self.passing.contains(result.status) || busy.contains { reason.contains($0) }
            guard again, attempt < Self.attempts else {
                throw DownloadError(address: address, problem: .failed(reason))
            }
            sleep(UInt32(attempt))
        }
        preconditionFailure("the last attempt returns or throws")
    }

    private func transfer(into bytes: inout [UInt8]) throws -> Subprocess.Result {
        let most = byteCount ?? limit
        var got: [UInt8] = []
        got.reserveCapacity(byteCount ?? 0)
        let result = try Subprocess("curl", arguments, environment: Self.proxySettings).stream { piece in
            guard piece.byteCount <= most - got.count else {
                throw DownloadError(address: address, problem: .tooLong(limit: most))
            }
            unsafe piece.withUnsafeBytes { unsafe got.append(contentsOf: $0) }
        }
        bytes = got
        return result
    }

    /// No configuration file, no other protocol after a redirect, and an end to every wait.
    private var arguments: [String] {
        [
            "--disable", "--silent", "--show-error", "--fail", "--globoff", "--location", "--max-redirs", "5",
            "--proto", "=http,https,file", "--proto-redir", "=http,https", "--connect-timeout", "20",
            "--speed-limit", "1024", "--speed-time", "30", "--", address,
        ]
    }

    /// The conventional variables, so that a host behind a proxy works; what arrives is judged by its hash.
    public static var proxySettings: [String: String] {
        var settings: [String: String] = [:]
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            settings[name] = FileSystem.environment(name)
        }
        return settings
    }

    private static func reason(_ result: Subprocess.Result) -> String {
        let lines = result.errorText.split(whereSeparator: \.isNewline)
        return lines.last.map { String($0) } ?? "curl ended with status \(result.status)"
    }
}

/// Why an address gave nothing.
public struct DownloadError: ExplainedError, Equatable {
    public enum Problem: Sendable, Equatable {
        /// curl's own last line.
        case failed(String)
        case tooLong(limit: Int)
        case short(got: Int, expected: Int)
    }

    public var address: String
    public var problem: Problem
    public var outcome: Outcome { .environment }
    public var hint: String? { "check the network and the mirror, or give another one with --mirror" }

    public var description: String {
        switch problem {
        case .failed(let reason): "\(address): \(reason)"
        case .tooLong(let limit): "\(address): found more than \(limit) bytes, expected at most that many"
        case .short(let got, let expected): "\(address): found \(got) bytes, expected \(expected)"
        }
    }
}
