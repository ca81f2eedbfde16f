private import Bytes

/// AML put together as QEMU's generator does (`hw/acpi/aml-build.c`): constants and lengths as short as they can be.
enum AMLWriter {
    static func integer(_ value: Int) -> [UInt8] {
        var writer = ByteWriter()
        switch value {
        case 0, 1: return [UInt8(value)]
        case 2...0xFF:
            writer.append(UInt8(0x0A))
            writer.append(UInt8(value))
        case 0x100...0xFFFF:
            writer.append(UInt8(0x0B))
            writer.append(UInt16(value))
        default:
            writer.append(UInt8(0x0C))
            writer.append(UInt32(truncatingIfNeeded: value))
        }
        return writer.bytes
    }

    /// A code, the length of what follows, and that.
    static func package(_ code: [UInt8], _ body: [UInt8]) -> [UInt8] {
        code + (AMLObject.packageLength(body: body.count) ?? []) + body
    }

    static func name(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// `Method (name, arguments, Serialized or not) { body }`.
    static func method(_ text: String, arguments: UInt8, serialized: Bool, _ body: [UInt8]) -> [UInt8] {
        package([0x14], name(text) + [arguments | (serialized ? 8 : 0)] + body)
    }
}
