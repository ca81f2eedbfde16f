import ArgumentParser
import Bytes
import Documents
import EventLogs
import Explanation
import Files
import LaunchMeasurement
import Trace

/// What `assay explain` is given: JSON is a measurement, all else an event log.
private enum ExplainedFile {
    case measurement(MeasurementRecord)
    case log(EventLog)

    init(_ path: String, _ options: EventLogOptions) throws {
        let bytes = try InputFile.contents(of: path, limit: 64 << 20)
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            self = .log(try options.log(bytes, source: path))
            return
        }
        self = .measurement(try MeasurementRecord(bytes, source: path))
    }
}

extension MeasurementRecord.Point {
    /// How many final values it shares with a log.
    fileprivate func agreement(with found: [RegisterHistory]) -> Int {
        registers.count { register in
            let name = register.name.prefix { $0 != "." }
            return found.contains { $0.name == name && $0.values.contains(register.digest) }
        }
    }
}

/// `assay explain`: how a measurement came about, and why two differ.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show how a measurement or an event log came about, or name what makes two differ.",
        discussion: """
            Reads build/NAME/measurements/PLATFORM.json, what assay measure snp, igvm, tdx and tpm print with --trace, \
            and binary event logs of TPMs and TDs. Against another one, each register that differs is shown with what \
            differs in the order of hashing, and with the input behind it: of a launch the file, firmware section, \
            profile rule, save area field or kernel hash; of a boot the command line, initrd, image, ACPI table, \
            variable or partition. A log is compared with the point of the measurement that it fits best. Exit 0 if \
            all registers are equal, 1 if not. Examples:

              assay measure snp --ovmf A.fd --vcpus 2 --vcpu-type EPYC-Milan --trace > a.json
              assay measure snp --ovmf A.fd --vcpus 4 --vcpu-type EPYC-Milan --trace > b.json
              assay explain a.json --against b.json
              assay explain /sys/firmware/acpi/tables/data/CCEL --against build/minimal/measurements/tdx.json \
                  --files build/minimal
            """)

    @Argument(help: ArgumentHelp("A measurement with its trace, or an event log.", valueName: "file"))
    var measurement: String
    @Option(help: ArgumentHelp("Another measurement or log, to say what differs.", valueName: "file"))
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
    @OptionGroup var candidates: CandidateFileOptions
    @OptionGroup var logs: EventLogOptions
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (depth ?? 1) >= 1 else { throw ValidationError("--depth: expected at least 1") }
        guard against != nil || againstPoint == nil else {
            throw ValidationError("--against-point needs --against")
        }
    }

    func run() throws {
        let subject = try ExplainedFile(measurement, logs)
        guard let against else {
            switch subject {
            case .measurement(let record): return try show(record)
            case .log(let log): return show(log)
            }
        }
        switch (subject, try ExplainedFile(against, logs)) {
        case (.measurement(let first), .measurement(let second)):
            let comparison = try compare(first, second)
            print(json ? ReadableJSON.encode(comparison.document) : comparison.text, terminator: "")
            if !comparison.isEqual { throw ExitCode(Outcome.no.rawValue) }
        case (.log(let log), .measurement(let record)), (.measurement(let record), .log(let log)):
            try explain(log, by: record)
        case (.log(let found), .log(let expected)):
            try EventLogOptions.requireSame(expected, found)
            try finish(
                EventComparison(
                    expected: try expected.histories(), found: try found.histories(),
                    files: try candidates.read(algorithms: found.algorithms), expectsAllRegisters: true))
        }
    }

    /// Compares a log with the chosen point, or with the one that shares most final values with it.
    private func explain(_ log: EventLog, by record: MeasurementRecord) throws {
        let found = try log.histories()
        let chosen = try point.map { try choose($0, in: record) }
        guard let expected = chosen ?? record.points.max(by: { $0.agreement(with: found) < $1.agreement(with: found) })
        else { return }
        let histories = expected.histories()
        let isTD = histories.contains { $0.name.hasPrefix("RTMR") }
        guard !histories.isEmpty, isTD == (log.registers == .tdx) else {
            throw CommandFailure(
                "\(record.source) predicts \(histories.isEmpty ? "no events" : isTD ? "a TD" : "a TPM"), and the log is "
                    + (log.registers == .tdx ? "a TD's" : "a TPM's"),
                hint: "measure tdx and measure tpm predict events; --kind says whose the log is")
        }
        if record.points.count > 1, !json {
            let choice = point == nil ? "the one that the log fits best of \(record.points.count)" : "as chosen"
            print(TraceText.oneLine("point \(expected.label), \(choice)"))
        }
        let comparison = EventComparison(
            expected: histories, found: found, files: try candidates.read(algorithms: log.algorithms))
        guard !comparison.banks.isEmpty else {
            throw CommandFailure("\(record.source) and the log have no hash in common")
        }
        try finish(comparison)
    }

    private func finish(_ comparison: EventComparison) throws {
        let output = EventComparisonText(comparison: comparison)
        print(json ? ReadableJSON.encode(output.document) : output.text, terminator: "")
        if !comparison.isEqual { throw ExitCode(Outcome.no.rawValue) }
    }

    private func show(_ log: EventLog) {
        let text = EventLogText(log: log)
        print(json ? ReadableJSON.encode(text.document) : text.explanation, terminator: "")
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
