public import Bytes

/// `TCG_PCClientTaggedEvent`: u32 tag, u32 size, data; the event data of EV_EVENT_TAG.
public struct TaggedEvent: Hashable, Sendable {
    public var tag: UInt32
    public var data: [UInt8]

    /// Linux's EFI stub: the options that it was started with, `LOADED_IMAGE::LoadOptions`.
    public static let loadOptions = TaggedEvent(
        tag: 0x8F3B_22ED, data: Array("LOADED_IMAGE::LoadOptions".utf8) + [0])
    /// Linux's EFI stub: the initrd that it loaded, `Linux initrd`.
    public static let initrd = TaggedEvent(tag: 0x8F3B_22EC, data: Array("Linux initrd".utf8) + [0])

    public init(tag: UInt32, data: [UInt8]) {
        self.tag = tag
        self.data = data
    }

    public init(parsing reader: inout ByteReader) throws(FormatError) {
        tag = try reader.read("taggedEventID")
        let size = try reader.read("taggedEventDataSize", as: UInt32.self)
        data = try reader.bytes(Int(size), "taggedEventData")
        try reader.finish("TCG_PCClientTaggedEvent")
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(tag)
        writer.append(UInt32(clamping: data.count))
        writer.append(data)
        return writer.bytes
    }
}
