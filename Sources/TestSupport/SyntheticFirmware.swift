import Bytes

/// A small image with the tables of OVMF, made by rule, so that tests need no real firmware.
///
/// Bytes that belong to no structure are `31·i + (i >> 12)` mod 256 at offset i.
public struct SyntheticFirmware: Sendable {
    public struct Section: Sendable {
        public var gpa, size, type: UInt32
        public init(_ gpa: UInt32, _ size: UInt32, _ type: UInt32) {
            self.gpa = gpa
            self.size = size
            self.type = type
        }
    }

    /// A section of the TDVF descriptor.
    public struct TDVFSection: Sendable {
        public var dataOffset, rawSize: UInt32
        public var address, memorySize: UInt64
        public var type, attributes: UInt32
        public init(
            _ dataOffset: UInt32, _ rawSize: UInt32, _ address: UInt64, _ memorySize: UInt64, _ type: UInt32,
            _ attributes: UInt32
        ) {
            self.dataOffset = dataOffset
            self.rawSize = rawSize
            self.address = address
            self.memorySize = memorySize
            self.type = type
            self.attributes = attributes
        }
    }

    public var size = 0x8000
    public var resetAddress: UInt32? = 0x80_B004
    public var secretArea: (base: UInt32, size: UInt32)? = (0x81_0000, 0xC00)
    public var hashTableArea: (base: UInt32, size: UInt32)? = (0x81_0C00, 0x400)
    /// Where vCPUs start in an SVSM; nil for an image that is none.
    public var svsmLaunchOffset: UInt32?
    public var sections: [Section]? = [
        Section(0x80_0000, 0x9000, 1), Section(0x80_A000, 0x3000, 1), Section(0x80_D000, 0x1000, 2),
        Section(0x80_E000, 0x1000, 3), Section(0x80_F000, 0x1000, 4), Section(0x81_1000, 0xF000, 1),
        Section(0x81_0000, 0x1000, 0x10),
    ]
    public var tdvf: [TDVFSection]? = [
        TDVFSection(0x2000, 0x6000, 0xFFFF_A000, 0x6000, 0, 1), TDVFSection(0, 0x2000, 0xFFFF_8000, 0x2000, 1, 0),
        TDVFSection(0, 0, 0x81_0000, 0x1_0000, 3, 0), TDVFSection(0, 0, 0x80_9000, 0x2000, 2, 0),
    ]
    /// Whether a volume with a packed section stands at offset 0, and whether the verifier's GUIDs are in it.
    public var packedVolume: PackedVolume = .verifier

    public enum PackedVolume: Sendable { case none, verifier, noVerifier }

    public init() {}

    /// Offset of the SEV metadata and of the TDVF descriptor.
    public var sevMetadataOffset: Int { size - 0x400 }
    public var tdvfOffset: Int { size - 0x800 }

    public var bytes: [UInt8] {
        var image = (0..<size).map { UInt8(truncatingIfNeeded: 31 * $0 + $0 >> 12) }
        func put(_ bytes: [UInt8], at offset: Int) { image.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
        put(table, at: size - 0x20 - table.count)
        if sections != nil { put(sevMetadata, at: sevMetadataOffset) }
        if tdvf != nil { put(Self.tdvfDescriptor(tdvf ?? []), at: tdvfOffset) }
        if packedVolume != .none { put(Self.volume(packedVolume), at: 0) }
        return image
    }

    /// The GUIDed table, entries in the order that real images have.
    private var table: [UInt8] {
        var writer = ByteWriter()
        func entry(_ guid: String, _ words: [UInt32]) {
            for word in words { writer.append(word) }
            writer.append(UInt16(words.count * 4 + 18))
            writer.append(GUID(guid)?.bytes ?? [])
        }
        if tdvf != nil { entry("e47a6535-984a-4798-865e-4685a7bf8ec2", [UInt32(size - tdvfOffset)]) }
        if sections != nil { entry("dc886566-984a-4798-a75e-5585a7bf67cc", [UInt32(size - sevMetadataOffset)]) }
        if let offset = svsmLaunchOffset { entry("a789a612-0597-4c4b-a49f-cbb1fe9d1ddd", [offset]) }
        if let area = hashTableArea { entry("7255371f-3a3b-4b04-927b-1da6efa8d454", [area.base, area.size]) }
        if let area = secretArea { entry("4c2eb361-7d9b-4cc3-8081-127c90d3d294", [area.base, area.size]) }
        if let address = resetAddress { entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", [address]) }
        writer.append(UInt16(writer.count + 18))
        writer.append(GUID("96b582de-1fb2-45f7-baea-a366c55a082d")?.bytes ?? [])
        return writer.bytes
    }

    private var sevMetadata: [UInt8] {
        var writer = ByteWriter()
        let sections = sections ?? []
        writer.append(text: "ASEV")
        for word in [UInt32(16 + 12 * sections.count), 1, UInt32(sections.count)] { writer.append(word) }
        for section in sections {
            for word in [section.gpa, section.size, section.type] { writer.append(word) }
        }
        return writer.bytes
    }

    /// A TDVF descriptor with its sections, as firmware of any kind has it.
    public static func tdvfDescriptor(_ sections: [TDVFSection]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(text: "TDVF")
        for word in [UInt32(16 + 32 * sections.count), 1, UInt32(sections.count)] { writer.append(word) }
        for section in sections {
            writer.append(section.dataOffset)
            writer.append(section.rawSize)
            writer.append(section.address)
            writer.append(section.memorySize)
            writer.append(section.type)
            writer.append(section.attributes)
        }
        return writer.bytes
    }
}
