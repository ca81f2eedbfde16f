import DiskFormats
import Files
import Hashing
import TestSupport
import Testing

@Suite("UKI against ukify")
struct UKIPeerTests {
    private static let stubs = "systemd-boot-efi_257.13-1~deb13u1_amd64.deb"
    private static let ukify = "systemd-ukify_257.13-1~deb13u1_all.deb"
    private static let hasPefile =
        (try? Subprocess("python3", ["-c", "import pefile"]).run().status) == 0 && Outside.has("dpkg-deb")

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func unpack(_ package: String) throws -> String {
        let pool = try #require(Outside.pool)
        let result = try Subprocess("dpkg-deb", ["-x", pool + "/" + package, folder.file("root")]).run()
        try #require(result.status == 0, "\(result.errorText)")
        return folder.file("root")
    }

    /// A UKI of the pinned stub with the add-on stub of the same package as its kernel: any PE file will do.
    private func assemble(_ root: String) throws -> [UInt8] {
        let efi = root + "/usr/lib/systemd/boot/efi/"
        let initrd = (0..<70_001).map { UInt8(truncatingIfNeeded: $0 / 3) }
        try folder.write("initrd", initrd)
        try folder.write("osrel", Array("ID=test\n".utf8))
        try folder.write("cmdline", Array("console=ttyS0 roothash=00".utf8))
        let parts = UKI.Parts(
            osRelease: Array("ID=test\n".utf8), commandLine: Array("console=ttyS0 roothash=00".utf8),
            kernelRelease: Array("6.12-test".utf8), kernel: try ByteSource(path: efi + "addonx64.efi.stub"),
            initrd: ByteSource(initrd, name: "initrd"))
        let file = try OutputFile(folder.file("own.efi"))
        try UKI.assemble(stub: ByteSource(path: efi + "linuxx64.efi.stub"), parts, to: file)
        try file.commit()
        return try InputFile.contents(of: folder.file("own.efi"))
    }

    @Test(
        "format revision 1 is what ukify 257.13 made of the same inputs",
        .enabled(if: Outside.pool != nil && Outside.has("dpkg-deb"), "ASSAY_POOL is not set"))
    func golden() throws {
        let image = try assemble(unpack(Self.stubs))
        #expect(UKI.formatRevision == 1)
        #expect(Digest.of(image, .sha256).hex == "b52d0a0072a9a73dae933e6dd2cd2ef59cf82941dce6211b7c8cb2cd27410334")
    }

    @Test(
        "equals ukify's image byte for byte",
        .enabled(if: Outside.pool != nil && hasPefile, "ASSAY_POOL is not set, or python3 has no pefile"))
    func ukify() throws {
        let root = try unpack(Self.stubs)
        let own = try assemble(root)
        _ = try unpack(Self.ukify)
        let efi = root + "/usr/lib/systemd/boot/efi/"
        let result = try Subprocess(
            "python3",
            [
                root + "/usr/lib/systemd/ukify", "build", "--linux=" + efi + "addonx64.efi.stub",
                "--stub=" + efi + "linuxx64.efi.stub", "--initrd=" + folder.file("initrd"),
                "--os-release=@" + folder.file("osrel"), "--cmdline=@" + folder.file("cmdline"), "--uname=6.12-test",
                "--output=" + folder.file("peer.efi"),
            ]
        ).run()
        try #require(result.status == 0, "\(result.errorText)")
        #expect(try InputFile.contents(of: folder.file("peer.efi")) == own)
    }

    @Test(
        "objdump reads the sections as they were meant",
        .enabled(if: Outside.pool != nil && Outside.has("objdump"), "ASSAY_POOL is not set, or objdump is missing"))
    func objdump() throws {
        let bytes = try assemble(unpack(Self.stubs))
        let result = try Subprocess("objdump", ["-h", folder.file("own.efi")]).run()
        try #require(result.status == 0 && result.errors.isEmpty, "\(result.errorText)")
        let rows = result.outputText.split(separator: "\n").map { $0.split(separator: " ") }
        for section in try PEImage(bytes, name: "own").sections {
            let row = try #require(rows.first { $0.count > 5 && $0[1] == section.name })
            #expect(Int(row[2], radix: 16) == section.contentRange.count)
            #expect(Int(row[5], radix: 16) == section.contentRange.lowerBound)
        }
    }
}
