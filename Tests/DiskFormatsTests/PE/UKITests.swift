import Bytes
import DiskFormats
import Files
import TestSupport
import Testing

/// A file with a Linux boot header's version text and a PE header.
private func kernelFile(nx: UInt16 = 0x100, sbat: String? = "sbat,1,x\nlinux,2,L,l,6,u\n") -> [UInt8] {
    var file = PEFile(sections: [.init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))])
    if let sbat { file.sections.append(.init(name: ".sbat", data: Array(sbat.utf8))) }
    file.dllCharacteristics = nx
    var writer = ByteWriter()
    writer.append(file.bytes)
    for (index, byte) in "HdrS".utf8.enumerated() { writer.replace(at: 0x202 + index, with: byte) }
    writer.replace(at: 0x20E, with: UInt16(0x100))
    for (index, byte) in "6.1-test (b@h) #1 SMP\0".utf8.enumerated() { writer.replace(at: 0x300 + index, with: byte) }
    return writer.bytes
}

@Suite("UKI")
struct UKITests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func assemble(
        stub: [UInt8] = PEFile.stub.bytes, kernel: [UInt8] = kernelFile(), initrd: [UInt8]? = [7, 8, 9],
        sbat: [String] = ["uki,1,UKI,uki,1,u"]
    ) throws -> [UInt8] {
        let parts = UKI.Parts(
            osRelease: Array("ID=x\n".utf8), commandLine: Array("quiet".utf8), kernelRelease: Array("6.1-test".utf8),
            kernel: ByteSource(kernel, name: "kernel"), initrd: initrd.map { ByteSource($0, name: "initrd") },
            sbat: sbat)
        let file = try OutputFile(folder.file("uki.efi"))
        try UKI.assemble(stub: ByteSource(stub, name: "stub"), parts, to: file)
        try file.commit()
        return try InputFile.contents(of: folder.file("uki.efi"))
    }

    @Test("appends the parts in ukify's order, aligned in file and memory")
    func sections() throws {
        let kernel = kernelFile()
        let bytes = try assemble(kernel: kernel)
        let image = try PEImage(bytes, name: "uki")
        #expect(
            image.sections.map(\.name) == [
                ".text", ".sbat", ".reloc", ".osrel", ".cmdline", ".uname", ".linux", ".initrd",
            ])
        #expect(
            image.sections.map(\.virtualAddress) == [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000, 0x8000])
        #expect(image.sections[3...].map(\.rawOffset) == [0xC00, 0xE00, 0x1000, 0x1200, 0x1C00])
        #expect(image.sections[3...].map(\.rawSize) == [512, 512, 512, 2560, 512])
        #expect(image.sections[3...].map(\.virtualSize) == [5, 5, 8, UInt32(kernel.count), 3])
        #expect(image.sections.map(\.characteristics).last == 0x4000_0040)
        #expect(image.section(".linux")?.characteristics == 0x4000_0020)
        #expect(image.sizeOfImage == 0x9000 && bytes.count == 0x1E00)
        let linux = try #require(image.section(".linux"))
        #expect(try image.contents(of: linux).read(at: 0, count: kernel.count, "") == kernel)
        // CheckSum, and SizeOfInitializedData: what the stub had and the contents.
        #expect(Array(bytes[image.checksumOffset..<image.checksumOffset + 4]) == [0, 0, 0, 0])
        let initialized = bytes[image.optionalHeaderOffset + 8..<image.optionalHeaderOffset + 12]
        #expect(
            Array(initialized).withReader(source: "x") { try? $0.read("", as: UInt32.self) }
                == UInt32(512 + 21 + kernel.count))
    }

    @Test("merges .sbat of stub, kernel and the caller in place")
    func sbat() throws {
        let image = try PEImage(try assemble(), name: "uki")
        let section = try #require(image.section(".sbat"))
        let text = try image.contents(of: section).read(at: 0, count: Int(section.virtualSize), "")
        #expect(
            String(decoding: text, as: UTF8.self)
                == "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
                + "stub,1,S,s,257,u\nlinux,2,L,l,6,u\nuki,1,UKI,uki,1,u\n\0")
        #expect(section.rawSize == 512)
        let padding = try image.source.read(at: section.contentRange.upperBound, count: 512 - text.count, "")
        #expect(padding.allSatisfy { $0 == 0 })
    }

    @Test("a stub without .sbat gets one; NX_COMPAT goes with a kernel that lacks it; an initrd may be left out")
    func variants() throws {
        var stub = PEFile.stub
        stub.sections.remove(at: 1)
        let image = try PEImage(
            try assemble(stub: stub.bytes, kernel: kernelFile(nx: 0, sbat: nil), initrd: nil), name: "uki")
        #expect(image.sections.map(\.name).suffix(2) == [".linux", ".sbat"])
        #expect(image.dllCharacteristics == 0)
        #expect(try PEImage(try assemble(), name: "uki").dllCharacteristics == 0x100)
    }

    @Test("what cannot work is refused with a reason")
    func refused() throws {
        func message(_ body: () throws -> [UInt8]) -> String {
            do {
                _ = try body()
                return "accepted"
            } catch { return "\(error)" }
        }
        var small = PEFile.stub
        small.headerSize = 0x200
        #expect(message { try assemble(stub: small.bytes) }.contains("no room in the headers"))
        var signed = PEFile.stub
        signed.certificates = [1]
        #expect(message { try assemble(stub: signed.bytes) }.contains("signed"))
        var symbols = PEFile.stub
        symbols.symbolTable = 77
        #expect(message { try assemble(stub: symbols.bytes) }.contains("symbol table"))
        let image = try assemble()
        #expect(message { try assemble(stub: image) }.contains("has a section .osrel already"))
        #expect(
            message { try assemble(sbat: [String(repeating: "x", count: 600)]) }.contains(".sbat has 512 bytes of room")
        )
        #expect(message { try assemble(kernel: kernelFile(sbat: "no header\n")) }.contains(".sbat"))
        #expect(message { try assemble(kernel: [1, 2]) }.contains("DOS header"))
    }

    @Test("the kernel's release is read from its boot header")
    func release() throws {
        #expect(try UKI.kernelRelease(of: ByteSource(kernelFile(), name: "k")) == "6.1-test")
        #expect(throws: FormatError.self) { try UKI.kernelRelease(of: ByteSource(PEFile.stub.bytes, name: "k")) }
    }
}
