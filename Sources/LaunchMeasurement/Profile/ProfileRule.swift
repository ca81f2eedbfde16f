private import Bytes
public import Documents

/// One rule in which loaders differ, with the place where it was learnt.
public struct ProfileRule: Hashable, Sendable {
    /// How sure a rule is (design, §8.6), best first.
    public enum Confidence: String, Sendable, CaseIterable {
        case seenOnFirmware = "seen-on-firmware"
        case seenInQuote = "seen-in-quote"
        case severalPrograms = "several-programs"
        case readInSource = "read-in-source"
    }

    /// Dotted name, e.g. `vmsa.cs.bsp`; unique in a profile.
    public var name: String
    /// The value as text; the TEE's section says what it must be.
    public var value: String
    public var origin: String
    public var confidence: Confidence

    public init(name: String, value: String, origin: String, confidence: Confidence) {
        self.name = name
        self.value = value
        self.origin = origin
        self.confidence = confidence
    }

    var document: Value {
        .object([
            ("name", .string(name)), ("value", .string(value)), ("origin", .string(origin)),
            ("confidence", .string(confidence.rawValue)),
        ])
    }
}

/// Takes a profile's rules one by one by name; a rule that nobody asked for is an error, and so is a missing one.
public struct RuleDecoder {
    let rules: [ProfileRule]
    private var open: [String: (rule: ProfileRule, place: Location, path: String)] = [:]
    private var known: [String] = []
    private let location: Location

    init(_ list: [(node: Node, path: String)], at location: Location) throws(DocumentError) {
        self.location = location
        var rules: [ProfileRule] = []
        for (node, path) in list {
            var decoder = try ObjectDecoder(node, path: path)
            let rule = ProfileRule(
                name: try decoder.string("name"), value: try decoder.string("value"),
                origin: try decoder.string("origin"), confidence: try decoder.choice("confidence"))
            try decoder.finish()
            guard open.updateValue((rule, node.location, path), forKey: rule.name) == nil else {
                throw DocumentError(node.location, path: path, "the rule '\(rule.name)' is given twice")
            }
            rules.append(rule)
        }
        self.rules = rules
    }

    /// The rule of this name, which must be there.
    public mutating func take(_ name: String) throws(DocumentError) -> ProfileRule {
        try entry(name).rule
    }

    /// The rule of this name, if it is there.
    public mutating func optional(_ name: String) -> ProfileRule? {
        known.append(name)
        return open.removeValue(forKey: name)?.rule
    }

    private mutating func entry(
        _ name: String
    ) throws(DocumentError) -> (rule: ProfileRule, place: Location, path: String) {
        known.append(name)
        guard let entry = open.removeValue(forKey: name) else {
            throw DocumentError(location, path: "rules", "the rule '\(name)' is missing; it is required")
        }
        return entry
    }

    /// The value of a rule as an unsigned integer.
    public mutating func number<T: FixedWidthInteger & UnsignedInteger>(
        _ name: String, as type: T.Type = T.self
    ) throws(DocumentError) -> T {
        let entry = try entry(name)
        guard let value = parseInteger(entry.rule.value).flatMap({ T(exactly: $0) }) else {
            throw DocumentError(
                entry.place, path: entry.path + ".value",
                "found '\(entry.rule.value)', expected an integer of at most \(T.bitWidth) bits for \(name)")
        }
        return value
    }

    /// The value of a rule as an unsigned integer; nil if the rule is not there.
    public mutating func optionalNumber<T: FixedWidthInteger & UnsignedInteger>(
        _ name: String, as type: T.Type = T.self
    ) throws(DocumentError) -> T? {
        guard open[name] != nil else {
            known.append(name)
            return nil
        }
        return try number(name)
    }

    /// The value of a rule that is one of a closed set.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type = Choice.self
    ) throws(DocumentError) -> Choice where Choice.RawValue == String {
        let entry = try entry(name)
        guard let choice = Choice(rawValue: entry.rule.value) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw DocumentError(
                entry.place, path: entry.path + ".value",
                "found '\(entry.rule.value)', expected one of \(all) for \(name)")
        }
        return choice
    }

    /// An error at the place of `rule`, for values that a section refuses itself.
    public func error(_ rule: ProfileRule, _ problem: String) -> DocumentError {
        DocumentError(location, path: "rules.\(rule.name)", problem)
    }

    /// Requires that every rule was taken.
    func finish() throws(DocumentError) {
        guard let stray = rules.first(where: { open[$0.name] != nil }), let entry = open[stray.name] else { return }
        throw DocumentError(
            entry.place, path: entry.path,
            "unknown rule '\(stray.name)'; expected one of \(known.joined(separator: ", "))")
    }
}
