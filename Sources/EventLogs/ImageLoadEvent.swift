public import Bytes

/// `UEFI_IMAGE_LOAD_EVENT` (PFP, section 10.4.2.3): the event data of an image that firmware loaded. No digest covers
/// it; the digest is the image's Authenticode hash.
///
/// | size | field |
/// |---|---|
/// | 8 | address of the image in memory |
/// | 8 | size in memory |
/// | 8 | link-time address |
/// | 8 | size of the device path |
/// | n | device path |
public struct ImageLoadEvent: Hashable, Sendable {
    public var location: UInt64
    public var length: UInt64
    public var linkTimeAddress: UInt64
    public var path: DevicePath

    public init(parsing reader: inout ByteReader) throws(FormatError) {
        location = try reader.read("UEFI_IMAGE_LOAD_EVENT.ImageLocationInMemory")
        length = try reader.read("UEFI_IMAGE_LOAD_EVENT.ImageLengthInMemory")
        linkTimeAddress = try reader.read("UEFI_IMAGE_LOAD_EVENT.ImageLinkTimeAddress")
        let size = try reader.read("UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath", as: UInt64.self)
        // Boot loaders before 2021 log eight bytes too many, the room that C gives the path in its structure.
        guard let size = Int(exactly: size), (0...8).contains(reader.remaining - size) else {
            throw reader.error(
                "UEFI_IMAGE_LOAD_EVENT.LengthOfDevicePath", found: "\(size)", expected: "\(reader.remaining)",
                at: reader.position - 8)
        }
        var inner = try reader.slice(size, "UEFI_IMAGE_LOAD_EVENT.DevicePath")
        path = size == 0 ? DevicePath([]) : try DevicePath(parsing: &inner)
        try inner.finish("UEFI_IMAGE_LOAD_EVENT.DevicePath")
        try reader.expectZeros(reader.remaining, "UEFI_IMAGE_LOAD_EVENT")
        try reader.finish("UEFI_IMAGE_LOAD_EVENT")
    }
}
