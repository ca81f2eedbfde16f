import Bytes
import Documents
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@Suite("Linux boot header") struct LinuxBootHeaderTests {
    static func parse(_ bytes: [UInt8]) throws(FormatError) -> LinuxBootHeader {
        try bytes.withReader(source: "vmlinuz") { reader throws(FormatError) in try LinuxBootHeader(parsing: &reader) }
    }

    static func header(version: UInt16 = 0x20F, extended: UInt16 = 0x6B) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(repeating: 0, count: LinuxBootHeader.byteCount)
        writer.replace(at: 0x202, with: UInt32(0x5372_6448))
        writer.replace(at: 0x206, with: version)
        writer.replace(at: 0x211, with: UInt8(1))
        writer.replace(at: 0x22C, with: UInt32(0x7FFF_FFFF))
        writer.replace(at: 0x236, with: extended)
        return writer.bytes
    }

    /// Those of 512 MiB, 2 GiB, 2.5 GiB and 8 GiB with a limit are `ram-below-4g` of `info mtree` in QEMU 7.2.
    @Test(
        "RAM is split at 4 GiB as QEMU's q35 splits it",
        arguments: [
            (1 << 30, nil, 1 << 30), (0xAFFF_F000, nil, 0xAFFF_F000), (0xB000_0000, nil, 0x8000_0000),
            (8 << 30, nil, 0x8000_0000), (8 << 30, 3 << 30, 0x8000_0000), (8 << 30, 1 << 30, 1 << 30),
            (0xA000_0000, 0x9000_0000, 0x9000_0000), (512 << 20, 1 << 30, 512 << 20), (2 << 30, 1 << 30, 1 << 30),
        ] as [(UInt64, UInt64?, UInt64)])
    func split(memory: UInt64, limit: UInt64?, low: UInt64) {
        let machine = MachineMemory(memory: memory, maximumBelow4G: limit)
        #expect(machine.low == low && machine.high == memory - low)
    }

    @Test("the initrd goes as high as kernel and low RAM allow") func initrd() throws {
        let header = try Self.parse(Self.header())
        // 512 MiB of RAM: (0x20000000 − 0x28000 − 1 − 123457) rounded down to a page.
        #expect(header.initrdAddress(size: 123_457, machine: .init(memory: 512 << 20)) == 536_580_096)
        #expect(header.initrdAddress(size: 123_457, machine: .init(memory: 8 << 30)) == 0x7FFB_9000)
        #expect(header.initrdAddress(size: 1 << 30, machine: .init(memory: 512 << 20)) == nil)
        let low = try Self.parse(Self.header(extended: 0))
        #expect(low.initrdAddress(size: 4096, machine: .init(memory: 8 << 30)) == 0x7FFD_6000)
    }

    @Test(
        "vga= becomes a video mode", arguments: [("vga=ask", 0xFFFD), ("x vga=0x317 y", 0x317), ("vga=normal", 0xFFFF)])
    func video(_ words: (line: String, mode: Int)) throws {
        let patch = try Self.parse(Self.header()).patch(
            commandLine: Array(words.line.utf8), initrdSize: nil, machine: .init(memory: 1 << 30))
        let change = patch?.first { $0.offset == 0x1FA }
        #expect(change?.bytes == [UInt8(words.mode & 0xFF), UInt8(words.mode >> 8)])
        #expect(patch?.contains { $0.offset == 0x218 } == false)
    }

    @Test("a file without the mark, or too short, is refused") func corrupted() {
        var bytes = Self.header()
        bytes[0x203] = 0
        #expect(throws: FormatError.self) { try Self.parse(bytes) }
        #expect(throws: FormatError.self) { try Self.parse(Array(Self.header().prefix(0x237))) }
        #expect(throws: FormatError.self) { try Self.parse([]) }
    }

    @Test("kernels that load low, or are old, get their command line below 0x9a000") func low() throws {
        func patch(_ version: UInt16, _ flags: UInt8) throws -> [Int: [UInt8]] {
            var bytes = Self.header()
            bytes.replaceSubrange(0x206..<0x208, with: [UInt8(version & 0xFF), UInt8(version >> 8)])
            bytes[0x211] = flags
            let changes = try #require(
                try Self.parse(bytes).patch(
                    commandLine: Array("root=/dev/vda".utf8), initrdSize: 4096, machine: .init(memory: 1 << 30)))
            return Dictionary(uniqueKeysWithValues: changes.map { ($0.offset, $0.bytes) })
        }
        // 13 bytes and a NUL, rounded to 16: the line is at 0x99ff0.
        let recent = try patch(0x206, 0)
        #expect(recent[0x228] == [0xF0, 0x9F, 0x09, 0x00])
        #expect(recent[0x224] == [0xF0, 0x9D] && recent[0x211] == [0x80])
        let old = try patch(0x201, 1)
        #expect(old[0x228] == nil && old[0x20] == [0x3F, 0xA3] && old[0x22] == [0xF0, 0x9F])
        // Protocol 2.01 has no field for the initrd's highest address.
        #expect(old[0x218] == [0x00, 0xE0, 0xFF, 0x37])
        #expect(try patch(0x200, 1)[0x211] == nil)
    }

    @Test(
        "vga= is read as C reads numbers",
        arguments: [
            ("vga=0774", 0x1FC), ("vga=12x", 12), ("vga=", 0), ("vga=-1", 0xFFFF), ("vga=0xfffffffffffffffff", 0xFFFF),
        ])
    func videoNumbers(_ words: (line: String, mode: Int)) throws {
        let patch = try Self.parse(Self.header()).patch(
            commandLine: Array(words.line.utf8), initrdSize: nil, machine: .init(memory: 1 << 30))
        #expect(
            patch?.first { $0.offset == 0x1FA }?.bytes == [UInt8(words.mode & 0xFF), UInt8(words.mode >> 8)])
    }
}
