import Bytes
import Documents
import Explanation
import LaunchMeasurement

/// Two measurements, point by point.
struct PointComparisons {
    /// The first pair that differs, or else the first.
    private let shown: (a: MeasurementRecord.Point, b: MeasurementRecord.Point, comparison: LaunchComparison)?
    private let compared, different: Int
    private let onlyFirst, onlySecond: [String]

    init(
        pairs: [(MeasurementRecord.Point, MeasurementRecord.Point)], onlyFirst: [String] = [], onlySecond: [String] = []
    ) {
        let differing = pairs.filter { pair in
            pair.0.registers.sorted { $0.name < $1.name } != pair.1.registers.sorted { $0.name < $1.name }
        }
        shown = (differing.first ?? pairs.first).map { ($0.0, $0.1, LaunchComparison($0.0, $0.1)) }
        compared = pairs.count
        different = differing.count
        self.onlyFirst = onlyFirst
        self.onlySecond = onlySecond
    }

    var isEqual: Bool { different == 0 && onlyFirst.isEmpty && onlySecond.isEmpty }

    var text: String {
        var lines: [String] = []
        if compared != 1 { lines.append("\(different) of \(compared) points that both have differ") }
        for (labels, side) in [(onlyFirst, "first"), (onlySecond, "second")] where !labels.isEmpty {
            lines.append("\(labels.count) points in the \(side) measurement alone, such as \(labels[0])")
        }
        if let shown {
            lines.append(shown.a.label == shown.b.label ? shown.a.label : "\(shown.a.label) against \(shown.b.label)")
            lines += shown.comparison.different.flatMap(Self.lines)
            if !shown.comparison.equal.isEmpty {
                lines.append("equal: \(shown.comparison.equal.joined(separator: ", "))")
            }
            let facts = shown.comparison.facts.map {
                "\($0.name): \($0.first ?? "not stated") against \($0.second ?? "not stated")"
            }
            if !facts.isEmpty { lines += ["said beside the traces:"] + facts.map { "  " + $0 } }
        }
        return lines.map { TraceText.oneLine($0) + "\n" }.joined()
    }

    private static func lines(_ register: LaunchComparison.Register) -> [String] {
        guard let first = register.first, let second = register.second else {
            let side = register.first == nil ? "second" : "first"
            return ["\(register.name) is in the \(side) measurement alone"]
        }
        var lines = ["\(register.name) differs", "  first  \(first)", "  second \(second)"]
        for (index, difference) in register.differences.enumerated() {
            let place = difference.gpa.map { " at \(hexadecimal($0))" } ?? ""
            lines.append(
                (index == 0 ? "  cause: " : "  and:   ") + sentence(difference)
                    + " — \(difference.name) (\(difference.node))\(place)")
        }
        if register.differences.isEmpty { lines.append("  cause: the traces do not tell") }
        return lines
    }

    /// `save area field RDX, snp.models: 0xa00f11 against 0x800f12`.
    private static func sentence(_ difference: LaunchDifference) -> String {
        var text = "\(difference.kind.rawValue): \(difference.cause)"
        if let rule = difference.rule { text += " [\(rule)]" }
        if difference.first != nil || difference.second != nil {
            text += ": \(difference.first ?? "none") against \(difference.second ?? "none")"
        }
        return text
    }

    var document: Value {
        var members: [(String, Value)] = [
            ("equal", .bool(isEqual)), ("points", .count(compared)), ("differentPoints", .count(different)),
            ("onlyInFirst", .array(of: onlyFirst.map { .string($0) })),
            ("onlyInSecond", .array(of: onlySecond.map { .string($0) })),
        ]
        if let shown {
            let facts = shown.comparison.facts.map { fact in
                (fact.name, Value.object([("first", .optional(fact.first)), ("second", .optional(fact.second))]))
            }
            members += [
                ("first", .string(shown.a.label)), ("second", .string(shown.b.label)),
                ("equalRegisters", .array(of: shown.comparison.equal.map { .string($0) })),
                ("differentRegisters", .array(of: shown.comparison.different.map(Self.document))),
                ("statedBeside", .object(facts)),
            ]
        }
        return .object(members)
    }

    private static func document(_ register: LaunchComparison.Register) -> Value {
        let differences = register.differences.map { difference in
            var members: [(String, Value)] = [
                ("kind", .string(difference.kind.rawValue)), ("cause", .string(difference.cause)),
                ("node", .string(difference.node)), ("name", .string(difference.name)),
                ("origin", .string(difference.origin)), ("first", .optional(difference.first)),
                ("second", .optional(difference.second)),
            ]
            if let gpa = difference.gpa { members.append(("gpa", .hex(gpa))) }
            if let rule = difference.rule { members.append(("rule", .string(rule))) }
            return Value.object(members)
        }
        return .object([
            ("register", .string(register.name)), ("first", .optional(register.first)),
            ("second", .optional(register.second)), ("differences", .array(of: differences)),
        ])
    }
}
