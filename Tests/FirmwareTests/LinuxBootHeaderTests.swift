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
            commandLine: words.line, initrdSize: nil, machine: .init(memory: 1 << 30))
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

    @Test(
        "patched kernels are those that QEMU hands out",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
    func vectors() throws {
        let folder = (Outside.vectors ?? "") + "/tdx/"
        func read(_ name: String) throws -> [UInt8] {
            let input = try InputFile(folder + name)
            return try input.read(at: 0, count: input.size)
        }
        let document = try JSONReader.parse(try read("public.json"), source: "public.json", mode: .foreign)
        guard case .array(let nodes) = document.value["cases"] else { return }
        let cases = nodes.map(\.value).filter { $0["kind"] == .string("kernel-patch") }
        #expect(cases.count == 7)
        for vector in cases {
            guard case .string(let file) = vector["inputs"]?["kernel"]?["file"], let parameters = vector["params"],
                case .integer(let size) = parameters["initrd_size"], case .integer(let mib) = parameters["memory_mib"],
                case .string(let line) = parameters["cmdline"]
            else { Issue.record("unreadable vector"); continue }
            var kernel = try read(file)
            let patch = try #require(
                try Self.parse(kernel).patch(
                    commandLine: line, initrdSize: UInt32(size), machine: .init(memory: UInt64(mib) << 20)))
            for change in patch {
                kernel.replaceSubrange(change.offset..<change.offset + change.bytes.count, with: change.bytes)
            }
            #expect(
                .string(Digest.of(kernel, .sha384).hex) == vector["expected"]?["patched_file_sha384"],
                "\(vector["name"]!)")
        }
    }
}
