import Documents
import Files
import TestSupport
import Testing

@Suite("assay build")
struct BuildCommandTests {
    /// A copy of images/minimal with one change in its definition.
    private func copy(_ folder: TemporaryFolder, replacing old: String = "", with new: String = "") throws -> String {
        for name in try FileSystem.filesBelow("images/minimal") {
            try folder.write("minimal/\(name)", InputFile.contents(of: "images/minimal/\(name)"))
        }
        let path = folder.file("minimal/image.yaml")
        let text = String(decoding: try InputFile.contents(of: path), as: UTF8.self)
        let changed = old.isEmpty ? text : text.replacing(old, with: new, maxReplacements: 1)
        #expect(old.isEmpty || changed != text)
        try OutputFile.write(Array(changed.utf8), to: path)
        return folder.file("minimal")
    }

    private func build(_ image: String, _ folder: TemporaryFolder, _ more: String...) throws -> Subprocess.Result {
        let words =
            [
                "build", image, "--output", folder.file("out"), "--cache", folder.file("cache"), "--mirror",
                "debian=file:///nonexistent/debian",
            ] + more
        return try Subprocess(BuiltProgram.path, words).run()
    }

    @Test("names an unknown key with file, line and what was meant")
    func unknownKey() throws {
        let folder = try TemporaryFolder()
        let result = try build(copy(folder, replacing: "summary:", with: "sumary:"), folder)
        #expect(result.status == 2)
        #expect(result.errorText.contains("minimal/image.yaml:5:9: sumary: unknown key"))
        #expect(result.errorText.contains("assay: hint: did you mean 'summary'?"))
        #expect(result.output.isEmpty)
        #expect(!FileSystem.exists(folder.file("out")))
    }

    @Test("names a duplicate key")
    func duplicateKey() throws {
        let folder = try TemporaryFolder()
        let result = try build(copy(folder, replacing: "stub:", with: "name: other\nstub:"), folder)
        #expect(result.status == 2)
        #expect(result.errorText.contains("duplicate key"))
    }

    @Test("without a lock says how to make one")
    func noLock() throws {
        let folder = try TemporaryFolder()
        let image = try copy(folder)
        try FileSystem.remove(image + "/image.lock.json")
        let result = try build(image, folder)
        #expect(result.status == 2)
        #expect(result.errorText.contains("run 'assay lock'"))
    }

    @Test("a definition that asks for more than the lock has is refused")
    func staleLock() throws {
        let folder = try TemporaryFolder()
        let result = try build(copy(folder, replacing: "[busybox-static, dmsetup]", with: "[busybox-static]"), folder)
        #expect(result.status == 1)
        #expect(result.errorText.contains("assay lock --update"))
    }

    @Test("a package that nobody has is named with the ways out")
    func unavailable() throws {
        let folder = try TemporaryFolder()
        let result = try build(copy(folder), folder)
        #expect(result.status == 3)
        #expect(result.errorText.contains("base-files"))
        #expect(result.errorText.contains("--pool"))
        #expect(!FileSystem.exists(folder.file("out")))
    }

    @Test(
        "prints the artifacts and the data blocks of each file as JSON",
        .enabled(if: Outside.pool != nil, "ASSAY_POOL is not set"))
    func json() throws {
        let folder = try TemporaryFolder()
        let result = try build(copy(folder), folder, "--pool", Outside.pool ?? "", "--json")
        #expect(result.status == 0, "\(result.errorText)")
        let value = try JSONReader.parse(result.output, source: "output").value
        let listed = try CanonicalJSON.parse(
            InputFile.contents(of: folder.file("out/artifacts.json")), source: "artifacts.json")
        #expect(value["build"]?["verity"]?["rootHash"] == listed.value["verity"]?["rootHash"])
        guard case .array(let files)? = value["files"] else { throw TestFailure("no files") }
        #expect(files.contains { $0.value["path"] == .string("/usr/share/assay/payload") })
    }
}
