private import Bytes
internal import Files

/// QEMU's `etc/table-loader`: a script of 128-byte commands that tells firmware how to link ACPI tables (QEMU
/// `include/hw/acpi/bios-linker-loader.h`).
enum LoaderScript {
    private static let commandSize = 128
    private static let allocate: UInt32 = 1

    /// The files that the script allocates, in order: what firmware downloads and measures.
    static func files(of script: ByteSource) throws -> [String] {
        guard script.count.isMultiple(of: commandSize), script.count <= 1 << 20 else {
            throw FormatError(
                source: script.name, field: "table-loader", found: "\(script.count) bytes",
                expected: "a multiple of 128, at most 1 MiB")
        }
        return try script.withReader(count: script.count, "table-loader") { reader throws in
            var names: [String] = []
            while !reader.isAtEnd {
                var command = try reader.slice(commandSize, "command")
                guard try command.read("command", as: UInt32.self) == allocate else { continue }
                let name = try command.bytes(56, "file").prefix { $0 != 0 }
                names.append(String(decoding: name, as: UTF8.self))
            }
            return names
        }
    }
}
