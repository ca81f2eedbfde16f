public import Bytes

/// The SEV metadata of an OVMF image (edk2 OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm).
///
///     0x00  4  signature "ASEV"
///     0x04  4  length       0x10 + 12 × count
///     0x08  4  version      1
///     0x0C  4  count
///     0x10     count × { u32 gpa, u32 size, u32 type }
///
/// The order of the sections is the order in which a loader measures them.
public struct SEVMetadata: Hashable, Sendable {
    /// What a section's pages are for; a later edk2 may add kinds.
    public struct Kind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let secMem = Kind(rawValue: 1)
        public static let secrets = Kind(rawValue: 2)
        public static let cpuid = Kind(rawValue: 3)
        public static let svsmCAA = Kind(rawValue: 4)
        public static let kernelHashes = Kind(rawValue: 0x10)

        public var description: String {
            switch self {
            case .secMem: "SNP_SEC_MEM"
            case .secrets: "SNP_SECRETS"
            case .cpuid: "SNP_CPUID"
            case .svsmCAA: "SVSM_CAA"
            case .kernelHashes: "SNP_KERNEL_HASHES"
            default: "type \(hexadecimal(rawValue))"
            }
        }
    }

    public struct Section: Hashable, Sendable {
        /// Guest physical address of the first byte.
        public var gpa: UInt32
        /// Size in bytes; 0 adds nothing.
        public var size: UInt32
        public var kind: Kind
        /// Offset of the section's record in the image.
        public var recordOffset: Int

        /// A section as its record has it.
        public init(gpa: UInt32, size: UInt32, kind: Kind, recordOffset: Int) {
            self.gpa = gpa
            self.size = size
            self.kind = kind
            self.recordOffset = recordOffset
        }
    }

    static let headerByteCount = 16
    static let sectionByteCount = 12

    /// In table order.
    public let sections: [Section]

    init(image: [UInt8], fromEnd: Int, source: String) throws(FormatError) {
        guard fromEnd >= Self.headerByteCount, fromEnd <= image.count else {
            throw FormatError(
                source: source, field: "SEV metadata offset", found: hexadecimal(fromEnd),
                expected: "at least 0x10 and at most the image's size, \(hexadecimal(image.count))")
        }
        let whole = ByteReader(image.raw, source: source)
        var reader = try whole.window(at: image.count - fromEnd, count: fromEnd, "SEV metadata")
        try reader.expect("SEV metadata.signature", bytes: Array("ASEV".utf8))
        let length: UInt32 = try reader.read("SEV metadata.length")
        try reader.expect("SEV metadata.version", UInt32(1))
        let count: UInt32 = try reader.read("SEV metadata.count")
        guard UInt64(length) == UInt64(Self.headerByteCount) + UInt64(Self.sectionByteCount) * UInt64(count) else {
            throw reader.error(
                "SEV metadata.length", found: "\(hexadecimal(length)) with \(count) sections",
                expected: "0x10 + 12 bytes a section", at: 4)
        }
        var table = try reader.slice(Int(count) * Self.sectionByteCount, "SEV metadata.sections")
        var sections: [Section] = []
        for _ in 0..<count {
            let place = table.sourceOffset
            sections.append(
                Section(
                    gpa: try table.read("SEV metadata section.gpa"), size: try table.read("SEV metadata section.size"),
                    kind: Kind(rawValue: try table.read("SEV metadata section.type")), recordOffset: place))
        }
        self.sections = sections
    }

    /// A metadata table from sections that were read elsewhere.
    public init(sections: [Section]) { self.sections = sections }

    /// The first section of a kind.
    public func first(_ kind: Kind) -> Section? { sections.first { $0.kind == kind && $0.size > 0 } }

    /// Requires what an SNP launch needs: whole pages below 4 GiB, no overlap, exactly one page each of secrets and
    /// CPUID, at most one of kernel hashes, no unknown kind. `source` names the image.
    public func validateForSNP(source: String) throws(FormatError) {
        for section in sections {
            let name = "SEV metadata section \(section.kind)"
            func refuse(_ found: String, _ expected: String) -> FormatError {
                FormatError(
                    source: source, offset: section.recordOffset, field: name, found: found, expected: expected)
            }
            guard [.secMem, .secrets, .cpuid, .svsmCAA, .kernelHashes].contains(section.kind) else {
                throw refuse("an unknown kind", "kinds 1, 2, 3, 4 and 0x10, whose page records are known")
            }
            guard section.gpa.isMultiple(of: 4096), section.size.isMultiple(of: 4096) else {
                throw refuse("\(hexadecimal(section.gpa)) + \(hexadecimal(section.size))", "whole 4096-byte pages")
            }
            guard UInt64(section.gpa) + UInt64(section.size) <= 1 << 32 else {
                throw refuse("\(hexadecimal(section.gpa)) + \(hexadecimal(section.size))", "a range below 4 GiB")
            }
            let single: Set<Kind> = [.secrets, .cpuid, .kernelHashes]
            if single.contains(section.kind), section.size != 4096 {
                throw refuse("\(hexadecimal(section.size)) bytes", "one page of 0x1000 bytes")
            }
        }
        try validateSet(source: source)
    }

    private func validateSet(source: String) throws(FormatError) {
        for kind in [Kind.secrets, .cpuid, .kernelHashes] {
            let found = sections.filter { $0.kind == kind }
            guard found.count == 1 || (kind == .kernelHashes && found.isEmpty) else {
                throw FormatError(
                    source: source, offset: found.last?.recordOffset, field: "SEV metadata section \(kind)",
                    found: "\(found.count) sections", expected: kind == .kernelHashes ? "at most one" : "exactly one")
            }
        }
        let sorted = sections.filter { $0.size > 0 }.sorted { $0.gpa < $1.gpa }
        for (left, right) in zip(sorted, sorted.dropFirst())
        where UInt64(left.gpa) + UInt64(left.size) > UInt64(right.gpa) {
            throw FormatError(
                source: source, offset: right.recordOffset, field: "SEV metadata section \(right.kind)",
                found: "\(hexadecimal(right.gpa)), inside the section at \(hexadecimal(left.gpa))",
                expected: "sections that do not overlap")
        }
    }
}
