private import Bytes
public import Documents
private import EventLogs
import Hashing
import Trace

extension MeasuredEvent {
    /// The event for people and programs: register, type, digest (or one a bank), what it is, what was hashed and by
    /// which rule. An event that cannot be told has the digest null.
    ///
    /// - Parameter platform: whose registers it goes into.
    public func document(on platform: MachineBoot.Platform) -> Value {
        let register =
            platform == .td ? TDRegister.index(pcr: pcr).map { "RTMR\($0 - 1)" } ?? "none" : "PCR\(pcr)"
        var members: [(String, Value)] = [
            ("register", .string(register)), ("pcr", .count(Int(pcr))), ("type", .string("\(type)")),
        ]
        if let digest = digest(.sha384) ?? digests.last {
            members.append(("digest", .string(digest.hex)))
            members.append(("digests", .object(digests.map { ($0.algorithm.rawValue, .string($0.hex)) })))
        } else {
            members.append(("digest", .null))
        }
        members.append(("description", .string(name)))
        members.append(("source", .array(of: content.map(\.sourceDocument))))
        members.append(("rule", .string(origin)))
        if let data { members.append(("data", .string(data.hex))) }
        return .object(members)
    }
}

extension MeasuredEvent.Piece {
    /// Where hashed bytes come from.
    fileprivate var sourceDocument: Value {
        var members: [(String, Value)] = [("name", .string(name))]
        switch source {
        case .range(let artifact, let offset, let count):
            members += [("artifact", .string(artifact)), ("offset", .hex(offset)), ("count", .hex(count))]
        case .literal(let bytes): members.append(("bytes", .string(bytes.hex)))
        case .zeros(let count): members.append(("zeros", .count(count)))
        }
        if encoding != .bytes { members.append(("encoding", .string(encoding.rawValue))) }
        return .object(members)
    }
}
