public import Hashing
public import Signing

/// An SEV-SNP attestation report, versions 2 to 5 (SEV-SNP firmware ABI, ATTESTATION_REPORT; 1184 bytes).
///
///     0x000  4 VERSION            0x1A0 64 CHIP_ID
///     0x004  4 GUEST_SVN          0x1E0  8 COMMITTED_TCB
///     0x008  8 POLICY             0x1E8  3 CURRENT build, minor, major
///     0x010 16 FAMILY_ID          0x1EB  1 reserved
///     0x020 16 IMAGE_ID           0x1EC  3 COMMITTED build, minor, major
///     0x030  4 VMPL               0x1EF  1 reserved
///     0x034  4 SIGNATURE_ALGO     0x1F0  8 LAUNCH_TCB
///     0x038  8 CURRENT_TCB        0x1F8  8 LAUNCH_MIT_VECTOR   from version 5
///     0x040  8 PLATFORM_INFO      0x200  8 CURRENT_MIT_VECTOR  from version 5
///     0x048  4 key information    0x208    reserved to 0x2A0
///     0x04C  4 reserved           0x2A0 512 SIGNATURE over 0x000 to 0x29F
///     0x050 64 REPORT_DATA
///     0x090 48 MEASUREMENT
///     0x0C0 32 HOST_DATA
///     0x0E0 48 ID_KEY_DIGEST
///     0x110 48 AUTHOR_KEY_DIGEST
///     0x140 32 REPORT_ID
///     0x160 32 REPORT_ID_MA
///     0x180  8 REPORTED_TCB
///     0x188  3 CPUID family, model, stepping  from version 3
///     0x18B 21 reserved
public struct SNPReport: Hashable, Sendable {
    public static let byteCount = 0x4A0
    /// How many bytes from the start are signed.
    public static let signedByteCount = 0x2A0
    /// The versions that are read.
    public static let versions: ClosedRange<UInt32> = 2...5

    /// CPUID leaf 1 of the part.
    public struct Processor: Hashable, Sendable {
        public var family, model, stepping: UInt8
    }

    /// The 1184 bytes.
    public let bytes: [UInt8]

    public let version: UInt32
    public let guestSVN: UInt32
    public let policy: SNPPolicy
    /// 16 bytes each, from the ID block.
    public let familyID, imageID: [UInt8]
    /// The privilege level that asked for the report, 0 to 3; the host asks as 0xFFFFFFFF.
    public let vmpl: UInt32
    public let signatureAlgorithm: UInt32
    public let currentTCB: TCBVersion
    public let platformInfo: SNPPlatformInfo
    public let isAuthorKeyUsed: Bool
    public let isChipKeyMasked: Bool
    public let signingKey: SNPSigningKey
    /// 64 bytes that the guest chose.
    public let reportData: [UInt8]
    /// The launch digest, SHA-384.
    public let measurement: Digest
    /// 32 bytes that the host gave at launch.
    public let hostData: [UInt8]
    /// SHA-384 of the keys' structures; zeros without an ID block.
    public let idKeyDigest, authorKeyDigest: Digest
    /// 32 bytes each: this guest's and its migration agent's; 0xFF without one.
    public let reportID, migrationAgentReportID: [UInt8]
    public let reportedTCB: TCBVersion
    /// From version 3.
    public let processor: Processor?
    /// 64 bytes; zeros where the platform masks it, and behind Turin's eight.
    public let chipID: [UInt8]
    public let committedTCB: TCBVersion
    public let currentFirmware, committedFirmware: SNPFirmwareVersion
    public let launchTCB: TCBVersion
    /// From version 5.
    public let launchMitigations, currentMitigations: UInt64?
    public let signature: SEVSignature

    /// The signed part.
    public var signedBytes: [UInt8] { Array(bytes.prefix(Self.signedByteCount)) }

    /// The processor line, known from version 3 on.
    public var product: SNPProduct? { processor.flatMap { SNPProduct(family: $0.family, model: $0.model) } }

    /// Whether the platform hides which chip it is.
    public var isChipIDMasked: Bool { chipID.allSatisfy { $0 == 0 } }

    /// How TCB versions are laid out: by the processor, or in version 2, which does not state it, by a chip identifier of
    /// eight bytes as only Turin has. Nil if neither tells: an unknown processor, or a masked identifier.
    public var tcbLayout: TCBLayout? {
        if processor != nil { return product?.tcbLayout }
        if isChipIDMasked { return nil }
        return chipID.dropFirst(8).allSatisfy { $0 == 0 } ? .turin : .milan
    }
}
