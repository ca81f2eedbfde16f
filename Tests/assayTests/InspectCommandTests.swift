import Bytes
import DiskFormats
import Documents
import Files
import Hashing
import TestSupport
import Testing

@Suite("assay inspect")
struct InspectCommandTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func facts(_ path: String) throws -> Value {
        let result = try BuiltProgram.run("inspect", path, "--json")
        try #require(result.status == 0, "\(result.errorText)")
        return try JSONReader.parse(result.output, source: "inspect", mode: .foreign).value
    }

    private func elements(_ value: Value?) throws -> [Value] {
        guard case .array(let nodes)? = value else { throw TestFailure("not a list") }
        return nodes.map(\.value)
    }

    private func tree() -> FileTree {
        var tree = FileTree()
        tree["EFI"] = .init(.directory, mode: 0o755)
        tree["EFI/a.txt"] = .init(.file(.bytes(Array("hello".utf8))), mode: 0o644)
        return tree
    }

    @Test("a cpio archive by its members")
    func cpio() throws {
        let bytes = try CPIOArchive.write(tree(), epoch: 9)
        let facts = try facts(folder.write("initrd", bytes))
        #expect(facts["kind"] == .string("cpio archive"))
        #expect(facts["sha256"] == .string(Digest.of(bytes, .sha256).hex))
        let members = try elements(facts["members"])
        #expect(members.map { $0["name"] } == [.string("EFI"), .string("EFI/a.txt")])
        #expect(members[1]["mode"] == .string("0100644") && members[1]["size"] == .integer(5))
    }

    @Test("a disk by its partitions, a system partition and a root by their files")
    func disk() throws {
        let esp = try OutputFile(folder.file("esp"))
        try FATWriter.write(tree(), .init(volumeID: 0xABCD, epoch: 0), to: esp)
        try esp.commit()
        let espSize = try InputFile(folder.file("esp")).size
        let disk = try OutputFile(folder.file("disk"))
        let guid = try #require(GUID("11223344-5566-7788-99aa-bbccddeeff00"))
        _ = try GPTWriter.write(
            [
                .init(
                    .init(type: PartitionType.esp.guid, guid: guid, name: "esp"),
                    content: .range(path: folder.file("esp"), offset: 0, count: espSize))
            ], diskGUID: guid, to: disk)
        try disk.commit()

        let facts = try facts(folder.file("disk"))
        #expect(facts["kind"] == .string("GPT disk"))
        let partition = try #require(elements(facts["partitions"]).first)
        #expect(partition["type"] == .string("esp") && partition["contents"] == .string("FAT32"))
        #expect(partition["offset"] == .integer(1 << 20))
        let inner = try self.facts(folder.file("esp"))
        #expect(inner["kind"] == .string("FAT file system") && inner["volumeID"] == .string("0xabcd"))
        #expect(try elements(inner["files"]).map { $0["path"] } == [.string("/EFI"), .string("/EFI/a.txt")])
    }

    @Test("text from the file cannot write lines or control a terminal")
    func hostileNames() throws {
        var tree = FileTree()
        tree[.init(components: [Array("x\nsha256: 00\u{1B}[2J".utf8)])] = .init(.file(.bytes([])), mode: 0o644)
        let path = try folder.write("initrd", CPIOArchive.write(tree, epoch: 0))
        let result = try BuiltProgram.run("inspect", path)
        #expect(result.status == 0)
        #expect(result.outputText.contains("name x\\u{a}sha256: 00\\u{1b}[2J"))
        #expect(result.outputText.split(separator: "\n").count { $0.hasPrefix("sha256:") } == 1)
    }

    @Test(
        "a unified kernel image by its sections and texts",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
    func unifiedKernel() throws {
        let facts = try facts(try #require(Outside.vectors) + "/tdx/public/uki/uki252.efi")
        #expect(facts["kind"] == .string("unified kernel image"))
        let digest = "c52a642b1ac95e7e3acab30644c2fc19a9efdddbb3a34f9e35e5c0b20965de6e325d305000c673286d420e49ab5f9661"
        #expect(facts["authenticode"]?["sha384"] == .string(digest))
        #expect(try elements(facts["sections"]).contains { $0["name"] == .string(".linux") })
    }

    @Test("an unknown file is refused with what is known; a cut one with its place")
    func refused() throws {
        let unknown = try BuiltProgram.run("inspect", folder.write("x", [1, 2, 3]))
        #expect(unknown.status == 2 && unknown.output.isEmpty && unknown.errorText.contains("GPT disk"))
        let bytes = try CPIOArchive.write(tree(), epoch: 0)
        let cut = try BuiltProgram.run("inspect", folder.write("y", Array(bytes.prefix(150))))
        #expect(cut.status == 2 && cut.errorText.contains("y+0x"))
    }
}
