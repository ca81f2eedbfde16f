private import Bytes
public import EventLogs
public import Hashing
public import LaunchMeasurement
public import Trace

/// One event that a register took: as a log has it, or as a prediction does.
public struct RegisterEvent: Hashable, Sendable {
    public var type: EventType
    /// What people call it: the prediction's name, or what the log's event data says.
    public var name: String
    /// One for each bank.
    public var digests: [Digest]
    /// The event data; nil where a prediction leaves it open because it varies.
    public var data: [UInt8]?
    /// How the data stands to the digests; a prediction's is free, for it says otherwise what it hashed.
    public var standing: EventLog.Record.DataStanding
    /// The rule of the prediction that put it there; nil in a log.
    public var origin: String?
    /// What was hashed, piece by piece; empty in a log.
    public var pieces: [Piece] = []
    /// Byte offset in the log.
    public var offset: Int?

    /// A run of bytes that a prediction hashes.
    public struct Piece: Hashable, Sendable {
        public var name: String
        public var source: TraceNode.Source
        /// How the bytes enter the digest.
        public var encoding: MeasuredEvent.Encoding
    }

    /// The digest of one bank; nil if it has none.
    public func digest(_ algorithm: HashAlgorithm) -> Digest? { digests.first { $0.algorithm == algorithm } }

    /// The bytes that were hashed, where they are known: those of a log whose digests vouch for them, and a prediction's
    /// that are in the trace or in `files`.
    func content(_ files: CandidateFiles) -> [UInt8]? {
        guard !pieces.isEmpty else { return standing == .measured ? measuredData : nil }
        var result: [UInt8] = []
        for piece in pieces {
            guard let bytes = files.bytes(of: piece), result.count + bytes.count <= CandidateFiles.readLimit else {
                return nil
            }
            result += bytes
        }
        return result
    }

    /// The part of the data that its digests are of.
    private var measuredData: [UInt8]? {
        guard let data else { return nil }
        guard let digest = digests.first, Digest.of(data, digest.algorithm) != digest else { return data }
        if let value = variable?.data, Digest.of(value, digest.algorithm) == digest { return value }
        return nil
    }

    /// The data as a UEFI variable; nil if it is none.
    var variable: UEFIVariableData? {
        data.flatMap { EventLog.Record(register: 0, type: type, digests: [], data: $0).variable }
    }

    /// What the event is about, the same for two events that stand for the same thing with other values.
    var subject: String {
        let label: String
        switch type {
        case .variableDriverConfig, .variableBoot, .variableBoot2, .variableAuthority: label = variable?.name ?? ""
        case .platformConfigFlags: label = configurationItem ?? ""
        case .eventTag: label = tag.map { hexadecimal($0.tag) } ?? ""
        case .ipl: label = (data ?? []).text.split(separator: " ").prefix(3).joined(separator: " ")
        case .efiAction, .action: label = (data ?? []).text
        case .platformFirmwareBlob2, .handoffTables2: label = name
        default: label = ""
        }
        return "\(type) \(label)"
    }

    /// The tagged event of EV_EVENT_TAG.
    var tag: TaggedEvent? {
        guard type == .eventTag else { return nil }
        return data.flatMap { bytes in
            try? bytes.withReader(
                source: "event data", { reader throws(FormatError) in try TaggedEvent(parsing: &reader) })
        }
    }

    /// Name of the fw_cfg item behind EV_PLATFORM_CONFIG_FLAGS, as far as names tell.
    var configurationItem: String? {
        guard type == .platformConfigFlags else { return nil }
        let prefix = "fw_cfg "
        return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }
}
