import Bytes

/// GUEST_POLICY: the policy that the guest is launched with (IGVM definitions, `IGVM_VHS_GUEST_POLICY`).
///
///     0x00 8 policy              SEV-SNP guest policy, TDX attributes
///     0x08 4 compatibility mask
///     0x0C 4 reserved
public struct IGVMGuestPolicy: Hashable, Sendable {
    public var policy: UInt64
    public var compatibilityMask: UInt32

    init(_ reader: inout ByteReader) throws(FormatError) {
        policy = try reader.read("GUEST_POLICY.policy")
        compatibilityMask = try reader.read("GUEST_POLICY.compatibility mask")
        try reader.expectZeros(4, "GUEST_POLICY.reserved")
    }
}

/// RELOCATABLE_REGION: memory that a loader may place elsewhere as a whole.
///
///     0x00 4 compatibility mask  0x04 2 VP index  0x06 1 VTL  0x07 1 flags
///     0x08 8 alignment           0x10 8 GPA       0x18 8 size
///     0x20 8 least GPA           0x28 8 greatest GPA
public struct IGVMRelocatableRegion: Hashable, Sendable {
    public var compatibilityMask: UInt32
    public var vpIndex: UInt16
    public var vtl, flags: UInt8
    /// Bytes; a multiple of 4096.
    public var alignment, gpa, size, leastGPA, greatestGPA: UInt64

    init(_ reader: inout ByteReader) throws(FormatError) {
        compatibilityMask = try reader.read("RELOCATABLE_REGION.compatibility mask")
        vpIndex = try reader.read("RELOCATABLE_REGION.VP index")
        vtl = try reader.read("RELOCATABLE_REGION.VTL")
        flags = try reader.read("RELOCATABLE_REGION.flags")
        guard flags & ~7 == 0 else {
            throw reader.error(
                "RELOCATABLE_REGION.flags", found: hexadecimal(flags), expected: "bits 0 to 2 alone", at: 7)
        }
        alignment = try reader.pages("RELOCATABLE_REGION.alignment")
        guard alignment > 0 else {
            throw reader.error("RELOCATABLE_REGION.alignment", found: "0", expected: "at least 4096", at: 8)
        }
        gpa = try reader.aligned("RELOCATABLE_REGION.GPA", to: alignment)
        size = try reader.pages("RELOCATABLE_REGION.size")
        leastGPA = try reader.aligned("RELOCATABLE_REGION.least GPA", to: alignment)
        greatestGPA = try reader.aligned("RELOCATABLE_REGION.greatest GPA", to: alignment)
        try reader.requireRange(gpa, size, "RELOCATABLE_REGION")
    }
}

/// PAGE_TABLE_RELOCATION_REGION: the page tables that a loader corrects when it relocates.
///
///     0x00 4 compatibility mask  0x04 2 VP index  0x06 1 VTL  0x07 1 reserved
///     0x08 8 GPA                 0x10 8 size      0x18 8 used size
public struct IGVMPageTableRelocation: Hashable, Sendable {
    public var compatibilityMask: UInt32
    public var vpIndex: UInt16
    public var vtl: UInt8
    /// Bytes.
    public var gpa, size, usedSize: UInt64

    init(_ reader: inout ByteReader) throws(FormatError) {
        let name = "PAGE_TABLE_RELOCATION_REGION"
        compatibilityMask = try reader.read("\(name).compatibility mask")
        vpIndex = try reader.read("\(name).VP index")
        vtl = try reader.read("\(name).VTL")
        try reader.expectZeros(1, "\(name).reserved")
        gpa = try reader.pages("\(name).GPA")
        size = try reader.pages("\(name).size")
        usedSize = try reader.pages("\(name).used size")
        guard usedSize <= size else {
            throw reader.error(
                "\(name).used size", found: hexadecimal(usedSize), expected: "at most \(hexadecimal(size))", at: 0x18)
        }
        try reader.requireRange(gpa, size, name)
    }
}

/// CORIM_DOCUMENT and CORIM_SIGNATURE: bytes of the file (IGVM definitions, `IGVM_VHS_CORIM_DATA`).
///
///     0x00 4 compatibility mask  0x04 4 file offset  0x08 4 size  0x0C 4 reserved
public struct IGVMFileReference: Hashable, Sendable {
    public var compatibilityMask: UInt32
    public var fileOffset, size: UInt32

    init(_ reader: inout ByteReader, _ type: IGVMHeaderType) throws(FormatError) {
        compatibilityMask = try reader.read("\(type).compatibility mask")
        fileOffset = try reader.read("\(type).file offset")
        size = try reader.read("\(type).size")
        try reader.expectZeros(4, "\(type).reserved")
    }
}

/// CCA_POLICY: what an Arm realm must have.
///
///     0x00 4 compatibility mask  0x04 4 reserved  0x08 8 bits required 0  0x10 8 bits required 1
///     0x18 1 hash algorithm      0x19 1 live firmware activation          0x1A 6 reserved
public struct IGVMCCAPolicy: Hashable, Sendable {
    public var compatibilityMask: UInt32
    public var requiredZeros, requiredOnes: UInt64
    public var hashAlgorithm, liveFirmwareActivation: UInt8

    init(_ reader: inout ByteReader) throws(FormatError) {
        compatibilityMask = try reader.read("CCA_POLICY.compatibility mask")
        try reader.expectZeros(4, "CCA_POLICY.reserved")
        requiredZeros = try reader.read("CCA_POLICY.required zeros")
        requiredOnes = try reader.read("CCA_POLICY.required ones")
        guard requiredZeros & requiredOnes == 0 else {
            throw reader.error(
                "CCA_POLICY.required ones",
                found: "bits \(hexadecimal(requiredZeros & requiredOnes)) required both ways",
                expected: "no such bit", at: 0x10)
        }
        hashAlgorithm = try reader.read("CCA_POLICY.hash algorithm")
        liveFirmwareActivation = try reader.read("CCA_POLICY.live firmware activation")
        guard hashAlgorithm <= 2, liveFirmwareActivation <= 1 else {
            throw reader.error(
                "CCA_POLICY.hash algorithm", found: "\(hashAlgorithm), activation \(liveFirmwareActivation)",
                expected: "an algorithm of 0 to 2 and an activation of 0 or 1", at: 0x18)
        }
        try reader.expectZeros(6, "CCA_POLICY.reserved")
    }
}
