private import Bytes
public import Documents
public import Hashing

/// The values that an image will report, and what they were made from: an in-toto Statement, version 1.
///
/// It holds no time and nothing about who made it, so that every honest rebuilder gets the same bytes. Its one encoding is
/// canonical JSON; a payload in any other is refused.
public struct ReferenceStatement: Hashable, Sendable {
    /// `_type` of an in-toto statement.
    public static let statementType = "https://in-toto.io/Statement/v1"
    /// `predicateType` of reference values.
    public static let predicateType = "tag:assay,2026:reference-values/v1"
    /// Largest encoding that is read, in bytes.
    public static let maximumSize = 16 << 20

    public let image: Image
    /// The artifacts, sorted by name.
    public let subjects: [Subject]
    public let inputs: Inputs
    /// Revision of every format whose writer shaped the artifacts, by its name.
    public let formatRevisions: [String: Int]
    public let archiveChain: ArchiveChain
    public let platforms: [Platform]

    /// What was built.
    public struct Image: Hashable, Sendable {
        public var name, version: String
        /// `release`, or `debug` for an image with a login.
        public var variant: String
        /// `development` for images that a development key signs.
        public var channel: String

        public init(name: String, version: String, variant: String, channel: String) {
            self.name = name
            self.version = version
            self.variant = variant
            self.channel = channel
        }

        /// The variant whose console lets people in.
        public static let debugVariant = "debug"
        /// The channel of development keys.
        public static let developmentChannel = "development"
    }

    /// One artifact.
    public struct Subject: Hashable, Sendable {
        public var name: String
        public var sha256, sha384: Digest

        public init(name: String, sha256: Digest, sha384: Digest) {
            self.name = name
            self.sha256 = sha256
            self.sha384 = sha384
        }
    }

    /// Whether every package was followed to a signed index whose key the definition pins (design, §6.2).
    public enum ArchiveChain: String, Sendable, CaseIterable { case verified, unverified }

    /// A statement; refused if something in it is empty, doubled or misnamed.
    public init(
        image: Image, subjects: [Subject], inputs: Inputs, formatRevisions: [String: Int], archiveChain: ArchiveChain,
        platforms: [Platform]
    ) throws(DocumentError) {
        func refused(_ path: String, _ problem: String) -> DocumentError {
            DocumentError(Location(source: "reference statement"), path: path, problem)
        }
        for (key, word) in [
            ("name", image.name), ("version", image.version), ("variant", image.variant), ("channel", image.channel),
        ] where !FileName.isWord(word) { throw refused("image.\(key)", "'\(word)' cannot be used as a name") }
        guard !subjects.isEmpty else { throw refused("subject", "no artifact") }
        for subject in subjects {
            guard FileName.isValid(subject.name), subject.sha256.algorithm == .sha256,
                subject.sha384.algorithm == .sha384
            else { throw refused("subject", "'\(subject.name)': expected a relative name, SHA-256 and SHA-384") }
        }
        guard Set(subjects.map(\.name)).count == subjects.count else { throw refused("subject", "a name comes twice") }
        for (name, revision) in formatRevisions where !FileName.isWord(name) || !(1...1_000_000).contains(revision) {
            throw refused("formatRevisions", "'\(name)': expected a name and a revision from 1 on")
        }
        guard !platforms.isEmpty else { throw refused("platforms", "no platform, so no values at all") }
        guard Set(platforms.map(\.facts.name)).count == platforms.count else {
            throw refused("platforms", "a profile comes twice")
        }
        self.image = image
        self.subjects = subjects.sorted { FileName.precedes($0.name, $1.name) }
        self.inputs = inputs
        self.formatRevisions = formatRevisions
        self.archiveChain = archiveChain
        self.platforms = platforms
    }

    /// The statement's document.
    public var document: Value {
        let subject = subjects.map { subject in
            Value.object([
                ("name", .string(subject.name)),
                (
                    "digest",
                    .object([("sha256", .string(subject.sha256.hex)), ("sha384", .string(subject.sha384.hex))])
                ),
            ])
        }
        let predicate: [(String, Value)] = [
            (
                "image",
                .object([
                    ("name", .string(image.name)), ("version", .string(image.version)),
                    ("variant", .string(image.variant)), ("channel", .string(image.channel)),
                ])
            ),
            ("inputs", inputs.document),
            ("formatRevisions", .object(formatRevisions.map { ($0.key, .count($0.value)) })),
            ("archiveChain", .string(archiveChain.rawValue)), ("platforms", .array(of: platforms.map(\.document))),
        ]
        return .object([
            ("_type", .string(Self.statementType)), ("subject", .array(of: subject)),
            ("predicateType", .string(Self.predicateType)), ("predicate", .object(predicate)),
        ])
    }

    /// The bytes that are signed.
    public func encoded() throws(DocumentError) -> [UInt8] { try CanonicalJSON.encode(document) }
}

extension ReferenceStatement {
    /// Reads a statement from its canonical bytes: every member known and there, nothing doubled, no set empty, and the
    /// bytes equal to their own encoding again.
    public init(parsing bytes: [UInt8], source: String) throws(DocumentError) {
        guard bytes.count <= Self.maximumSize else {
            throw DocumentError(
                Location(source: source), "found \(bytes.count) bytes, expected at most \(Self.maximumSize)")
        }
        try self.init(CanonicalJSON.parse(bytes, source: source))
        guard try encoded() == bytes else {
            throw DocumentError(
                Location(source: source),
                "axes, shared registers or the order of entries are not the ones that follow from the value sets",
                hint: "the statement was not written by Assay; its publisher must write it again")
        }
    }

    private init(_ node: Node) throws(DocumentError) {
        var root = try ObjectDecoder(node)
        try root.expect("_type", Self.statementType)
        try root.expect("predicateType", Self.predicateType)
        var subjects: [Subject] = []
        for (node, path) in try root.list("subject") {
            var subject = try ObjectDecoder(node, path: path)
            let name = try subject.string("name")
            var digest = try subject.object("digest")
            subjects.append(
                Subject(
                    name: name, sha256: try digest.digest("sha256", .sha256),
                    sha384: try digest.digest("sha384", .sha384)))
            try digest.finish()
            try subject.finish()
        }
        var predicate = try root.object("predicate")
        try root.finish()
        var image = try predicate.object("image")
        let named = Image(
            name: try image.word("name"), version: try image.word("version"), variant: try image.word("variant"),
            channel: try image.word("channel"))
        try image.finish()
        var inputDecoder = try predicate.object("inputs")
        let inputs = try Inputs(&inputDecoder)
        var revisionDecoder = try predicate.object("formatRevisions")
        var revisions: [String: Int] = [:]
        for (key, node) in revisionDecoder.remainingMembers() {
            revisions[key] = try ObjectDecoder.integer(node, path: revisionDecoder.pathOf(key), in: 1...1_000_000)
        }
        let chain: ArchiveChain = try predicate.choice("archiveChain")
        var platforms: [Platform] = []
        for (node, path) in try predicate.list("platforms") { platforms.append(try Platform(node, path: path)) }
        try predicate.finish()
        do {
            try self.init(
                image: named, subjects: subjects, inputs: inputs, formatRevisions: revisions, archiveChain: chain,
                platforms: platforms)
        } catch {
            throw DocumentError(node.location, path: "predicate.\(error.path)", error.problem, hint: error.hint)
        }
    }
}
