/// A guest's launch policy (SEV-SNP firmware ABI, guest policy): what the owner lets the host do.
public struct SNPPolicy: NamedBits {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A bit that the ABI names.
    public enum Flag: Int, Sendable, CaseIterable {
        case smt = 16
        case migrationAgent = 18
        case debug = 19
        case singleSocket = 20
        case cxlAllowed = 21
        case aes256XTS = 22
        case raplDisabled = 23
        case ciphertextHiding = 24
        case pageSwapDisabled = 25
    }

    static let mandatory: UInt64 = 1 << 17
    /// Everything above bit 25.
    static let reserved: UInt64 = ~((1 << 26) - 1)

    /// Least ABI version that the guest runs on.
    public var minimumABI: (major: UInt8, minor: UInt8) {
        (UInt8(truncatingIfNeeded: rawValue >> 8), UInt8(truncatingIfNeeded: rawValue))
    }
}

/// What firmware says of the platform (SEV-SNP firmware ABI, PLATFORM_INFO).
public struct SNPPlatformInfo: NamedBits {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A bit that the ABI names.
    public enum Flag: Int, Sendable, CaseIterable {
        case smtEnabled = 0
        case tsmeEnabled = 1
        case eccEnabled = 2
        case raplDisabled = 3
        case ciphertextHidingEnabled = 4
        case aliasCheckComplete = 5
        case tioEnabled = 7
    }

    static let reserved = ~named
}

/// The key that signed a report (SIGNING_KEY, bits 4:2 at 0x48).
public enum SNPSigningKey: UInt32, Sendable, CaseIterable, Hashable {
    /// The chip's own key.
    case vcek = 0
    /// The cloud provider's key.
    case vlek = 1
    /// The report is not signed.
    case none = 7

    /// VCEK, VLEK or none.
    public var name: String {
        switch self {
        case .vcek: "VCEK"
        case .vlek: "VLEK"
        case .none: "none"
        }
    }
}

/// A firmware version: ABI major and minor, and build.
public struct SNPFirmwareVersion: Hashable, Sendable, CustomStringConvertible {
    public var major, minor, build: UInt8

    /// `major.minor.build`.
    public var description: String { "\(major).\(minor).\(build)" }
}
