public import Documents

/// What differs between two images, in the words of what they are made of.
///
/// It is found by reading both, never by asking how they were built: builds, disks, file systems, initrds and unified
/// kernel images of anybody can be compared.
public struct ImageDifference: Sendable {
    /// The two images as people call them: `minimal 0.1.0 (release)`, or a file's name.
    public var names: (old: String, new: String)
    /// Packages that the images' bills of materials name in different versions, sorted by name.
    public var packages: [PackageChange] = []
    /// In the order of artifacts, then of places in them.
    public var findings: [Finding] = []
    /// Registers with other values, where both builds were measured.
    public var registers: [MovedRegister] = []
    /// Whether two builds have no measurement of one platform in common, so that nothing is known of registers.
    public var isUnmeasured = false
    /// Artifacts with the same bytes in both.
    public var equalArtifacts: [String] = []

    /// Whether nothing differs.
    public var isEqual: Bool { packages.isEmpty && findings.isEmpty && registers.isEmpty }

    /// One place that differs.
    public struct Finding: Sendable, Hashable {
        /// The file that was built: `root.erofs`, `initrd`, …
        public var artifact: String
        /// Where in it, from outside in: `partition esp`, `/EFI/BOOT/BOOTX64.EFI`, `section .initrd`, `/init`. Empty for the
        /// artifact itself.
        public var place: [String]
        public var change: Change
        public var aspects: [Aspect]
    }

    public enum Change: String, Sendable, CaseIterable {
        case added, removed, changed
    }

    /// One property of a place, before and after.
    public struct Aspect: Sendable, Hashable {
        /// `mode`, `owner`, `content`, …
        public var name: String
        /// Nil where only the other image has it.
        public var old: String?
        public var new: String?
        /// More about it, a line each.
        public var details: [String]

        init(_ name: String, _ old: String?, _ new: String?, _ details: [String] = []) {
            self.name = name
            self.old = old
            self.new = new
            self.details = details
        }
    }

    /// A package whose version differs; nil where an image does not have it.
    public struct PackageChange: Sendable, Hashable {
        public var name: String
        public var old: String?
        public var new: String?
    }

    /// A register whose values differ between the measurements of two builds.
    public struct MovedRegister: Sendable, Hashable {
        public var platform: String
        public var register: String
        /// At how many of the points that both measurements have.
        public var points: Int
        public var commonPoints: Int
        /// The artifacts that differ and enter it.
        public var artifacts: [String]
    }
}

extension ImageDifference {
    /// The difference for programs; members are documented in the README.
    public var document: Value {
        .object([
            ("equal", .bool(isEqual)), ("old", .string(names.old)), ("new", .string(names.new)),
            ("packages", .array(of: packages.map(\.document))), ("findings", .array(of: findings.map(\.document))),
            ("registers", isUnmeasured ? .null : .array(of: registers.map(\.document))),
            ("equalArtifacts", .strings(equalArtifacts)),
        ])
    }
}

/// Members whose text is there.
private func present(_ members: [(String, String?)]) -> [(String, Value)] {
    members.compactMap { name, text in text.map { (name, .string($0)) } }
}

extension ImageDifference.PackageChange {
    fileprivate var document: Value { .object(present([("name", name), ("old", old), ("new", new)])) }
}

extension ImageDifference.Finding {
    fileprivate var document: Value {
        .object([
            ("artifact", .string(artifact)), ("place", .strings(place)), ("change", .string(change.rawValue)),
            ("aspects", .array(of: aspects.map(\.document))),
        ])
    }
}

extension ImageDifference.Aspect {
    fileprivate var document: Value {
        .object(
            present([("name", name), ("old", old), ("new", new)])
                + (details.isEmpty ? [] : [("details", .strings(details))]))
    }
}

extension ImageDifference.MovedRegister {
    fileprivate var document: Value {
        .object([
            ("platform", .string(platform)), ("register", .string(register)), ("points", .count(points)),
            ("commonPoints", .count(commonPoints)), ("artifacts", .strings(artifacts)),
        ])
    }
}
