public import Bytes

/// `EFI_LOAD_OPTION` (UEFI 2.10, section 3.1.3), the value of a Boot#### variable.
///
/// | size | field |
/// |---|---|
/// | 4 | attributes |
/// | 2 | size of the device paths |
/// | 2n | description, UTF-16LE with NUL |
/// | m | device path |
/// | rest | optional data |
public struct LoadOption: Hashable, Sendable {
    public var attributes: UInt32
    public var description: String
    public var path: DevicePath
    public var optionalData: [UInt8]

    public static let active: UInt32 = 0x001
    public static let hidden: UInt32 = 0x008
    public static let application: UInt32 = 0x100

    public init(attributes: UInt32, description: String, path: DevicePath, optionalData: [UInt8] = []) {
        self.attributes = attributes
        self.description = description
        self.path = path
        self.optionalData = optionalData
    }

    public init(parsing reader: inout ByteReader) throws(FormatError) {
        attributes = try reader.read("EFI_LOAD_OPTION.Attributes")
        let size = try reader.read("EFI_LOAD_OPTION.FilePathListLength", as: UInt16.self)
        description = try reader.utf16Terminated("EFI_LOAD_OPTION.Description")
        var list = try reader.slice(Int(size), "EFI_LOAD_OPTION.FilePathList")
        path = try DevicePath(parsing: &list)
        try list.finish("EFI_LOAD_OPTION.FilePathList")
        optionalData = try reader.bytes(reader.remaining, "EFI_LOAD_OPTION.OptionalData")
    }

    public var encoded: [UInt8] {
        let path = path.encoded
        var writer = ByteWriter()
        writer.append(attributes)
        writer.append(UInt16(clamping: path.count))
        writer.append(utf16: description)
        writer.append(UInt16(0))
        writer.append(path)
        writer.append(optionalData)
        return writer.bytes
    }
}
