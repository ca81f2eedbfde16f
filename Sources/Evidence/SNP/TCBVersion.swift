private import Bytes

/// Which byte of a TCB version is whose (SEV-SNP firmware ABI, TCB_VERSION).
///
///     byte    0            1            2    3    4  5  6    7
///     milan   boot loader  TEE          -    -    -  -  SNP  microcode
///     turin   FMC          boot loader  TEE  SNP  -  -  -    microcode
public enum TCBLayout: String, Sendable, CaseIterable, Hashable {
    /// Milan and Genoa.
    case milan
    /// Turin and Venice.
    case turin

    /// The components by byte; every other byte is reserved.
    public var components: [(component: TCBComponent, byte: Int)] {
        switch self {
        case .milan: [(.bootLoader, 0), (.tee, 1), (.snp, 6), (.microcode, 7)]
        case .turin: [(.fmc, 0), (.bootLoader, 1), (.tee, 2), (.snp, 3), (.microcode, 7)]
        }
    }
}

/// A part of the platform with a security version of its own.
public enum TCBComponent: String, Sendable, CaseIterable, Hashable {
    case fmc
    case bootLoader
    case tee
    case snp
    case microcode
}

/// The security versions of a platform's parts, as the eight bytes of a report.
///
/// It is compared part by part: as one number a newer microcode would hide an older boot loader.
public struct TCBVersion: Hashable, Sendable, CustomStringConvertible {
    /// Byte 0 first.
    public let bytes: [UInt8]

    /// A version from its little-endian value.
    public init(_ value: UInt64) {
        bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    /// A version from its parts; those that the layout lacks are left out.
    public init(_ parts: [TCBComponent: UInt8], layout: TCBLayout) {
        var bytes = [UInt8](repeating: 0, count: 8)
        for (component, byte) in layout.components { bytes[byte] = parts[component] ?? 0 }
        self.bytes = bytes
    }

    /// The parts in the layout's order.
    public func parts(_ layout: TCBLayout) -> [(component: TCBComponent, version: UInt8)] {
        layout.components.map { ($0.component, bytes[$0.byte]) }
    }

    /// Whether the bytes that the layout reserves are zero.
    public func fits(_ layout: TCBLayout) -> Bool {
        let used = Set(layout.components.map(\.byte))
        return bytes.indices.allSatisfy { used.contains($0) || bytes[$0] == 0 }
    }

    /// `bootLoader 3, tee 0, …`.
    public func text(_ layout: TCBLayout) -> String {
        parts(layout).map { "\($0.component.rawValue) \($0.version)" }.joined(separator: ", ")
    }

    /// The eight bytes as hex, byte 0 first.
    public var description: String { bytes.hex }
}
