import Documents
import Explanation
import Hashing

/// How two boots differ, for people and as a document.
struct EventComparisonText {
    let comparison: EventComparison
    /// What the two sides are called.
    var labels = (expected: "expected", found: "found")

    var text: String {
        var lines = comparison.registers.filter { !$0.isEqual }.flatMap(lines)
        let equal = comparison.registers.filter(\.isEqual).map(\.name)
        if !equal.isEmpty { lines.append("equal: \(equal.joined(separator: ", "))") }
        if !comparison.notExpected.isEmpty {
            lines.append("not predicted, not compared: \(comparison.notExpected.joined(separator: ", "))")
        }
        return lines.map { TraceText.oneLine($0) + "\n" }.joined()
    }

    private func lines(_ register: EventComparison.Register) -> [String] {
        let counts =
            register.counts.expected == register.counts.found
            ? "\(register.counts.found) events"
            : "\(register.counts.expected) events expected, \(register.counts.found) found"
        var lines = ["\(register.name) differs: \(counts)"]
        for value in register.values where value.expected != value.found {
            lines.append("  expected \(value.algorithm.rawValue) \(value.expected?.hex ?? "none")")
            lines.append("  found    \(value.algorithm.rawValue) \(value.found?.hex ?? "none")")
        }
        for difference in register.differences {
            lines.append("  " + headline(difference))
            lines.append(
                "    \(difference.cause.certainty.rawValue): \(difference.cause.input.rawValue): "
                    + difference.cause.statement)
            lines += difference.cause.details.map { "      \($0)" }
        }
        if register.differences.isEmpty { lines.append("  all events are equal: the registers start at other values") }
        return lines
    }

    private func headline(_ difference: EventDifference) -> String {
        let event = difference.expected ?? difference.found
        let what = event.map { "\($0.type) \($0.name)" } ?? ""
        func number(_ value: Int?) -> String { value.map(String.init) ?? "?" }
        switch difference.kind {
        case .changed:
            let places =
                difference.expectedNumber == difference.foundNumber
                ? number(difference.foundNumber)
                : "\(number(difference.expectedNumber)), found as \(number(difference.foundNumber)),"
            return "event \(places) differs: \(what)"
        case .missing: return "event \(number(difference.expectedNumber)) is missing: \(what)"
        case .extra: return "event \(number(difference.foundNumber)) is extra: \(what)"
        case .moved:
            guard let other = difference.otherRegister else {
                return
                    "event \(number(difference.expectedNumber)) is at \(number(difference.foundNumber)) instead: \(what)"
            }
            return "an event goes into one register on one side and another on the other, here or \(other): \(what)"
        }
    }

    var document: Value {
        .object([
            ("equal", .bool(comparison.isEqual)),
            ("banks", .array(of: comparison.banks.map { .string($0.rawValue) })),
            ("registers", .array(of: comparison.registers.map(Self.document))),
            ("notPredicted", .array(of: comparison.notExpected.map { .string($0) })),
        ])
    }

    private static func document(_ register: EventComparison.Register) -> Value {
        let values = register.values.map { value in
            (
                value.algorithm.rawValue,
                Value.object([
                    ("expected", .optional(value.expected?.hex)), ("found", .optional(value.found?.hex)),
                ])
            )
        }
        return .object([
            ("register", .string(register.name)), ("equal", .bool(register.isEqual)), ("values", .object(values)),
            ("expectedEvents", .count(register.counts.expected)), ("foundEvents", .count(register.counts.found)),
            ("differences", .array(of: register.differences.map(document))),
        ])
    }

    private static func document(_ difference: EventDifference) -> Value {
        let cause = difference.cause
        var members: [(String, Value)] = [
            ("kind", .string(difference.kind.rawValue)),
            ("expected", difference.expected.map { document($0, difference.expectedNumber) } ?? .null),
            ("found", difference.found.map { document($0, difference.foundNumber) } ?? .null),
            ("input", .string(cause.input.rawValue)), ("certainty", .string(cause.certainty.rawValue)),
            ("statement", .string(cause.statement)), ("details", .array(of: cause.details.map { .string($0) })),
        ]
        if let other = difference.otherRegister { members.append(("otherRegister", .string(other))) }
        return .object(members)
    }

    private static func document(_ event: RegisterEvent, _ number: Int?) -> Value {
        var members: [(String, Value)] = [
            ("number", number.map { .count($0) } ?? .null), ("type", .string("\(event.type)")),
            ("name", .string(event.name)),
            ("digests", .object(event.digests.map { ($0.algorithm.rawValue, .string($0.hex)) })),
        ]
        if let origin = event.origin { members.append(("rule", .string(origin))) }
        if let offset = event.offset { members.append(("offset", .hex(offset))) }
        return .object(members)
    }
}

extension Value {
    /// A string, or null.
    static func optional(_ text: String?) -> Value { text.map { .string($0) } ?? .null }
}
