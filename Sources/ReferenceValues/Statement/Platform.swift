private import Bytes
public import Documents
public import Hashing

/// The value sets of one platform profile.
public struct Platform: Hashable, Sendable {
    public let facts: PlatformFacts
    /// SHA-256 of the canonical JSON of the profile.
    public let profileDigest: Digest
    /// Every alternative, complete; never empty.
    public let valueSets: [ValueSet]
    /// What varies between the sets; follows from them.
    public let axes: [Axis]

    /// The sets of a platform; refused if there is none, or if one is incomplete or there twice.
    public init(facts: PlatformFacts, profileDigest: Digest, valueSets: [ValueSet]) throws(DocumentError) {
        let refused = { DocumentError(Location(source: "reference statement"), path: facts.name, $0) }
        guard profileDigest.algorithm == .sha256 else { throw refused("expected the profile's SHA-256") }
        for name in facts.conditions.map(\.name) + valueSets.flatMap({ $0.axes.map(\.axis) + Array($0.registers.keys) })
        where !FileName.isWord(name) { throw refused("'\(name)' cannot name a condition, an axis or a register") }
        guard let first = valueSets.first else {
            throw refused("no value set; an empty list would match nothing, or, read carelessly, everything")
        }
        let axisNames = first.axes.map(\.axis)
        guard Set(axisNames).count == axisNames.count else { throw refused("an axis is named twice") }
        var assignments: Set<[ValueSet.Assignment]> = []
        for set in valueSets {
            guard set.axes.map(\.axis) == axisNames else {
                throw refused("\(set.label): expected the axes \(axisNames.joined(separator: ", "))")
            }
            guard set.registers.mapValues(\.algorithm) == first.registers.mapValues(\.algorithm) else {
                throw refused("\(set.label): other registers than in the first set")
            }
            guard set.trace.algorithm == .sha256 else { throw refused("\(set.label): expected a trace's SHA-256") }
            guard assignments.insert(set.axes).inserted else { throw refused("\(set.label): given twice") }
        }
        if let problem = Self.missing(first.registers, facts) { throw refused(problem) }
        self.facts = facts
        self.profileDigest = profileDigest
        self.valueSets = valueSets
        axes = Axis.spanned(by: valueSets)
    }

    /// The sets of the platform that `profile` (a profile's document) describes.
    public init(profile: Value, valueSets: [ValueSet]) throws(DocumentError) {
        try self.init(
            facts: PlatformFacts(profile: Node(profile)), profileDigest: .of(CanonicalJSON.encode(profile), .sha256),
            valueSets: valueSets)
    }

    /// Conditions without which a technology's registers say too little (design, §2).
    public static func requiredConditions(_ technology: Technology) -> [String] {
        switch technology {
        case .snp: ["POLICY", "VMPL", "ID_KEY_DIGEST", "AUTHOR_KEY_DIGEST", "HOST_DATA"]
        case .tdx:
            [
                "TDATTRIBUTES", "XFAM", "SEAMATTR", "MRSIGNERSEAM", "MRCONFIGID", "MROWNER", "MROWNERCONFIG",
                "MRSERVICETD", "RTMR3",
            ]
        case .vtpm: []
        }
    }

    /// What is missing or misnamed among the registers and conditions; nil if nothing is.
    private static func missing(_ registers: [String: Digest], _ facts: PlatformFacts) -> String? {
        let conditions = Set(facts.conditions.map(\.name))
        for name in requiredConditions(facts.technology) where !conditions.contains(name) && registers[name] == nil {
            return "says nothing about \(name); expected a value, a rule or a demand on the operator"
        }
        switch facts.technology {
        case .snp:
            return registers.mapValues(\.algorithm) == ["LAUNCH_DIGEST": .sha384]
                ? nil : "expected the one register LAUNCH_DIGEST of 48 bytes"
        case .tdx:
            let known: Set = ["MRTD", "RTMR0", "RTMR1", "RTMR2", "RTMR3"]
            let isComplete = known.subtracting(registers.keys).isSubset(of: ["RTMR3"])
            let isRight = registers.allSatisfy { known.contains($0.key) && $0.value.algorithm == .sha384 }
            return isComplete && isRight
                ? nil : "expected the registers MRTD and RTMR0 to RTMR2 (or RTMR3), 48 bytes each"
        case .vtpm:
            let isRight = registers.allSatisfy { name, digest in
                let parts = name.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0].hasPrefix("PCR"),
                    let index = parseInteger(String(parts[0].dropFirst(3)))
                else { return false }
                return index < 24 && parts[1] == digest.algorithm.rawValue
            }
            return isRight && !registers.isEmpty ? nil : "expected registers named like PCR4.sha256, and at least one"
        }
    }
}

extension Platform {
    /// Registers that have one value in all sets, written once.
    private var sharedRegisters: [String: Digest] {
        guard let first = valueSets.first else { return [:] }
        return first.registers.filter { name, value in valueSets.allSatisfy { $0.registers[name] == value } }
    }

    /// The platform as a member of a statement's predicate.
    var document: Value {
        let shared = sharedRegisters
        let sets = valueSets.map { set in
            Value.object([
                ("axes", .object(set.axes.map { ($0.axis, .string($0.value)) })),
                ("registers", Self.document(set.registers.filter { shared[$0.key] == nil })),
                ("trace", .string(set.trace.hex)),
            ])
        }
        return .object(
            facts.members + [
                ("profileDigest", .string(profileDigest.hex)), ("axes", .array(of: axes.map(\.document))),
                ("sharedRegisters", Self.document(shared)), ("valueSets", .array(of: sets)),
            ])
    }

    private static func document(_ registers: [String: Digest]) -> Value {
        .object(registers.map { ($0.key, .string($0.value.hex)) })
    }

    /// Reads a platform; that axes and shared registers are the ones that follow from the sets shows when the statement is
    /// encoded again.
    init(_ node: Node, path: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(node, path: path)
        let facts = try PlatformFacts(&decoder)
        let digest = try decoder.digest("profileDigest", .sha256)
        var axisNames: [String] = []
        for (node, path) in try decoder.list("axes") {
            var axis = try ObjectDecoder(node, path: path)
            axisNames.append(try axis.string("name"))
            _ = try axis.strings("registers")
            _ = try axis.strings("values")
            try axis.finish()
        }
        let shared = try Self.registers(decoder.object("sharedRegisters"))
        var sets: [ValueSet] = []
        for (node, path) in try decoder.list("valueSets") {
            sets.append(try Self.valueSet(ObjectDecoder(node, path: path), axes: axisNames, shared: shared))
        }
        try decoder.finish()
        do { try self.init(facts: facts, profileDigest: digest, valueSets: sets) } catch {
            throw DocumentError(node.location, path: path, error.problem, hint: error.hint)
        }
    }

    private static func valueSet(
        _ decoder: ObjectDecoder, axes names: [String], shared: [String: Digest]
    ) throws(DocumentError) -> ValueSet {
        var decoder = decoder
        var inner = try decoder.object("axes")
        var axes: [ValueSet.Assignment] = []
        for name in names { axes.append(.init(name, try inner.string(name))) }
        try inner.finish()
        let own = try registers(decoder.object("registers"))
        if let name = own.keys.first(where: { shared[$0] != nil }) {
            throw decoder.error("registers", "\(name) is among the shared registers as well")
        }
        let trace = try decoder.digest("trace", .sha256)
        try decoder.finish()
        return ValueSet(axes: axes, registers: shared.merging(own) { first, _ in first }, trace: trace)
    }

    private static func registers(_ decoder: ObjectDecoder) throws(DocumentError) -> [String: Digest] {
        var decoder = decoder
        var result: [String: Digest] = [:]
        for (key, node) in decoder.remainingMembers() {
            let path = decoder.pathOf(key)
            let text = try ObjectDecoder.string(node, path: path)
            let digest = HashAlgorithm.registers.lazy.compactMap { Digest($0, hex: text) }.first
            guard let digest, digest.hex == text else {
                throw DocumentError(node.location, path: path, "expected a digest in lower-case hex")
            }
            result[key] = digest
        }
        return result
    }
}
