import Files
import LaunchMeasurement
import TestSupport
import Testing

@testable import Release

/// The shipped image and the shipped SNP profile, copied.
@Suite("Inputs of a release")
struct ReleaseInputsTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let top = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))
        for (from, to) in [
            ("images/minimal", "image"), ("measurements/platforms/qemu-tdx-inteltdx-2026.08", "profile"),
        ] {
            for name in try FileSystem.filesBelow("\(top)/\(from)") {
                try folder.write("\(to)/\(name)", InputFile.contents(of: "\(top)/\(from)/\(name)"))
            }
        }
    }

    private func inputs() throws -> ReleaseInputs {
        try ReleaseInputs(imageFolder: folder.file("image"), platforms: [PlatformFolder(folder.file("profile"))])
    }

    @Test("are what definition, lock and profile name, sorted")
    func named() throws {
        let found = try inputs()
        let names = found.items.map(\.name)
        #expect(names == names.sorted())
        #expect(names.filter { $0.hasPrefix("image/files/") }.count == 4)
        #expect(names.filter { $0.hasPrefix("image/lock/") }.count == 4)
        #expect(names.filter { $0.hasPrefix("platforms/qemu-tdx-inteltdx-2026.08/") }.count == 4)
        #expect(names.contains("image/image.yaml") && names.contains("image/image.lock.json"))
        #expect(found.strays.isEmpty)
    }

    @Test("leave out a file that a killed update left, and say so")
    func strays() throws {
        let before = try inputs().inputs(source: nil)
        for name in [
            "image/lock/trixie.000000000000.InRelease", "image/files/unused", "profile/old-tables", "image/README.md",
            "image/.hidden",
        ] {
            try folder.write(name, [1, 2, 3])
        }
        let after = try inputs()
        #expect(try after.inputs(source: nil) == before)
        #expect(
            after.strays
                == ["image/files/unused", "image/lock/trixie.000000000000.InRelease", "profile/old-tables"]
                .map { folder.file($0) })
    }

    @Test("must be there and be regular files", arguments: ["image/image.lock.json", "image/files/root-init"])
    func missing(_ name: String) throws {
        try FileSystem.remove(folder.file(name))
        let error = #expect(throws: FileError.self) { try inputs() }
        #expect(error?.path == folder.file(name))
        #expect(error?.isInput == true)
        try FileSystem.makeDirectory(folder.file(name))
        #expect(throws: FileError.self) { try inputs() }
    }
}
