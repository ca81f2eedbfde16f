public import Documents
public import EventLogs
import Hashing
public import Trace

/// The registers after a boot, and the events that make them.
public struct BootPrediction: Sendable {
    public let platform: MachineBoot.Platform
    /// Name and origin of the event layout.
    public let layout: (name: String, origin: String)
    /// nil for firmware that has no such call.
    public let exit: ExitBootServices?
    public let events: [MeasuredEvent]
    /// `RTMR0`… or `PCR0.sha256`…; those with an event that cannot be told are left out.
    public let registers: [Measurement.Register]
    /// Registers that are left out, by name, and why.
    public let unknown: [(register: String, reason: String)]
    public let trace: TraceNode
    private let algorithms: [HashAlgorithm]
    /// The first record of the log, where it is not edk2's.
    private let header: EventLog.SpecificationIdentifier?

    /// Predicts a boot in which ExitBootServices goes as `exit` says.
    public init(_ boot: MachineBoot, exit: ExitBootServices) throws {
        self.init(
            boot.platform, layout: (boot.layout.name, boot.layout.origin), exit: exit,
            events: try boot.events(exit: exit), notComputed: boot.isAnyUEFI ? try boot.anyUEFIUnknown() : [:],
            algorithms: boot.platform == .td ? [.sha384] : boot.contents.algorithms)
    }

    /// Predicts a boot of a TD with td-shim.
    public init(_ boot: TDShimBoot) throws {
        self.init(
            .td, layout: (boot.layout.name, boot.layout.origin), exit: nil, events: try boot.events(),
            algorithms: [.sha384], header: .tdShim)
    }

    private init(
        _ platform: MachineBoot.Platform, layout: (name: String, origin: String), exit: ExitBootServices?,
        events all: [MeasuredEvent], notComputed: [UInt32: String] = [:], algorithms: [HashAlgorithm],
        header: EventLog.SpecificationIdentifier? = nil
    ) {
        let events = all.filter { notComputed[$0.pcr] == nil }
        var registers: [Measurement.Register] = []
        var unknown: [(register: String, reason: String)] = []
        var nodes: [TraceNode] = []
        let numbers: ClosedRange<UInt32> = platform == .td ? 0...3 : 0...15
        for algorithm in algorithms {
            for number in numbers {
                let name = platform == .td ? "RTMR\(number)" : "PCR\(number).\(algorithm.rawValue)"
                if let reason = notComputed[number] {
                    unknown.append((name, reason))
                    continue
                }
                let own = events.filter { event in
                    platform == .td ? TDRegister.index(pcr: event.pcr) == number + 1 : event.pcr == number
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
        self.platform = platform
        self.layout = layout
        self.exit = exit
        self.events = events
        self.registers = registers
        self.unknown = unknown
        self.algorithms = algorithms
        self.header = header
        trace = TraceNode(
            id: platform == .td ? "tdx" : "vtpm", name: "boot of one machine",
            details: [
                ("layout", .string(layout.name)), ("layoutOrigin", .string(layout.origin)),
            ] + (exit.map { [("exitBootServices", .string($0.rawValue))] } ?? []), children: nodes)
    }

    /// The binary log. Events that cannot be told are not in it.
    public var log: EventLog {
        var log = events.filter { !$0.digests.isEmpty }.log(platform == .td ? .tdx : .tpm, algorithms: algorithms)
        if let header { log.header = header }
        return log
    }

    /// The events as documents: register, type, digest (or one a bank), what it is, what was hashed and by which rule.
    public var eventDocuments: [Value] { events.map { $0.document(on: platform) } }
}

extension EventLog.SpecificationIdentifier {
    /// The first record of td-shim's log (`cc-measurement/src/lib.rs`).
    fileprivate static var tdShim: EventLog.SpecificationIdentifier {
        var header = EventLog.SpecificationIdentifier(register: 0, algorithms: [.sha384])
        header.errata = 105
        header.vendorInformation = Array("td-shim".utf8)
        return header
    }
}
