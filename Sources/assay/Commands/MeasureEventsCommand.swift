import ArgumentParser
import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Release
import Trace

/// What the commands about event registers share: a profile, the form of the boot, and how results are shown.
struct MeasureEventsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder of a platform profile that describes the machine; then only files are given here.",
            valueName: "folder"))
    var profile: String?
    @Option(
        name: [.customLong("eventlog"), .customLong("log")],
        help: ArgumentHelp("Also write the predicted event log in its binary form.", valueName: "file"))
    var log: String?
    @Option(
        name: .customLong("exit-boot-services"),
        help: "How the kernel's call goes: first or retry; what the firmware is known to do if not given.")
    var exitBootServices: ExitBootServices?
    @Flag(help: "Print registers and events as JSON.")
    var json = false
    @Flag(help: "Print JSON with everything that was hashed, in order.")
    var trace = false

    /// Shows the points of a profile.
    func output(_ measurements: [Measurement], log events: () throws -> EventLog) throws {
        if let log { try OutputFile.write(try events().encoded, to: log) }
        if json || trace {
            let first = measurements.first { point in
                let form = point.axes.first { $0.name == "exitBootServices" }?.value
                return form == nil || form == (exitBootServices ?? .first).rawValue
            }
            var members = EventOutput.registers(first?.registers ?? [])
            members.append(("points", .array(of: measurements.map { $0.pointDocument(trace: trace) })))
            return print(ReadableJSON.encode(.object(members)), terminator: "")
        }
        if measurements.contains(where: { $0.axes.first?.name == "vcpus" }) {
            return print(PointLines(measurements).text, terminator: "")
        }
        for measurement in measurements {
            if measurements.count > 1 {
                print(measurement.axes.map { "# \($0.name): \($0.value)" }.joined(separator: ", "))
            }
            for register in measurement.registers { print("\(register.name) \(register.digest.hex)") }
        }
    }

    /// Shows one boot that options describe; `initial` is MRTD with its trace.
    func output(
        _ boot: MachineBoot, initial: (digest: Digest, trace: TraceNode)?, module: [Measurement.Register] = []
    ) throws {
        try output(
            BootPrediction(boot, exit: exitBootServices ?? boot.usualExit), initial: initial, module: module)
    }

    /// Shows what is predicted of a boot; a register that is not is named on stderr.
    func output(
        _ prediction: BootPrediction, initial: (digest: Digest, trace: TraceNode)?,
        module: [Measurement.Register] = [], loader: TDLoader? = nil
    ) throws {
        if let log { try OutputFile.write(prediction.log.encoded, to: log) }
        var registers = prediction.registers
        if let initial { registers.insert(.init("MRTD", initial.digest), at: 0) }
        registers += module
        var said: Set<String> = []
        for unknown in prediction.unknown {
            // Once for all banks.
            let line = "not predicted: \(unknown.register.prefix { $0 != "." }): \(unknown.reason)"
            if said.insert(line).inserted { Console.warning(line) }
        }
        guard json || trace else {
            for register in registers { print("\(register.name) \(register.digest.hex)") }
            return
        }
        var members = EventOutput.registers(registers)
        if let exit = prediction.exit { members.append(("exitBootServices", .string(exit.rawValue))) }
        if let loader { members.append(("loader", loader.document)) }
        let layout = prediction.layout
        members += [
            ("layout", .object([("name", .string(layout.name)), ("origin", .string(layout.origin))])),
            ("events", .array(of: prediction.eventDocuments)),
            (
                "unpredicted",
                .array(
                    of: prediction.unknown.map {
                        .object([("register", .string($0.register)), ("reason", .string($0.reason))])
                    })
            ),
        ]
        if trace {
            var tree = prediction.trace
            if let initial { tree.children.insert(initial.trace, at: 0) }
            members.append(("trace", tree.document))
        }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }
}

/// Registers as members of a JSON document: `mrtd`, `rtmr0`…, or `pcrs` by bank and number.
enum EventOutput {
    static func registers(_ registers: [Measurement.Register]) -> [(String, Value)] {
        var members: [(String, Value)] = []
        var banks: [(name: String, values: [(String, Value)])] = []
        for register in registers {
            let parts = register.name.split(separator: ".")
            guard parts.count == 2, parts[0].hasPrefix("PCR") else {
                members.append((register.name.lowercased(), .string(register.digest.hex)))
                continue
            }
            let bank = String(parts[1])
            let entry = (String(parts[0].dropFirst(3)), Value.string(register.digest.hex))
            if let index = banks.firstIndex(where: { $0.name == bank }) {
                banks[index].values.append(entry)
            } else {
                banks.append((bank, [entry]))
            }
        }
        if !banks.isEmpty { members.append(("pcrs", .object(banks.map { ($0.name, .object($0.values)) }))) }
        return members
    }
}

extension Measurement {
    /// A point with its events, and with its trace if asked.
    func pointDocument(trace: Bool = false) -> Value {
        guard case .object(let members) = document else { return document }
        return .object(
            members.filter { trace || $0.key != "trace" }
                + [Value.Member("events", Node(.array(of: eventDocuments)))])
    }
}

extension ExitBootServices: ExpressibleByArgument {}
