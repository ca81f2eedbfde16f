import Bytes

/// A firmware volume as td-shim reads it (`td_uefi_pi/fv.rs`): its linker's checksum covers the first 0x38 bytes and not
/// the whole header, so that volumes of other firmware are none, and files are read up to the first that is broken.
struct TDShimVolume {
    /// Where the volume stands in the image.
    let range: Range<Int>
    private let headerLength: Int
    private let image: [UInt8]

    struct File {
        var name: GUID
        var type: UInt8
        /// The content after the header, in the image.
        var content: Range<Int>
        /// Whether the header's checksum is right; td-shim stops at one that is not.
        var isIntact: Bool
    }

    private static let headerByteCount = 0x38
    private static let fileHeaderByteCount = 24
    private static let revision: UInt8 = 2

    /// The volume that starts at `offset`; nil if none does.
    init?(_ image: [UInt8], at offset: Int) throws(FormatError) {
        guard offset >= 0, image.count - offset >= Self.headerByteCount else { return nil }
        var reader = try ByteReader(image.raw, source: "").window(
            at: offset, count: Self.headerByteCount, "firmware volume")
        let vector = try reader.bytes(16, "firmware volume.zero vector")
        try reader.skip(16, "firmware volume.file system")
        let length: UInt64 = try reader.read("firmware volume.length")
        let signature = try reader.bytes(4, "firmware volume.signature")
        try reader.skip(4, "firmware volume.attributes")
        headerLength = Int(try reader.read("firmware volume.header length", as: UInt16.self))
        try reader.skip(5, "firmware volume.checksum")
        let revision: UInt8 = try reader.read("firmware volume.revision")
        var sum: UInt16 = 0
        for index in stride(from: offset, to: offset + Self.headerByteCount, by: 2) {
            sum &+= UInt16(image[index]) | UInt16(image[index + 1]) << 8
        }
        guard vector.allSatisfy({ $0 == 0 }), signature == Array("_FVH".utf8), revision == Self.revision, sum == 0,
            length <= UInt64(image.count - offset), headerLength < length
        else { return nil }
        range = offset..<offset + Int(length)
        self.image = image
    }

    /// All volumes, which stand at whole pages.
    static func all(in image: [UInt8]) throws(FormatError) -> [TDShimVolume] {
        var volumes: [TDShimVolume] = []
        var offset = 0
        while offset < image.count {
            if let volume = try TDShimVolume(image, at: offset) {
                volumes.append(volume)
                offset = volume.range.upperBound.roundedUp(toMultipleOf: 0x1000)
            } else {
                offset += 0x1000
            }
        }
        return volumes
    }

    /// The first file that `matches`; nil where none does before the first that is broken.
    func file(source: String, _ matches: (File) -> Bool) throws(FormatError) -> File? {
        var position = range.lowerBound + headerLength
        while range.upperBound - position >= Self.fileHeaderByteCount {
            var reader = try ByteReader(image.raw, source: source).window(
                at: position, count: range.upperBound - position, "firmware file")
            let name = try reader.guid("firmware file.name")
            try reader.skip(2, "firmware file.integrity check")
            let type: UInt8 = try reader.read("firmware file.type")
            let attributes: UInt8 = try reader.read("firmware file.attributes")
            var size = Int(try reader.read("firmware file.size", as: UInt32.self) & 0xFF_FFFF)
            var header = Self.fileHeaderByteCount
            if attributes & 1 != 0 {
                guard range.upperBound - position >= header + 4 else { return nil }
                size = Int(try reader.read("firmware file.extended size", as: UInt32.self))
                header += 4
            }
            guard size >= header, size <= range.upperBound - position else { return nil }
            let sum = image[position..<position + header].reduce(UInt8(0)) { $0 &+ $1 }
            // Its linker leaves the state and the fixed file checksum in the sum.
            let file = File(
                name: name, type: type, content: position + header..<position + size, isIntact: sum == 0x07 &+ 0xAA)
            if !file.isIntact || matches(file) { return file }
            // Files stand at multiples of 8 of the volume, counted from its first.
            position += size.roundedUp(toMultipleOf: 8)
        }
        return nil
    }
}
