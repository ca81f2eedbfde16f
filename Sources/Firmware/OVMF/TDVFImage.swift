public import Bytes

/// A firmware for trust domains: its bytes, and the sections that a loader builds the initial memory from.
public struct TDVFImage: Sendable {
    /// How errors and traces call the file.
    public let name: String
    public let bytes: [UInt8]
    public let metadata: TDVFMetadata

    /// An OVMF image with metadata that was read from it.
    public init(_ image: OVMFImage, metadata: TDVFMetadata) {
        name = image.name
        bytes = image.bytes
        self.metadata = metadata
    }

    /// Reads the metadata of `bytes` under the checks of `dialect`.
    ///
    /// An image that ends with OVMF's table of GUIDed structures has its place there, as an offset from the end. A
    /// td-shim image of the time before has, 32 bytes before its end, a u32 with the descriptor's offset from the start.
    public init(_ bytes: [UInt8], name: String, dialect: TDVFMetadata.Dialect) throws(FormatError) {
        self.name = name
        self.bytes = bytes
        guard dialect == .tdShim, !Self.hasTable(bytes) else {
            metadata = try OVMFImage(bytes, name: name).tdvfMetadata(dialect: dialect)
            return
        }
        guard bytes.count <= OVMFImage.maximumByteCount else {
            throw FormatError(
                source: name, field: "td-shim image", found: "\(bytes.count) bytes",
                expected: "at most \(OVMFImage.maximumByteCount)")
        }
        let place = bytes.count - Self.pointerFromEnd
        guard place >= TDVFMetadata.headerByteCount else {
            throw FormatError(
                source: name, field: "td-shim image", found: "\(bytes.count) bytes",
                expected: "at least \(TDVFMetadata.headerByteCount + Self.pointerFromEnd)")
        }
        var reader = try ByteReader(bytes.raw, source: name).window(at: place, count: 4, "TDVF descriptor offset")
        let offset: UInt32 = try reader.read("TDVF descriptor offset")
        guard Int(offset) <= place - TDVFMetadata.headerByteCount else {
            throw FormatError(
                source: name, offset: place, field: "TDVF descriptor offset", found: hexadecimal(offset),
                expected: "at most \(hexadecimal(place - TDVFMetadata.headerByteCount))",
                hint: "this is neither an OVMF image nor one of td-shim")
        }
        metadata = try TDVFMetadata(
            image: bytes, fromEnd: bytes.count - Int(offset), source: name, dialect: dialect)
    }

    private static let pointerFromEnd = 0x20

    /// Whether OVMF's footer stands where its table ends.
    private static func hasTable(_ bytes: [UInt8]) -> Bool {
        let place = bytes.count - 0x30
        return place >= 0 && Array(bytes[place..<place + GUID.byteCount]) == OVMFGuid.footer.bytes
    }
}
