import Bytes
import DiskFormats
import Documents
import Files
import Testing

@testable import GuestImage

@Suite("compression of root and initrd")
struct ImageCompressionTests {
    private static let packed = ["root", "initrd"].reduce(sampleDefinition) { text, key in
        text.replacing("\n\(key):\n", with: "\n\(key):\n  compression: lz4\n")
    }

    @Test("the definition says it, and says nothing where there is none")
    func definition() throws {
        let plain = try decode(sampleDefinition)
        let packed = try decode(Self.packed)
        #expect(plain.root.compression == .none && plain.initrd.compression == .none)
        #expect(packed.root.compression == .lz4 && packed.initrd.compression == .lz4)
        #expect(plain.document["initrd"]?["compression"] == nil)
        #expect(packed.document["initrd"]?["compression"] == .string("lz4"))
        #expect(throws: DocumentError.self) {
            try decode(Self.packed.replacing("\ninitrd:\n  compression: lz4", with: "\ninitrd:\n  compression: gzip"))
        }
    }

    @Test("a compressed image holds what the plain one holds, and names its formats")
    func build() throws {
        let plain = try SampleImage()
        let packed = try SampleImage(Self.packed)
        try plain.builder().build(to: plain.folder.file("out"))
        let image = try packed.builder().build(to: packed.folder.file("out"))
        let archives = try CPIOArchive.archives(of: ByteSource(path: packed.folder.file("out/initrd"))) {
            compression, _, source, _ in
            throw FormatError(source: source, field: "compression", found: compression.rawValue, expected: "lz4")
        }
        #expect(archives.map(\.compression) == [.lz4])
        let contents = try #require(archives.first?.contents)
        let expected = try InputFile.contents(of: plain.folder.file("out/initrd"))
        let isSame = try contents.read(at: 0, count: contents.count, "initrd") == expected
        #expect(isSame)
        #expect(image.formatRevisions.contains { $0.0 == "lz4-legacy" && $0.1 == .string("lz4-legacy-1") })
        #expect(image.formatRevisions.contains { $0.0 == "erofs-lz4" })
        let trees = try [plain, packed].map {
            try EROFSReader(InputFile($0.folder.file("out/root.erofs"))).tree().sorted.map(\.path)
        }
        #expect(trees[0] == trees[1])
    }
}
