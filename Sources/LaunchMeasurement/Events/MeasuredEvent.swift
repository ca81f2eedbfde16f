private import Bytes
public import EventLogs
public import Hashing
public import Trace

/// One thing that firmware or boot code measures: what is hashed, and where the digest goes.
///
/// Loading is simulated to one ordered list of these; registers, binary logs and traces all follow from the list.
public struct MeasuredEvent: Hashable, Sendable {
    /// What people call it, e.g. `kernel image`.
    public var name: String
    /// PCR that takes the digest; a TD maps it to an RTMR (`TDRegister`).
    public var pcr: UInt32
    public var type: EventType
    /// The bytes that the digest covers, in order.
    public var content: [Piece]
    /// The event data in the log; nil where it varies from boot to boot, which no digest covers.
    public var data: [UInt8]?
    /// The rule that put it here.
    public var origin: String
    /// One digest for every hash that was asked for.
    public var digests: [Digest]

    /// A run of bytes by name.
    public struct Piece: Hashable, Sendable {
        public var name: String
        public var source: TraceNode.Source
        public var encoding: Encoding

        public init(_ name: String, _ source: TraceNode.Source, encoding: Encoding = .bytes) {
            self.name = name
            self.source = source
            self.encoding = encoding
        }

        /// Bytes before any encoding.
        var byteCount: Int {
            switch source {
            case .literal(let bytes): bytes.count
            case .range(_, _, let count), .zeros(let count): count
            }
        }

        var isEmpty: Bool { byteCount == 0 }
    }

    /// How the bytes of a piece enter the digest; a trace says it in the piece's detail `encoding`.
    public enum Encoding: String, Hashable, Sendable, CaseIterable {
        /// As they are.
        case bytes
        /// Every byte becomes a UTF-16LE unit.
        case widened = "byte-to-utf16le"
        /// UTF-8 text becomes UTF-16LE.
        case utf16 = "utf8-to-utf16le"

        /// The bytes that enter; `.utf16` needs valid UTF-8.
        public func apply(to bytes: [UInt8]) -> [UInt8] {
            var writer = ByteWriter(capacity: bytes.count * 2)
            switch self {
            case .bytes: return bytes
            case .widened: for byte in bytes { writer.append(UInt16(byte)) }
            case .utf16: writer.append(utf16: String(decoding: bytes, as: UTF8.self))
            }
            return writer.bytes
        }
    }

    /// The digest of one hash; nil if it was not asked for.
    public func digest(_ algorithm: HashAlgorithm) -> Digest? {
        digests.first { $0.algorithm == algorithm }
    }
}

/// How a TD maps PCRs to its measurement registers: edk2's and Linux's CC measurement protocol.
public enum TDRegister {
    /// Measurement register number of the protocol: 1 for RTMR0. PCR 0 is MRTD, which cannot be extended.
    public static func index(pcr: UInt32) -> UInt32? {
        switch pcr {
        case 1, 7: 1
        case 2...6: 2
        case 8...15: 3
        default: nil
        }
    }
}
