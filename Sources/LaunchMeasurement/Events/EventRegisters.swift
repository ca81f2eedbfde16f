private import Bytes
import Documents
public import EventLogs
public import Hashing
import Trace

extension Sequence<MeasuredEvent> {
    /// The value of a register after these events, from zero, and the trace of how it came about.
    ///
    /// - Parameter id: stable name of the register's node, e.g. `RTMR1` or `PCR4.sha256`.
    func extend(_ id: String, register: String, algorithm: HashAlgorithm) -> (digest: Digest, trace: TraceNode) {
        var value = Digest.zero(algorithm)
        var nodes: [TraceNode] = []
        for event in self {
            guard let digest = event.digest(algorithm) else { continue }
            value = value.extended(by: digest)
            nodes.append(event.trace(id: "\(id)/\(nodes.count)", register: register, digest: digest))
        }
        let trace = TraceNode(
            id: id, name: register, origin: "extended by every event in order, from zero", operation: .extend,
            register: register, digest: value, children: nodes)
        return (value, trace)
    }

    /// The events as the binary log that firmware would leave; varying event data is left empty.
    public func log(_ registers: EventLog.Registers, algorithms: [HashAlgorithm]) -> EventLog {
        var log = EventLog(
            registers: registers,
            header: .init(register: registers == .tdx ? 1 : 0, algorithms: algorithms))
        for event in self {
            let index = registers == .tpm ? event.pcr : TDRegister.index(pcr: event.pcr)
            guard let index else { continue }
            log.records.append(
                EventLog.Record(
                    register: index, type: event.type,
                    digests: algorithms.compactMap { event.digest($0).map { EventLog.AlgorithmDigest($0) } },
                    data: event.data ?? []))
        }
        return log
    }
}

extension MeasuredEvent {
    func trace(id: String, register: String, digest: Digest) -> TraceNode {
        var details: [(name: String, value: Value)] = [("eventType", .string("\(type)"))]
        details.append(("pcr", .count(Int(pcr))))
        if let data, content.first?.source != .literal(data) { details.append(("eventData", .string(data.hex))) }
        var node = TraceNode(
            id: id, name: name, origin: origin, operation: .hash, register: register, digest: digest, details: details)
        if content.count == 1, content[0].encoding == .bytes {
            node.source = content[0].source
        } else {
            node.operation = .concatenation
            node.children = content.enumerated().map { index, piece in
                var part = TraceNode(id: "\(id)/\(index)", name: piece.name, source: piece.source)
                if piece.encoding != .bytes { part.details = [("encoding", .string(piece.encoding.rawValue))] }
                return part
            }
        }
        return node
    }
}
