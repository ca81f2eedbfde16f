public import Bytes

/// A firmware volume (UEFI PI 1.8, volume 3, §3.2.1) and the files in it.
///
///     0x00 16  zero vector        0x30  2  header length
///     0x10 16  file system GUID   0x32  2  checksum: the header's words sum to 0
///     0x20  8  length             0x34  2  extended header offset, 0 for none
///     0x28  4  signature "_FVH"   0x36  1  reserved
///     0x2C  4  attributes         0x37  1  revision, 2
public struct FirmwareVolume: Sendable {
    /// Where a volume was found.
    public enum Origin: Hashable, Sendable {
        /// At this offset of the image.
        case image(offset: Int)
        /// At `streamOffset` of what the packed section at `sectionOffset` of the image unpacks to.
        case packed(sectionOffset: Int, streamOffset: Int)
    }

    /// The volume's name from its extended header.
    public var name: GUID?
    /// What is inside: a firmware file system, or a variable store.
    public var fileSystem: GUID
    public var attributes: UInt32
    /// The whole volume, header included: what a firmware hashes when it measures the volume.
    public var bytes: [UInt8]
    public var origin: Origin
    /// The files, in order; empty for a variable store.
    public var files: [FirmwareFile]

    static let headerByteCount = 0x38
    /// A header with a map of some hundred block runs; real ones have one run and 0x48 bytes.
    static let maximumHeader = 0x400
    static let signature: [UInt8] = Array("_FVH".utf8)
    static let fileSystem2 = OVMFGuid.known(0x8c8c_e578, 0x8a3d, 0x4f1c, 0x9935_8961_85c3_2dd3)
    static let fileSystem3 = OVMFGuid.known(0x5473_c07a, 0x3dcb, 0x4dca, 0xbd6f_1e96_89e7_349a)

    /// Whether the volume holds files (FFS2 or FFS3).
    public var holdsFiles: Bool { fileSystem == Self.fileSystem2 || fileSystem == Self.fileSystem3 }
}

/// A file of a firmware volume (UEFI PI 1.8, volume 3, §3.2.3).
public struct FirmwareFile: Hashable, Sendable {
    public var name: GUID
    /// EFI_FV_FILETYPE: 0x01 raw, 0x03 SEC core, 0x04 PEI core, 0x05 DXE core, 0x07 driver, 0x0B volume image, …
    public var type: UInt8
    /// The file in the volume's bytes, header included.
    public var range: Range<Int>
    /// The content after the header, in the volume's bytes.
    public var content: Range<Int>

    static let raw: UInt8 = 0x01
    static let pad: UInt8 = 0xF0
    /// Whether the content is a stream of sections.
    var hasSections: Bool { type != Self.raw && type != Self.pad && type != 0 }
}

extension FirmwareVolume {
    /// Whether a volume header with a right checksum stands at `offset`.
    static func isHeader(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, bytes.count - offset >= headerByteCount,
            Array(bytes[offset + 0x28..<offset + 0x2C]) == signature
        else { return false }
        let length = Int(bytes[offset + 0x30]) | Int(bytes[offset + 0x31]) << 8
        guard length >= headerByteCount, length.isMultiple(of: 2), length <= min(maximumHeader, bytes.count - offset)
        else { return false }
        var sum: UInt16 = 0
        for index in stride(from: offset, to: offset + length, by: 2) {
            sum &+= UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
        }
        return sum == 0
    }

    /// Reads the volume that starts at `offset` of `bytes`, which stand at `base` of `source`.
    init(
        _ bytes: [UInt8], at offset: Int, base: Int, origin: Origin, source: String
    ) throws(FormatError) {
        let whole = ByteReader(bytes.raw, source: source, base: base)
        var reader = try whole.window(at: offset, count: bytes.count - offset, "firmware volume")
        try reader.skip(16, "firmware volume.zero vector")
        fileSystem = try reader.guid("firmware volume.file system")
        let length: UInt64 = try reader.read("firmware volume.length")
        guard length >= UInt64(Self.headerByteCount), length <= UInt64(bytes.count - offset) else {
            throw reader.error(
                "firmware volume.length", found: hexadecimal(length),
                expected: "at most the \(hexadecimal(bytes.count - offset)) bytes that are there", at: 0x20)
        }
        try reader.expect("firmware volume.signature", bytes: Self.signature)
        attributes = try reader.read("firmware volume.attributes")
        let headerLength = Int(try reader.read("firmware volume.header length", as: UInt16.self))
        try reader.skip(2, "firmware volume.checksum")
        let extended = Int(try reader.read("firmware volume.extended header", as: UInt16.self))
        self.bytes = Array(bytes[offset..<offset + Int(length)])
        self.origin = origin
        name = nil
        files = []
        var first = headerLength
        if extended != 0 {
            var header = try reader.window(at: extended, count: 20, "firmware volume.extended header")
            name = try header.guid("firmware volume.name")
            let size: UInt32 = try header.read("firmware volume.extended header size")
            guard size >= 20, Int(size) <= self.bytes.count - extended else {
                throw header.error(
                    "firmware volume.extended header size", found: hexadecimal(size),
                    expected: "at least 0x14 and inside the volume", at: 16)
            }
            first = extended + Int(size)
        }
        if holdsFiles { files = try readFiles(from: first, base: base + offset, source: source) }
    }

    /// The files from `first` on; they stand at multiples of 8 of the volume, and erased bytes end them.
    private func readFiles(from first: Int, base: Int, source: String) throws(FormatError) -> [FirmwareFile] {
        let erased: UInt8 = attributes & 0x800 != 0 ? 0xFF : 0
        var files: [FirmwareFile] = []
        var position = first.roundedUp(toMultipleOf: 8)
        while position <= bytes.count - FirmwareFile.headerByteCount {
            let header = bytes[position..<position + FirmwareFile.headerByteCount]
            if header.allSatisfy({ $0 == erased }) { break }
            let file = try FirmwareFile(bytes, at: position, base: base, source: source)
            files.append(file)
            position = file.range.upperBound.roundedUp(toMultipleOf: 8)
        }
        return files
    }
}

extension FirmwareFile {
    static let headerByteCount = 24

    /// Reads the header at `offset` of a volume that stands at `base` of its source.
    ///
    ///     0x00 16 name   0x10 2 checks   0x12 1 type   0x13 1 attributes   0x14 3 size   0x17 1 state   (0x18 8 size)
    fileprivate init(_ volume: [UInt8], at offset: Int, base: Int, source: String) throws(FormatError) {
        let whole = ByteReader(volume.raw, source: source, base: base)
        var reader = try whole.window(at: offset, count: volume.count - offset, "firmware file")
        name = try reader.guid("firmware file.name")
        try reader.skip(2, "firmware file.integrity check")
        type = try reader.read("firmware file.type")
        let attributes: UInt8 = try reader.read("firmware file.attributes")
        var size = UInt64(try reader.read("firmware file.size", as: UInt32.self) & 0xFF_FFFF)
        var header = Self.headerByteCount
        if attributes & 1 != 0 {
            size = try reader.read("firmware file.extended size")
            header += 8
        }
        guard size >= UInt64(header), size <= UInt64(volume.count - offset) else {
            throw reader.error(
                "firmware file.size", found: hexadecimal(size),
                expected: "at least \(hexadecimal(header)) and at most the rest of the volume, "
                    + hexadecimal(volume.count - offset), at: 0x14)
        }
        range = offset..<offset + Int(size)
        content = offset + header..<offset + Int(size)
    }
}
