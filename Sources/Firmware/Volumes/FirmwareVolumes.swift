private import Archives
public import Bytes

/// All firmware volumes of an image, those in packed sections too.
public enum FirmwareVolumes {
    /// GUID of a section packed with LZMA (edk2 IntelFrameworkModulePkg, `gLzmaCustomDecompressGuid`).
    static let lzmaSection = OVMFGuid.known(0xee4e_5898, 0x3914, 0x4259, 0x9d6e_dc7b_d794_03cf)
    /// Most bytes that all packed sections of an image may unpack to.
    public static let unpackedLimit = 192 << 20
    private static let maximumDepth = 8
    private static let maximumVolumes = 64

    /// The volumes of `image` in the order in which they stand, each followed by those inside it.
    ///
    /// `source` names the image in errors; offsets inside a packed section are offsets in what it unpacks to, and the
    /// source then says so.
    public static func unpack(_ image: [UInt8], source: String) throws(FormatError) -> [FirmwareVolume] {
        try walk(image, source: source, unpacks: true).volumes
    }

    /// A packed section as it stands in the image.
    struct PackedSection {
        /// Offset of the LZMA stream in the image.
        var offset: Int
        var stream: [UInt8]
    }

    /// The packed sections of `image` that are not inside another packed one, without unpacking them.
    static func packedSections(_ image: [UInt8], source: String) throws(FormatError) -> [PackedSection] {
        try walk(image, source: source, unpacks: false).packedSections
    }

    private static func walk(_ image: [UInt8], source: String, unpacks: Bool) throws(FormatError) -> Walk {
        var walk = Walk(unpacks: unpacks)
        var offset = 0
        // A volume starts at a multiple of 8, and the signature stands at 0x28 of it.
        while let hit = image.firstOffset(of: FirmwareVolume.signature, from: offset + 0x28) {
            let start = hit - 0x28
            if start.isMultiple(of: 8), FirmwareVolume.isHeader(image, at: start) {
                let volume = try FirmwareVolume(
                    image, at: start, base: 0, origin: .image(offset: start), source: source)
                try walk.add(volume, place: Place(source: source, base: start), depth: 0)
                offset = start + volume.bytes.count
            } else {
                offset = start + 1
            }
        }
        return walk
    }

    /// Where bytes stand: in the image, or in what a packed section of it unpacks to.
    private struct Place {
        var source: String
        /// Offset of the bytes in `source`.
        var base: Int
        /// Offset of the packed section in the image, when inside one.
        var section: Int?

        func origin(at offset: Int) -> FirmwareVolume.Origin {
            guard let section else { return .image(offset: base + offset) }
            return .packed(sectionOffset: section, streamOffset: base + offset)
        }
    }

    private struct Walk {
        let unpacks: Bool
        var volumes: [FirmwareVolume] = []
        var packedSections: [PackedSection] = []
        var unpacked = 0

        mutating func add(_ volume: FirmwareVolume, place: Place, depth: Int) throws(FormatError) {
            guard depth < maximumDepth, volumes.count < maximumVolumes else {
                throw FormatError(
                    source: place.source, offset: place.base, field: "firmware volume",
                    found: "more than \(maximumVolumes) volumes or \(maximumDepth) levels", expected: "fewer")
            }
            volumes.append(volume)
            for file in volume.files where file.hasSections {
                var inner = place
                inner.base += file.content.lowerBound
                try sections(Array(volume.bytes[file.content]), place: inner, depth: depth + 1)
            }
        }

        /// Walks a stream of sections (UEFI PI 1.8, volume 3, §3.2.5): u24 size, u8 type, at multiples of 4.
        mutating func sections(_ stream: [UInt8], place: Place, depth: Int) throws(FormatError) {
            guard depth < maximumDepth else { return }
            var position = 0
            while stream.count - position >= 4 {
                var reader = try ByteReader(stream.raw, source: place.source, base: place.base).window(
                    at: position, count: stream.count - position, "section")
                let word: UInt32 = try reader.read("section.size")
                var size = Int(word & 0xFF_FFFF)
                if size == 0xFF_FFFF { size = Int(try reader.read("section.extended size", as: UInt32.self)) }
                let header = reader.position
                guard size >= header, size <= stream.count - position else {
                    throw reader.error(
                        "section.size", found: hexadecimal(size),
                        expected: "at least \(header) and at most \(hexadecimal(stream.count - position))", at: 0)
                }
                let body = try reader.bytes(size - header, "section")
                var inner = place
                inner.base += position + header
                try section(UInt8(word >> 24), body, place: inner, headerLength: header, depth: depth)
                position = (position + size).roundedUp(toMultipleOf: 4)
            }
        }

        private mutating func section(
            _ type: UInt8, _ body: [UInt8], place: Place, headerLength: Int, depth: Int
        ) throws(FormatError) {
            switch type {
            case 0x17:  // EFI_SECTION_FIRMWARE_VOLUME_IMAGE
                guard FirmwareVolume.isHeader(body, at: 0) else {
                    throw FormatError(
                        source: place.source, offset: place.base, field: "firmware volume",
                        found: "no volume header with a right checksum", expected: "one in a volume section")
                }
                let volume = try FirmwareVolume(
                    body, at: 0, base: place.base, origin: place.origin(at: 0), source: place.source)
                try add(volume, place: place, depth: depth)
            case 0x02:  // EFI_SECTION_GUID_DEFINED: GUID, u16 data offset from the section's start, u16 attributes
                try packed(body, place: place, headerLength: headerLength, depth: depth)
            default: break
            }
        }

        private mutating func packed(
            _ body: [UInt8], place: Place, headerLength: Int, depth: Int
        ) throws(FormatError) {
            var reader = ByteReader(body.raw, source: place.source, base: place.base)
            guard try reader.guid("section.guid") == lzmaSection else { return }
            let dataOffset = Int(try reader.read("section.data offset", as: UInt16.self))
            // The offset counts from the section's header.
            let start = dataOffset - headerLength
            guard start >= 20, start <= body.count else {
                throw reader.error(
                    "section.data offset", found: hexadecimal(dataOffset),
                    expected: "one after the section's header, inside it", at: 16)
            }
            let packed = Array(body[start...])
            packedSections.append(PackedSection(offset: place.base + start, stream: packed))
            guard unpacks else { return }
            let stream = try LZMAStream.decode(
                packed, source: place.source, base: place.base + start,
                limit: unpackedLimit - unpacked)
            unpacked += stream.count
            let section = place.base - headerLength
            let inner = Place(
                source: "\(place.source) (unpacked from \(hexadecimal(section)))", base: 0,
                section: place.section ?? section)
            try sections(stream, place: inner, depth: depth + 1)
        }
    }
}
