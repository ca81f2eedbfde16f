private import Bytes
private import Files
internal import Hashing
private import Transport

/// apt as a pure resolver: a state directory of its own, no setting, key or package of the host.
struct AptResolver {
    private let request: ResolutionRequest
    private let root: String

    /// A package as `--print-uris` names it.
    struct Choice: Hashable {
        var sha256: Digest
        var byteCount: Int
        var isExtra: Bool
    }

    /// Lays out the state directory at `root`, an empty directory.
    ///
    /// - Parameters:
    ///   - keyring: the pinned certificates; apt checks signatures with these alone.
    ///   - mirrors: where the archives are; each archive of the request needs one.
    init(_ request: ResolutionRequest, mirrors: [Mirror], keyring: [UInt8], root: String) throws {
        guard root.hasPrefix("/"), root.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x3B })
        else {
            throw PackageError(
                root, "is no place for apt's state", outcome: .environment,
                hint: "set TMPDIR to an absolute path without blanks")
        }
        self.request = request
        self.root = root
        let folders = [
            "etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
            "etc/apt/auth.conf.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg",
            "var/log/apt", "empty/partial",
        ]
        for folder in folders { try FileSystem.makeDirectory(root + "/" + folder) }
        try write("var/lib/dpkg/status", Self.status(request.provided))
        try write("apt.conf", configuration)
        try write("etc/apt/sources.list.d/request.sources", try sources(mirrors))
        try OutputFile.write(keyring, to: root + "/keyring.gpg")
    }

    /// Fetches the indexes; apt checks their signatures.
    func update() throws {
        _ = try apt("apt-get", ["update", "-o", "APT::Update::Error-Mode=any"], outcome: .environment)
    }

    /// The packages that apt chooses, and the extras, in no particular order.
    func choices() throws -> [Choice] {
        let options = [
            "--print-uris", "-qq", "-o", "Dir::Cache::archives=\(root)/empty", "-o", "Acquire::ForceHash=SHA256",
        ]
        var result: [Choice] = []
        if !request.packages.isEmpty {
            let text = try apt("apt-get", ["install"] + options + request.packages, outcome: .unusable)
            result += try Self.choices(text, isExtra: false)
        }
        if !request.extras.isEmpty {
            let text = try apt("apt-get", ["download"] + options + request.extras, outcome: .unusable)
            let known = Set(result.map(\.sha256))
            result += try Self.choices(text, isExtra: true).filter { !known.contains($0.sha256) }
        }
        return result
    }

    /// The InRelease file of a suite as apt fetched it.
    func inRelease(of suite: ResolutionRequest.Suite) throws -> [UInt8] {
        try list(suffix: "_dists_\(suite.name)_InRelease", of: suite.name)
    }

    /// The packed index of a component as apt fetched it.
    func index(_ component: String, of suite: ResolutionRequest.Suite) throws -> [UInt8] {
        try list(
            suffix: "_dists_\(suite.name)_\(component)_binary-\(request.architecture)_Packages.xz", of: suite.name)
    }

    private func list(suffix: String, of suite: String) throws -> [UInt8] {
        let folder = root + "/var/lib/apt/lists"
        let names = try FileSystem.list(folder).filter { $0.hasSuffix(suffix) }
        guard names.count == 1, let name = names.first else {
            throw PackageError(
                "suite \(suite)", "apt kept \(names.count) files of the form *\(suffix), expected one",
                hint: "the archive must have this suite and component, with an index packed by xz")
        }
        return try InputFile.contents(of: folder + "/" + name, limit: 256 << 20)
    }

    // MARK: state

    private func write(_ path: String, _ text: String) throws {
        try OutputFile.write(Array(text.utf8), to: root + "/" + path)
    }

    /// Stanzas that make names count as installed. The directories are merged by rule, so the package that would
    /// merge them (with all of perl) is never wanted.
    private static func status(_ provided: [String]) -> String {
        Set(provided + ["usr-is-merged"]).sorted().map { name in
            """
            Package: \(name)
            Status: install ok installed
            Priority: optional
            Section: misc
            Maintainer: none <none@localhost>
            Architecture: all
            Multi-Arch: foreign
            Version: 9999
            Description: counts as installed

            """
        }.joined(separator: "\n")
    }

    private var configuration: String {
        """
        Dir "\(root)";
        Dir::Etc "\(root)/etc/apt";
        Dir::State "\(root)/var/lib/apt";
        Dir::State::status "\(root)/var/lib/dpkg/status";
        Dir::Cache "\(root)/var/cache/apt";
        Dir::Log "\(root)/var/log/apt";
        Dir::Etc::Trusted "/nonexistent";
        Dir::Etc::TrustedParts "/nonexistent";
        APT::Architecture "\(request.architecture)";
        APT::Architectures { "\(request.architecture)"; };
        APT::Install-Recommends "false";
        APT::Install-Suggests "false";
        APT::Get::Assume-Yes "true";
        APT::Sandbox::User "";
        Acquire::Languages "none";
        Acquire::AllowInsecureRepositories "false";
        Acquire::AllowDowngradeToInsecureRepositories "false";
        Acquire::Check-Valid-Until "\(request.snapshot == nil)";
        Acquire::Retries "2";
        Acquire::PDiffs "false";
        Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
        Acquire::IndexTargets::deb::Translations::DefaultEnabled "false";
        Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
        Acquire::IndexTargets::deb::Packages::KeepCompressed "true";
        Acquire::IndexTargets::deb::Packages::KeepCompressedAs "xz";
        Debug::NoLocking "true";

        """
    }

    private func sources(_ mirrors: [Mirror]) throws(PackageError) -> String {
        var stanzas: [String] = []
        for suite in request.suites {
            let addresses = mirrors.filter { $0.archive == suite.archive }.map(\.address)
            // One address only: apt would ask all of them and mix what they say.
            guard let address = addresses.first else {
                throw PackageError(
                    "suite \(suite.name)", "no mirror of the archive '\(suite.archive)' is known",
                    outcome: .environment, hint: "give one with --mirror \(suite.archive)=ADDRESS")
            }
            stanzas.append(
                """
                Types: deb
                URIs: \(address)
                Suites: \(suite.name)
                Components: \(suite.components.joined(separator: " "))
                Signed-By: \(root)/keyring.gpg

                """)
        }
        return stanzas.joined(separator: "\n")
    }

    // MARK: running

    private func apt(_ program: String, _ arguments: [String], outcome: Outcome) throws -> String {
        var environment = Download.proxySettings
        environment["APT_CONFIG"] = root + "/apt.conf"
        environment["LC_ALL"] = "C"
        environment["HOME"] = root
        environment["TMPDIR"] = root
        let result = try Subprocess(program, arguments, environment: environment, directory: root).run()
        guard result.status == 0 else {
            let lines = result.errorText.split(separator: "\n").filter { $0.hasPrefix("E:") || $0.hasPrefix("W:") }
            let said = (lines.isEmpty ? result.errorText.split(separator: "\n").suffix(3) : lines[...])
                .map { "\n  \($0)" }.joined()
            if said.contains("required for verification, but") {
                throw PackageError(
                    "apt", "cannot check the archive's signature, no program for it is installed:\(said)",
                    outcome: .environment, hint: "install gpgv or sqv; both come with Debian")
            }
            let isUnsigned = Self.signatureFailures.contains { said.contains($0) }
            throw PackageError(
                "apt", "\(program) \(arguments[0]) failed:\(said)", outcome: isUnsigned ? .no : outcome,
                hint: outcome == .environment
                    ? "check the network, the mirror (--mirror) and the pinned keys"
                    : "check the names and versions of the packages in image.yaml")
        }
        return result.outputText
    }

    /// How the versions of apt say that no pinned key signed an index, or that it was changed since.
    private static let signatureFailures = [
        "GPG error", "OpenPGP signature verification failed", "is not signed", "Clearsigned file isn't valid",
    ]

    /// Lines of `'ADDRESS' NAME SIZE SHA256:HEX`.
    private static func choices(_ text: String, isExtra: Bool) throws(PackageError) -> [Choice] {
        var result: [Choice] = []
        for line in text.split(separator: "\n") where line.hasPrefix("'") {
            let words = line.split(separator: " ")
            guard words.count == 4, let size = Int(words[2]), words[3].hasPrefix("SHA256:"),
                let digest = Digest(.sha256, hex: words[3].dropFirst("SHA256:".count))
            else {
                throw PackageError(
                    "apt", "printed '\(line)', expected 'ADDRESS' NAME SIZE SHA256:HEX",
                    hint: "this version of apt is not known to Assay")
            }
            result.append(Choice(sha256: digest, byteCount: size, isExtra: isExtra))
        }
        return result
    }
}
