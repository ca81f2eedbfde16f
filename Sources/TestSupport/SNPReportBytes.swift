import Bytes

/// An SEV-SNP attestation report written field by field from the ABI's table, for tests.
public struct SNPReportBytes: Sendable {
    public var version: UInt32 = 3
    public var guestSVN: UInt32 = 7
    public var policy: UInt64 = 0x30000
    public var familyID = [UInt8](repeating: 0xF1, count: 16)
    public var imageID = [UInt8](repeating: 0x1A, count: 16)
    public var vmpl: UInt32 = 1
    public var signatureAlgorithm: UInt32 = 1
    public var currentTCB: [UInt8] = [4, 0, 0, 0, 0, 0, 24, 219]
    public var platformInfo: UInt64 = 0x25
    public var keyInfo: UInt32 = 0
    public var reportData = (0..<64).map { UInt8($0) }
    public var measurement = [UInt8](repeating: 0x4D, count: 48)
    public var hostData = [UInt8](repeating: 0x4F, count: 32)
    public var idKeyDigest = [UInt8](repeating: 0x1D, count: 48)
    public var authorKeyDigest = [UInt8](repeating: 0xA0, count: 48)
    public var reportID = [UInt8](repeating: 0x1E, count: 32)
    public var migrationAgentReportID = [UInt8](repeating: 0xFF, count: 32)
    public var reportedTCB: [UInt8] = [4, 0, 0, 0, 0, 0, 24, 217]
    /// Family, model, stepping; written from version 3 on.
    public var processor: [UInt8] = [0x19, 0x01, 0x01]
    public var chipID = (1...64).map { UInt8($0) }
    public var committedTCB: [UInt8] = [3, 0, 0, 0, 0, 0, 20, 210]
    /// Build, minor, major.
    public var currentFirmware: [UInt8] = [29, 55, 1]
    public var committedFirmware: [UInt8] = [28, 54, 1]
    public var launchTCB: [UInt8] = [2, 0, 0, 0, 0, 0, 19, 209]
    /// Written from version 5 on.
    public var mitigations: (launch: UInt64, current: UInt64) = (0x11, 0x13)
    /// r‖s, 48 bytes each, most significant byte first.
    public var signature = [UInt8](repeating: 0, count: 96)

    public init() {}

    /// The 672 bytes that are signed.
    public var signedBytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(version)
        writer.append(guestSVN)
        writer.append(policy)
        writer.append(familyID + imageID)
        writer.append(vmpl)
        writer.append(signatureAlgorithm)
        writer.append(currentTCB)
        writer.append(platformInfo)
        writer.append(keyInfo)
        writer.append(UInt32(0))
        writer.append(reportData + measurement + hostData + idKeyDigest + authorKeyDigest)
        writer.append(reportID + migrationAgentReportID + reportedTCB)
        writer.append(version >= 3 ? processor : [0, 0, 0])
        writer.append(repeating: 0, count: 0x1A0 - writer.count)
        writer.append(chipID + committedTCB + currentFirmware + [0] + committedFirmware + [0] + launchTCB)
        if version >= 5 {
            writer.append(mitigations.launch)
            writer.append(mitigations.current)
        }
        writer.append(repeating: 0, count: 0x2A0 - writer.count)
        return writer.bytes
    }

    /// The 1184 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(signedBytes)
        for half in [signature.prefix(48), signature.suffix(48)] {
            writer.append(half.reversed())
            writer.append(repeating: 0, count: 24)
        }
        writer.append(repeating: 0, count: 0x4A0 - writer.count)
        return writer.bytes
    }
}
