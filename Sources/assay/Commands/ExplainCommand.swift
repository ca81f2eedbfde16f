import ArgumentParser
import Bytes
import Documents
import Explanation
import Files
import LaunchMeasurement
import Trace

/// `assay explain`: how a measurement came about, and why two differ.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show how a measurement came about, or name what makes two differ.",
        discussion: """
            Reads build/NAME/measurements/PLATFORM.json, and what assay measure snp, igvm, tdx and tpm print with --trace. \
            Against another measurement, each register that differs is shown with the first thing that differs in the \
            order of hashing, and with the file, firmware section, profile rule, save area field or kernel hash \
            behind it. Exit 0 if all registers are equal, 1 if not. Example:

              assay measure snp --ovmf A.fd --vcpus 2 --vcpu-type EPYC-Milan --trace > a.json
              assay measure snp --ovmf A.fd --vcpus 4 --vcpu-type EPYC-Milan --trace > b.json
              assay explain a.json --against b.json
            """)

    @Argument(help: ArgumentHelp("A measurement with its trace.", valueName: "file"))
    var measurement: String
    @Option(help: ArgumentHelp("Another measurement, to say what differs.", valueName: "file"))
    var against: String?
    @Option(
        help: ArgumentHelp(
            "Which point: axes with their values, e.g. cpu=EPYC-Milan,vcpus=4; the first that has them counts.",
            valueName: "axes"))
    var point: String?
    @Option(
        name: .customLong("against-point"),
        help: ArgumentHelp("Which point of the other measurement; as --point if not given.", valueName: "axes"))
    var againstPoint: String?
    @Option(help: ArgumentHelp("Show this many levels of the trace.", valueName: "number"))
    var depth: Int?
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (depth ?? 1) >= 1 else { throw ValidationError("--depth: expected at least 1") }
        guard against != nil || againstPoint == nil else {
            throw ValidationError("--against-point needs --against")
        }
    }

    func run() throws {
        let record = try read(measurement)
        guard let against else { return try show(record) }
        let comparison = try compare(record, read(against))
        if json {
            print(ReadableJSON.encode(comparison.document), terminator: "")
        } else {
            print(comparison.text, terminator: "")
        }
        if !comparison.isEqual { throw ExitCode(Outcome.no.rawValue) }
    }

    private func read(_ path: String) throws -> MeasurementRecord {
        try MeasurementRecord(InputFile.contents(of: path, limit: 64 << 20), source: path)
    }

    private func show(_ record: MeasurementRecord) throws {
        let chosen = try point.map { try choose($0, in: record) } ?? record.points[0]
        let trace = TraceText(depth: depth ?? .max)
        if json { return print(ReadableJSON.encode(trace.cut(chosen.trace).document), terminator: "") }
        let others = record.points.count - 1
        let more = others > 0 && point == nil ? " (the first of \(others + 1) points; --point chooses)" : ""
        print(TraceText.oneLine(chosen.label + more))
        for fact in chosen.facts { print(TraceText.oneLine("  \(fact.name): \(fact.value)")) }
        print(trace.text(chosen.trace), terminator: "")
    }

    private func compare(_ first: MeasurementRecord, _ second: MeasurementRecord) throws -> PointComparisons {
        if point != nil || againstPoint != nil || (first.points.count == 1 && second.points.count == 1) {
            let a = try point.map { try choose($0, in: first) } ?? first.points[0]
            let b = try (againstPoint ?? point).map { try choose($0, in: second) } ?? second.points[0]
            return PointComparisons(pairs: [(a, b)])
        }
        let labels = Dictionary(second.points.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
        let known = Set(first.points.map(\.label))
        return PointComparisons(
            pairs: first.points.compactMap { point in labels[point.label].map { (point, $0) } },
            onlyFirst: first.points.map(\.label).filter { labels[$0] == nil },
            onlySecond: second.points.map(\.label).filter { !known.contains($0) })
    }

    private func choose(_ text: String, in record: MeasurementRecord) throws -> MeasurementRecord.Point {
        var axes: [Measurement.Axis] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, !words[0].isEmpty else {
                throw CommandFailure(
                    "--point: found '\(text)', expected axes with values", hint: "for example cpu=EPYC-Milan,vcpus=4")
            }
            axes.append(.init(String(words[0]), String(words[1])))
        }
        guard let point = record.point(axes) else {
            throw CommandFailure(
                "\(record.source): no point has \(text)",
                hint: "its first point is \(record.points[0].label)")
        }
        return point
    }
}

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

extension Value {
    /// A string, or null.
    fileprivate static func optional(_ text: String?) -> Value { text.map { .string($0) } ?? .null }
}
