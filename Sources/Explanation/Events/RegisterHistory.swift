public import Bytes
import Documents
public import EventLogs
public import Hashing
import LaunchMeasurement
import Trace

/// The events of one register in order, and what it holds after them.
public struct RegisterHistory: Hashable, Sendable {
    /// `RTMR1`, `PCR4`.
    public var name: String
    /// The final value of every bank.
    public var values: [Digest]
    public var events: [RegisterEvent]

    public init(name: String, values: [Digest], events: [RegisterEvent]) {
        self.name = name
        self.values = values
        self.events = events
    }

    /// The final value of one bank; nil if it has none.
    public func value(_ algorithm: HashAlgorithm) -> Digest? { values.first { $0.algorithm == algorithm } }
}

extension EventLog {
    /// What every register took, in the order of register numbers.
    public func histories() throws(FormatError) -> [RegisterHistory] {
        var values: [UInt32: [Digest]] = [:]
        for algorithm in algorithms {
            for (register, value) in try replay(algorithm) { values[register, default: []].append(value) }
        }
        return values.keys.sorted().map { number in
            let own = records.filter { $0.register == number && $0.type != .noAction }
            let events = own.map { record in
                RegisterEvent(
                    type: record.type, name: record.summary, digests: algorithms.compactMap { record.digest($0) },
                    data: record.data, standing: record.dataStanding, offset: record.offset)
            }
            return RegisterHistory(
                name: registers.name(number), values: values[number] ?? [], events: events.namingConfiguration())
        }
    }
}

extension [RegisterEvent] {
    /// The events with names for fw_cfg items, of which logs name some and call the others `ACPI DATA`: edk2 measures the
    /// loader script, then the items in the script's order, of which the TPM's empty log is told by its digest.
    fileprivate func namingConfiguration() -> [RegisterEvent] {
        var rest = ["etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables"][...]
        let emptyLog = [UInt8](repeating: 0, count: 1 << 16)
        let item = Array<UInt8>("QEMU FW CFG\0".utf8)
        return map { event in
            var event = event
            guard event.type == .platformConfigFlags, let data = event.data else { return event }
            if data.starts(with: item) {
                event.name = "fw_cfg \(Array<UInt8>(data.dropFirst(item.count)).text)"
            } else if data.starts(with: "ACPI DATA".utf8), let digest = event.digests.last {
                if digest == .of(emptyLog, digest.algorithm) {
                    event.name = "fw_cfg etc/tpm/log"
                } else if let next = rest.popFirst() {
                    event.name = "fw_cfg \(next)"
                }
            }
            return event
        }
    }
}

extension MeasurementRecord.Point {
    /// What every register that events extend takes, in the trace's order: RTMRs, or PCRs with all banks in one.
    public func histories() -> [RegisterHistory] {
        var histories: [RegisterHistory] = []
        for node in trace.registerNodes where node.operation == .extend {
            guard let register = node.register, let value = node.digest else { continue }
            let name = String(register.prefix { $0 != "." })
            guard let index = histories.firstIndex(where: { $0.name == name }) else {
                histories.append(
                    RegisterHistory(name: name, values: [value], events: node.children.map { RegisterEvent($0) }))
                continue
            }
            histories[index].values.append(value)
            for (place, child) in zip(histories[index].events.indices, node.children) {
                histories[index].events[place].digests += [child.digest].compactMap(\.self)
            }
        }
        return histories
    }
}

extension RegisterEvent {
    /// An event of a trace.
    fileprivate init(_ node: TraceNode) {
        let parts = node.children.isEmpty ? [node] : node.children
        pieces = parts.compactMap { part in
            let encoding = part.detail("encoding").flatMap { MeasuredEvent.Encoding(rawValue: $0) } ?? .bytes
            return part.source.map { Piece(name: part.name, source: $0, encoding: encoding) }
        }
        type = node.detail("eventType").flatMap { EventType(name: $0) } ?? EventType(rawValue: .max)
        name = node.name
        digests = [node.digest].compactMap(\.self)
        origin = node.origin
        standing = .free
        if let hex = node.detail("eventData") {
            data = [UInt8](hex: hex)
        } else if pieces.count == 1, case .literal(let bytes) = pieces[0].source, pieces[0].encoding == .bytes,
            ![EventType.handoffTables, .bootServicesApplication, .bootServicesDriver].contains(type)
        {
            data = bytes
        }
    }
}
