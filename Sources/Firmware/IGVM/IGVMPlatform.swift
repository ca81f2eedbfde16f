import Bytes

/// SUPPORTED_PLATFORM: a platform that the file can be loaded on (IGVM definitions, `IGVM_VHS_SUPPORTED_PLATFORM`).
///
///     0x00 4 compatibility mask   one bit; headers with it set are for this platform
///     0x04 1 highest VTL          0 or 2
///     0x05 1 platform type
///     0x06 2 platform version     1
///     0x08 8 shared GPA boundary  0: shared memory is managed otherwise
public struct IGVMPlatform: Hashable, Sendable {
    /// What isolates the guest.
    public enum Kind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        case native = 0
        case vsm = 1
        case snp = 2
        case tdx = 3
        case sev = 4
        case sevES = 5
        case cca = 6

        public var description: String {
            switch self {
            case .native: "native"
            case .vsm: "VSM isolation"
            case .snp: "SEV-SNP"
            case .tdx: "TDX"
            case .sev: "SEV"
            case .sevES: "SEV-ES"
            case .cca: "CCA"
            }
        }
    }

    public var compatibilityMask: UInt32
    public var highestVTL: UInt8
    public var kind: Kind
    /// Guest physical address from which memory is visible to the host; 0 where the field is not used.
    public var sharedGPABoundary: UInt64

    init(_ reader: inout ByteReader) throws(FormatError) {
        let maskPlace = reader.position
        compatibilityMask = try reader.read("SUPPORTED_PLATFORM.compatibility mask")
        guard compatibilityMask.nonzeroBitCount == 1 else {
            throw reader.error(
                "SUPPORTED_PLATFORM.compatibility mask", found: hexadecimal(compatibilityMask), expected: "one bit",
                at: maskPlace)
        }
        highestVTL = try reader.read("SUPPORTED_PLATFORM.highest VTL")
        guard [0, 2].contains(highestVTL) else {
            throw reader.error(
                "SUPPORTED_PLATFORM.highest VTL", found: "\(highestVTL)", expected: "0 or 2", at: maskPlace + 4)
        }
        let raw: UInt8 = try reader.read("SUPPORTED_PLATFORM.platform type")
        guard let kind = Kind(rawValue: raw) else {
            throw reader.error(
                "SUPPORTED_PLATFORM.platform type", found: "\(raw)", expected: "0 to \(Kind.allCases.count - 1)",
                at: maskPlace + 5)
        }
        self.kind = kind
        try reader.expect("SUPPORTED_PLATFORM.platform version", UInt16(1))
        sharedGPABoundary = try reader.read("SUPPORTED_PLATFORM.shared GPA boundary")
        if [.native, .vsm].contains(kind), sharedGPABoundary != 0 {
            throw reader.error(
                "SUPPORTED_PLATFORM.shared GPA boundary", found: hexadecimal(sharedGPABoundary),
                expected: "0 on a \(kind) platform", at: maskPlace + 8)
        }
    }
}
