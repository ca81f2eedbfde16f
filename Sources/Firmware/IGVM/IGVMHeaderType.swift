private import Bytes

/// The type of a variable header (IGVM definitions, `IgvmVariableHeaderType`).
public struct IGVMHeaderType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Set in a type that a loader may pass over when it does not know it.
    public static let optionalBit: UInt32 = 1 << 31

    public static let supportedPlatform = IGVMHeaderType(rawValue: 0x001)
    public static let guestPolicy = IGVMHeaderType(rawValue: 0x101)
    public static let relocatableRegion = IGVMHeaderType(rawValue: 0x102)
    public static let pageTableRelocation = IGVMHeaderType(rawValue: 0x103)
    public static let corimDocument = IGVMHeaderType(rawValue: 0x104)
    public static let corimSignature = IGVMHeaderType(rawValue: 0x105)
    public static let ccaPolicy = IGVMHeaderType(rawValue: 0x106)
    public static let parameterArea = IGVMHeaderType(rawValue: 0x301)
    public static let pageData = IGVMHeaderType(rawValue: 0x302)
    public static let parameterInsert = IGVMHeaderType(rawValue: 0x303)
    public static let vpContext = IGVMHeaderType(rawValue: 0x304)
    public static let requiredMemory = IGVMHeaderType(rawValue: 0x305)
    public static let vpCount = IGVMHeaderType(rawValue: 0x307)
    public static let srat = IGVMHeaderType(rawValue: 0x308)
    public static let madt = IGVMHeaderType(rawValue: 0x309)
    public static let mmioRanges = IGVMHeaderType(rawValue: 0x30A)
    public static let snpIDBlock = IGVMHeaderType(rawValue: 0x30B)
    public static let memoryMap = IGVMHeaderType(rawValue: 0x30C)
    public static let errorRange = IGVMHeaderType(rawValue: 0x30D)
    public static let commandLine = IGVMHeaderType(rawValue: 0x30E)
    public static let slit = IGVMHeaderType(rawValue: 0x30F)
    public static let pptt = IGVMHeaderType(rawValue: 0x310)
    public static let vbsMeasurement = IGVMHeaderType(rawValue: 0x311)
    public static let deviceTree = IGVMHeaderType(rawValue: 0x312)
    public static let environmentInfo = IGVMHeaderType(rawValue: 0x313)

    /// Every type that is read, with its name and the size of its content in bytes.
    static let known: [IGVMHeaderType: (name: String, byteCount: Int)] = [
        .supportedPlatform: ("SUPPORTED_PLATFORM", 16), .guestPolicy: ("GUEST_POLICY", 16),
        .relocatableRegion: ("RELOCATABLE_REGION", 48), .pageTableRelocation: ("PAGE_TABLE_RELOCATION_REGION", 32),
        .corimDocument: ("CORIM_DOCUMENT", 16), .corimSignature: ("CORIM_SIGNATURE", 16),
        .ccaPolicy: ("CCA_POLICY", 32), .parameterArea: ("PARAMETER_AREA", 16), .pageData: ("PAGE_DATA", 24),
        .parameterInsert: ("PARAMETER_INSERT", 16), .vpContext: ("VP_CONTEXT", 20),
        .requiredMemory: ("REQUIRED_MEMORY", 24), .vpCount: ("VP_COUNT_PARAMETER", 8), .srat: ("SRAT", 8),
        .madt: ("MADT", 8), .mmioRanges: ("MMIO_RANGES", 8), .snpIDBlock: ("SNP_ID_BLOCK", IGVMIDBlock.byteCount),
        .memoryMap: ("MEMORY_MAP", 8), .errorRange: ("ERROR_RANGE", 16), .commandLine: ("COMMAND_LINE", 8),
        .slit: ("SLIT", 8), .pptt: ("PPTT", 8), .vbsMeasurement: ("VBS_MEASUREMENT", 864),
        .deviceTree: ("DEVICE_TREE", 8), .environmentInfo: ("ENVIRONMENT_INFO_PARAMETER", 8),
    ]

    public var description: String { Self.known[self]?.name ?? "type \(hexadecimal(rawValue))" }

    /// The three parts of the variable headers, in the order in which a file holds them.
    public enum Section: Int, Comparable, Sendable {
        case platform, initialization, directive
        public static func < (a: Section, b: Section) -> Bool { a.rawValue < b.rawValue }
    }

    /// The part that a type belongs to, known or not; nil outside the ranges of all three.
    public var section: Section? {
        switch rawValue {
        case 0x001...0x100: .platform
        case 0x101...0x200: .initialization
        case 0x301...0x400: .directive
        default: nil
        }
    }
}
