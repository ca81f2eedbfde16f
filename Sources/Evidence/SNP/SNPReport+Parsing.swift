public import Bytes
private import Hashing
private import Signing

extension SNPReport {
    /// Reads a report of 1184 bytes and nothing after it; `source` names it in errors.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        self = try bytes.withReader(source: source) { reader throws(FormatError) in
            let report = try SNPReport(parsing: &reader)
            try reader.finish("ATTESTATION_REPORT")
            return report
        }
    }

    /// Reads the 1184 bytes. Reserved bits and bytes must be zero, and fields keep to the values that the ABI names.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        guard reader.remaining >= Self.byteCount else {
            throw reader.error(
                "ATTESTATION_REPORT", found: "\(reader.remaining) bytes", expected: "\(Self.byteCount)")
        }
        let whole = try reader.window(at: reader.position, count: Self.byteCount, "ATTESTATION_REPORT")
        bytes = [UInt8](copying: whole.unread)
        version = try reader.version()
        guestSVN = try reader.read("GUEST_SVN")
        policy = try reader.policy()
        familyID = try reader.bytes(16, "FAMILY_ID")
        imageID = try reader.bytes(16, "IMAGE_ID")
        vmpl = try reader.vmpl()
        let algorithmOffset = reader.position
        signatureAlgorithm = try reader.read("SIGNATURE_ALGO")
        currentTCB = TCBVersion(try reader.read("CURRENT_TCB"))
        platformInfo = SNPPlatformInfo(
            rawValue: try reader.bits("PLATFORM_INFO", reserved: SNPPlatformInfo.reserved))
        let keyInfo = try reader.keyInfo()
        isAuthorKeyUsed = keyInfo & 1 != 0
        isChipKeyMasked = keyInfo & 2 != 0
        signingKey = SNPSigningKey(rawValue: keyInfo >> 2) ?? .none
        // 1 is ECDSA P-384 with SHA-384; a report that nobody signed may name no algorithm.
        guard signatureAlgorithm == 1 || (signatureAlgorithm == 0 && signingKey == .none) else {
            throw reader.error(
                "SIGNATURE_ALGO", found: "\(signatureAlgorithm)", expected: "1 (ECDSA P-384 with SHA-384)",
                at: algorithmOffset)
        }
        reportData = try reader.bytes(64, "REPORT_DATA")
        measurement = try reader.digest("MEASUREMENT")
        hostData = try reader.bytes(32, "HOST_DATA")
        idKeyDigest = try reader.digest("ID_KEY_DIGEST")
        authorKeyDigest = try reader.digest("AUTHOR_KEY_DIGEST")
        reportID = try reader.bytes(32, "REPORT_ID")
        migrationAgentReportID = try reader.bytes(32, "REPORT_ID_MA")
        reportedTCB = TCBVersion(try reader.read("REPORTED_TCB"))
        processor = try reader.processor(version: version)
        chipID = try reader.bytes(64, "CHIP_ID")
        committedTCB = TCBVersion(try reader.read("COMMITTED_TCB"))
        currentFirmware = try reader.firmware("CURRENT")
        committedFirmware = try reader.firmware("COMMITTED")
        launchTCB = TCBVersion(try reader.read("LAUNCH_TCB"))
        launchMitigations = version >= 5 ? try reader.read("LAUNCH_MIT_VECTOR") : nil
        currentMitigations = version >= 5 ? try reader.read("CURRENT_MIT_VECTOR") : nil
        try reader.expectZeros(version >= 5 ? 0x98 : 0xA8, "reserved")
        signature = try SEVSignature(parsing: &reader, "SIGNATURE")
        try requireTCBLayout(source: reader.source, base: reader.sourceOffset - Self.byteCount)
    }

    /// Where the layout is known, the bytes that it reserves must be zero.
    private func requireTCBLayout(source: String, base: Int) throws(FormatError) {
        guard let tcbLayout else { return }
        for (name, offset, version) in [
            ("CURRENT_TCB", 0x38, currentTCB), ("REPORTED_TCB", 0x180, reportedTCB),
            ("COMMITTED_TCB", 0x1E0, committedTCB), ("LAUNCH_TCB", 0x1F0, launchTCB),
        ] where !version.fits(tcbLayout) {
            throw FormatError(
                source: source, offset: base + offset, field: name, found: "\(version)",
                expected: "zeros in the bytes that the \(tcbLayout.rawValue) layout reserves")
        }
    }
}

/// The fields whose values the ABI restricts.
extension ByteReader {
    fileprivate mutating func version() throws(FormatError) -> UInt32 {
        let start = position
        let version = try read("VERSION", as: UInt32.self)
        guard SNPReport.versions.contains(version) else {
            throw error(
                "VERSION", found: "\(version)", expected: "2 to 5", at: start,
                hint: "this is no SEV-SNP attestation report, or one newer than this program")
        }
        return version
    }

    fileprivate mutating func bits(_ field: String, reserved: UInt64) throws(FormatError) -> UInt64 {
        let start = position
        let value = try read(field, as: UInt64.self)
        guard value & reserved == 0 else {
            throw error(
                field, found: hexadecimal(value), expected: "zero in the reserved bits \(hexadecimal(reserved))",
                at: start)
        }
        return value
    }

    fileprivate mutating func policy() throws(FormatError) -> SNPPolicy {
        let start = position
        let policy = SNPPolicy(rawValue: try bits("POLICY", reserved: SNPPolicy.reserved))
        guard policy.rawValue & SNPPolicy.mandatory != 0 else {
            throw error("POLICY", found: hexadecimal(policy.rawValue), expected: "bit 17 set", at: start)
        }
        return policy
    }

    fileprivate mutating func vmpl() throws(FormatError) -> UInt32 {
        let start = position
        let vmpl = try read("VMPL", as: UInt32.self)
        guard vmpl <= 3 || vmpl == .max else {
            throw error("VMPL", found: "\(vmpl)", expected: "0 to 3, or 0xffffffff for the host", at: start)
        }
        return vmpl
    }

    fileprivate mutating func keyInfo() throws(FormatError) -> UInt32 {
        let start = position
        let value = try read("key information", as: UInt32.self)
        guard value >> 5 == 0 else {
            throw error("key information", found: hexadecimal(value), expected: "zero above bit 4", at: start)
        }
        guard SNPSigningKey(rawValue: value >> 2) != nil else {
            throw error("SIGNING_KEY", found: "\(value >> 2)", expected: "0 (VCEK), 1 (VLEK) or 7 (none)", at: start)
        }
        try expectZeros(4, "reserved")
        return value
    }

    fileprivate mutating func digest(_ field: String) throws(FormatError) -> Digest {
        let bytes = try bytes(HashAlgorithm.sha384.byteCount, field)
        guard let digest = Digest(.sha384, bytes: bytes) else {
            throw error(field, found: "\(bytes.count) bytes", expected: "48")
        }
        return digest
    }

    fileprivate mutating func processor(version: UInt32) throws(FormatError) -> SNPReport.Processor? {
        guard version >= 3 else {
            try expectZeros(24, "reserved")
            return nil
        }
        let processor = SNPReport.Processor(
            family: try read("CPUID_FAM_ID"), model: try read("CPUID_MOD_ID"), stepping: try read("CPUID_STEP"))
        try expectZeros(21, "reserved")
        return processor
    }

    fileprivate mutating func firmware(_ name: String) throws(FormatError) -> SNPFirmwareVersion {
        let build = try read(name + "_BUILD", as: UInt8.self)
        let minor = try read(name + "_MINOR", as: UInt8.self)
        let major = try read(name + "_MAJOR", as: UInt8.self)
        try expectZeros(1, "reserved")
        return SNPFirmwareVersion(major: major, minor: minor, build: build)
    }
}
