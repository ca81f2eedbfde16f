private import Bytes

/// ATTRIBUTES of a trust domain (Intel TDX Module ABI, TD_PARAMS.ATTRIBUTES).
public struct TDAttributes: NamedBits {
    /// Little-endian in reports and quotes.
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A bit by its number.
    public enum Flag: Int, Sendable, CaseIterable {
        /// The host may read and change the domain's state.
        case debug = 0
        /// Accesses to memory that is not accepted do not raise an exception; Linux requires it.
        case septVEDisable = 28
        case migratable = 29
        case protectionKeys = 30
        case keyLocker = 31
        case performanceMonitoring = 63
    }

    /// The bits that no flag names.
    public var unnamed: UInt64 { rawValue & ~Self.named }

    /// As the file has it: eight bytes in hex.
    public var hex: String { UInt64Bytes.hex(rawValue) }
}

/// Little-endian fields of eight bytes as the file has them.
enum UInt64Bytes {
    static func hex(_ value: UInt64) -> String {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }.hex
    }
}
