internal import Documents

/// What a definition asks of package archives: the question whose answer is a lock.
public struct ResolutionRequest: Sendable, Hashable {
    /// One suite of one archive.
    public struct Suite: Sendable, Hashable {
        /// The suite's name: `trixie`, `trixie-security`. It stands once in a request.
        public var name: String
        /// The archive that holds it: `debian`, `debian-security`; mirrors are found by it.
        public var archive: String
        /// `main` and the like, in order.
        public var components: [String]

        /// A suite; without an archive it is `debian-security` for a name that ends in `-security`, else `debian`.
        public init(name: String, archive: String? = nil, components: [String] = ["main"]) {
            self.name = name
            self.archive = archive ?? (name.hasSuffix("-security") ? "debian-security" : "debian")
            self.components = components
        }
    }

    /// Debian's name of the architecture: `amd64`.
    public var architecture: String
    public var suites: [Suite]
    /// Fingerprints (40 upper-case hex digits) of the OpenPGP keys that may sign indexes; one good signature counts.
    public var keys: [String]
    /// Packages to resolve with everything that they depend on: `NAME` or `NAME=VERSION`.
    public var packages: [String]
    /// Packages to lock alone, without what they depend on: `NAME` or `NAME=VERSION`.
    public var extras: [String]
    /// Names that count as installed, so that nothing of the name is drawn in.
    public var provided: [String]
    /// Time stamp of a snapshot service to ask in place of today's archive.
    public var snapshot: String?
    /// What is taken by hash from elsewhere.
    public var sources: [SourceRequest]

    public init(
        architecture: String = "amd64", suites: [Suite], keys: [String], packages: [String], extras: [String] = [],
        provided: [String] = [], snapshot: String? = nil, sources: [SourceRequest] = []
    ) {
        self.architecture = architecture
        self.suites = suites
        self.keys = keys
        self.packages = packages
        self.extras = extras
        self.provided = provided
        self.snapshot = snapshot
        self.sources = sources
    }

    /// Requires that every word is what it should be: they become arguments and configuration of apt, which gives
    /// meaning to signs like `-`, `/` and `?`.
    public func validate() throws(PackageError) {
        try Self.require("architecture", [architecture]) { Self.isName($0) }
        try Self.require("suite", suites.map(\.name) + suites.map(\.archive)) { Self.isName($0) }
        try Self.require("component", suites.flatMap(\.components)) { Self.isName($0) }
        try Self.require("package", packages + extras) { Self.isPin($0) }
        try Self.require("provided package", provided) { Self.isName($0) }
        try Self.require("key fingerprint", keys) { key in
            key.utf8.count == 40 && key.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) }
        }
        guard !suites.isEmpty, suites.allSatisfy({ !$0.components.isEmpty }) else {
            throw PackageError("request", "names no suite, or a suite without a component")
        }
        guard !keys.isEmpty else { throw PackageError("request", "names no key that may sign the archive's index") }
        guard Set(suites.map(\.name)).count == suites.count else {
            throw PackageError("request", "names a suite twice")
        }
    }

    private static func require(
        _ what: String, _ words: [String], _ fits: (String) -> Bool
    ) throws(PackageError) {
        if let bad = words.first(where: { !fits($0) }) {
            throw PackageError("request", "'\(bad)' is no \(what)")
        }
    }

    /// Debian Policy 4.7, §5.6.1, for all names; a final hyphen would mean "remove" to apt.
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLowerOrDigit(first), text.utf8.last != UInt8(ascii: "-") else {
            return false
        }
        return text.utf8.allSatisfy { isLowerOrDigit($0) || "+-.".utf8.contains($0) }
    }

    private static func isPin(_ text: String) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, isName(String(name)) else { return false }
        guard parts.count == 2 else { return true }
        return !parts[1].isEmpty
            && parts[1].utf8.allSatisfy {
                isLowerOrDigit($0) || (0x41...0x5A).contains($0) || "+-.~:".utf8.contains($0)
            }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }
}

extension ResolutionRequest {
    /// The request as it stands in a lock.
    var document: Value {
        .object(
            packageMembers + (snapshot.map { [("snapshot", .string($0))] } ?? [])
                + (sources.isEmpty ? [] : [("sources", .array(of: sources.map { .object($0.members) }))]))
    }

    private var packageMembers: [(String, Value)] {
        [
            ("architecture", .string(architecture)),
            (
                "suites",
                .array(
                    of: suites.map {
                        .object([
                            ("name", .string($0.name)), ("archive", .string($0.archive)),
                            ("components", .strings($0.components)),
                        ])
                    })
            ),
            ("keys", .strings(keys)), ("packages", .strings(packages)), ("extras", .strings(extras)),
            ("provided", .strings(provided)),
        ]
    }

    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        architecture = try decoder.string("architecture")
        suites = []
        for (node, path) in try decoder.list("suites") {
            var inner = try ObjectDecoder(node, path: path)
            suites.append(
                Suite(
                    name: try inner.string("name"), archive: try inner.string("archive"),
                    components: try inner.strings("components")))
            try inner.finish()
        }
        keys = try decoder.strings("keys")
        packages = try decoder.strings("packages")
        extras = try decoder.strings("extras")
        provided = try decoder.strings("provided")
        snapshot = try decoder.optionalString("snapshot")
        sources = []
        for (node, path) in try decoder.optionalList("sources") {
            var inner = try ObjectDecoder(node, path: path)
            sources.append(try SourceRequest(&inner))
            try inner.finish()
        }
        try decoder.finish()
    }
}

extension Value {
    static func strings(_ texts: [String]) -> Value { .array(of: texts.map { .string($0) }) }
}
