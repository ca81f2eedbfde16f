public import Bytes

/// QEMU's `etc/table-loader`: commands of 128 bytes that tell firmware how to place and link the tables (QEMU
/// `hw/acpi/bios-linker-loader.c`). Names of items take 56 bytes, ended by NUL.
///
/// | command | 4 | fields |
/// |---|---|---|
/// | allocate | 1 | name, u32 alignment, u8 zone (1 high, 2 below 1 MiB) |
/// | add pointer | 2 | name, name of what it points into, u32 offset, u8 size |
/// | add checksum | 3 | name, u32 offset of the result, u32 start, u32 length |
/// | write pointer | 4 | name, name of what it points into, u32 offset, u32 offset in that, u8 size |
public struct LinkerScript: Hashable, Sendable {
    /// The item's name.
    public static let itemName = "etc/table-loader"
    /// QEMU pads the item to a multiple of this many bytes.
    public static let blockSize = 0x1000
    private static let commandSize = 128
    private static let nameSize = 56

    public enum Command: Hashable, Sendable {
        case allocate(String, alignment: UInt32, zone: UInt8)
        case addPointer(String, into: String, offset: UInt32, size: UInt8)
        case addChecksum(String, result: UInt32, start: UInt32, length: UInt32)
        case writePointer(String, into: String, offset: UInt32, inner: UInt32, size: UInt8)
    }

    public var commands: [Command]

    public init(_ commands: [Command]) { self.commands = commands }

    /// The items that the script has firmware fetch, in order: what is downloaded and measured.
    public var files: [String] {
        commands.compactMap { if case .allocate(let name, _, _) = $0 { name } else { nil } }
    }

    /// Reads commands up to the end or up to padding, which must be zeros.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        guard reader.remaining.isMultiple(of: Self.commandSize), reader.remaining <= 1 << 20 else {
            throw reader.error(
                "table-loader", found: "\(reader.remaining) bytes", expected: "a multiple of 128, at most 1 MiB")
        }
        commands = []
        while !reader.isAtEnd {
            var slice = try reader.slice(Self.commandSize, "command")
            let kind = try slice.read("command", as: UInt32.self)
            if kind == 0 {
                try slice.expectZeros(slice.remaining, "padding")
                try reader.expectZeros(reader.remaining, "padding")
                return
            }
            commands.append(try Self.command(kind, &slice))
            try slice.expectZeros(slice.remaining, "end of command")
        }
    }

    private static func command(_ kind: UInt32, _ reader: inout ByteReader) throws(FormatError) -> Command {
        let start = reader.position - 4
        let file = try name(&reader)
        switch kind {
        case 1: return .allocate(file, alignment: try reader.read("alignment"), zone: try reader.read("zone"))
        case 2:
            return .addPointer(
                file, into: try name(&reader), offset: try reader.read("offset"), size: try reader.read("size"))
        case 3:
            return .addChecksum(
                file, result: try reader.read("result"), start: try reader.read("start"),
                length: try reader.read("length"))
        case 4:
            return .writePointer(
                file, into: try name(&reader), offset: try reader.read("offset"), inner: try reader.read("inner"),
                size: try reader.read("size"))
        default:
            throw reader.error("command", found: "\(kind)", expected: "1 to 4, or 0 for padding", at: start)
        }
    }

    private static func name(_ reader: inout ByteReader) throws(FormatError) -> String {
        let start = reader.position
        let field = try reader.bytes(nameSize, "name")
        let name = field.prefix { $0 != 0 }
        guard !name.isEmpty, name.count < nameSize, field[name.count...].allSatisfy({ $0 == 0 }),
            name.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw reader.error("name", found: field.hex, expected: "printable text ended by NUL", at: start)
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// The item's bytes as QEMU pads them.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        for command in commands {
            writer.append(Self.encode(command))
            writer.pad(toMultipleOf: Self.commandSize)
        }
        writer.pad(toMultipleOf: Self.blockSize)
        return writer.bytes
    }

    private static func encode(_ command: Command) -> [UInt8] {
        var writer = ByteWriter()
        func name(_ text: String) {
            writer.append(text: text)
            writer.append(repeating: 0, count: nameSize - text.utf8.count)
        }
        switch command {
        case .allocate(let file, let alignment, let zone):
            writer.append(UInt32(1))
            name(file)
            writer.append(alignment)
            writer.append(zone)
        case .addPointer(let file, let target, let offset, let size):
            writer.append(UInt32(2))
            name(file)
            name(target)
            writer.append(offset)
            writer.append(size)
        case .addChecksum(let file, let result, let start, let length):
            writer.append(UInt32(3))
            name(file)
            for value in [result, start, length] { writer.append(value) }
        case .writePointer(let file, let target, let offset, let inner, let size):
            writer.append(UInt32(4))
            name(file)
            name(target)
            writer.append(offset)
            writer.append(inner)
            writer.append(size)
        }
        return writer.bytes
    }
}
