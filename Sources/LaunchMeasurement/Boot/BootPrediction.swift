public import Documents
public import EventLogs
import Hashing
public import Trace

/// The registers after a boot, and the events that make them.
public struct BootPrediction: Sendable {
    public let platform: MachineBoot.Platform
    public let layout: EventLayout
    public let exit: ExitBootServices
    public let events: [MeasuredEvent]
    /// `RTMR0`… or `PCR0.sha256`…; those with an event that cannot be told are left out.
    public let registers: [Measurement.Register]
    /// Registers that are left out, by name, and why.
    public let unknown: [(register: String, reason: String)]
    public let trace: TraceNode
    private let algorithms: [HashAlgorithm]

    /// Predicts a boot in which ExitBootServices goes as `exit` says.
    public init(_ boot: MachineBoot, exit: ExitBootServices) throws {
        let all = try boot.events(exit: exit)
        let notComputed = boot.isAnyUEFI ? try boot.anyUEFIUnknown() : [:]
        let events = all.filter { notComputed[$0.pcr] == nil }
        let algorithms = boot.platform == .td ? [.sha384] : boot.contents.algorithms
        var registers: [Measurement.Register] = []
        var unknown: [(register: String, reason: String)] = []
        var nodes: [TraceNode] = []
        let numbers: ClosedRange<UInt32> = boot.platform == .td ? 0...3 : 0...15
        for algorithm in algorithms {
            for number in numbers {
                let name = boot.platform == .td ? "RTMR\(number)" : "PCR\(number).\(algorithm.rawValue)"
                if let reason = notComputed[number] {
                    unknown.append((name, reason))
                    continue
                }
                let own = events.filter { event in
                    boot.platform == .td ? TDRegister.index(pcr: event.pcr) == number + 1 : event.pcr == number
                }
                if let missing = own.first(where: { $0.digests.isEmpty }) {
                    unknown.append((name, "\(missing.name): \(missing.origin)"))
                    continue
                }
                let (digest, trace) = own.extend(name, register: name, algorithm: algorithm)
                registers.append(Measurement.Register(name, digest))
                nodes.append(trace)
            }
        }
        platform = boot.platform
        layout = boot.layout
        self.exit = exit
        self.events = events
        self.registers = registers
        self.unknown = unknown
        self.algorithms = algorithms
        trace = TraceNode(
            id: boot.platform == .td ? "tdx" : "vtpm", name: "boot of one machine",
            details: [
                ("layout", .string(boot.layout.name)), ("layoutOrigin", .string(boot.layout.origin)),
                ("exitBootServices", .string(exit.rawValue)),
            ], children: nodes)
    }

    /// The binary log. Events that cannot be told are not in it.
    public var log: EventLog {
        events.filter { !$0.digests.isEmpty }.log(platform == .td ? .tdx : .tpm, algorithms: algorithms)
    }

    /// The events as documents: register, type, digest (or one a bank), what it is, what was hashed and by which rule.
    public var eventDocuments: [Value] { events.map { $0.document(on: platform) } }
}
