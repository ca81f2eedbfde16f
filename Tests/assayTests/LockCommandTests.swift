import Documents
import Files
import TestSupport
import Testing

@Suite("assay lock")
struct LockCommandTests {
    private let folder: TemporaryFolder
    private let image: String

    init() throws {
        folder = try TemporaryFolder()
        let source = packageFolder + "/images/minimal"
        for name in try FileSystem.filesBelow(source) {
            try folder.write("minimal/" + name, InputFile.contents(of: source + "/" + name))
        }
        image = folder.file("minimal")
    }

    /// Runs it on the copy of images/minimal, where nothing can be fetched.
    private func lock(_ options: String...) throws -> Subprocess.Result {
        let sources = [
            "--mirror", "debian=file:///nonexistent", "--mirror", "debian-security=file:///nonexistent", "--cache",
            folder.file("cache"),
        ]
        return try Subprocess(BuiltProgram.path, ["lock", image] + options + sources).run()
    }

    private func change(_ name: String, _ old: String, _ new: String) throws {
        let text = String(decoding: try InputFile.contents(of: image + "/" + name), as: UTF8.self)
        try #require(text.contains(old), "\(name) has '\(old)'")
        try folder.write("minimal/" + name, Array(text.replacing(old, with: new, maxReplacements: 1).utf8))
    }

    private func snapshot() throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for name in try FileSystem.filesBelow(image) { result[name] = try InputFile.contents(of: image + "/" + name) }
        return result
    }

    @Test("leaves a lock alone that answers the definition, and describes it")
    func present() throws {
        let before = try snapshot()
        let result = try lock()
        #expect(result.status == 0, "\(result.errorText)")
        #expect(result.outputText.contains("image.lock.json: 12 packages from trixie of 20"))
        let json = try JSONReader.parse(lock("--json").output, source: "output").value
        #expect(json["answersDefinition"] == .bool(true))
        #expect(try snapshot() == before)
    }

    @Test("says no when the definition asks for something else")
    func stale() throws {
        try change("image.yaml", "[busybox-static, dmsetup]", "[busybox-static, dmsetup, kmod]")
        let result = try lock()
        #expect(result.status == 1)
        #expect(result.errorText.contains("image.yaml asks for now"))
        #expect(result.errorText.contains("assay lock --update"))
        let json = try JSONReader.parse(lock("--json").output, source: "output").value
        #expect(json["answersDefinition"] == .bool(false))
    }

    @Test("--update without an archive fails and leaves every byte")
    func noArchive() throws {
        let before = try snapshot()
        let result = try lock("--update")
        #expect(result.status == 3)
        #expect(result.output.isEmpty)
        #expect(try snapshot() == before)
    }

    @Test("--update and --check exclude each other")
    func usage() throws {
        let result = try lock("--update", "--check")
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
    }

    @Test(
        "--check names what nobody has, package by package",
        .enabled(if: Outside.has("gpgv") || Outside.has("sqv"), "neither gpgv nor sqv is installed"))
    func unavailable() throws {
        let result = try lock("--check")
        #expect(result.status == 3)
        let lines = result.outputText.split(separator: "\n")
        #expect(lines.first == "archiveChain: unverified")
        #expect(lines.filter { $0.hasPrefix("unavailable: ") }.count == 12)
        #expect(lines.contains("unavailable: libc6"))
        for part in ["package libc6 2.", "pool/main/g/glibc/libc6_2.", "SHA-256", "file:///nonexistent/pool/"] {
            #expect(result.errorText.contains(part), "\(part)")
        }
        let json = try JSONReader.parse(lock("--check", "--json").output, source: "output").value
        #expect(json["archiveChain"] == .string("unverified"))
        guard case .array(let items) = json["unavailable"] else { throw TestFailure("no list of packages") }
        #expect(items.count == 12)
    }

    @Test(
        "--check says no to another pinned key, a changed InRelease and a changed ring of keys",
        .enabled(if: Outside.has("gpgv") || Outside.has("sqv"), "neither gpgv nor sqv is installed"))
    func contradictions() throws {
        let key = "04B54C3CDCA79751B16BC6B5225629DF75B188BD"
        try change("image.yaml", key, "04B54C3CDCA79751B16BC6B5225629DF75B188BE")
        let pinned = try lock("--check")
        #expect(pinned.status == 1)
        #expect(pinned.errorText.contains("rests on other keys than image.yaml pins"))
        try change("image.yaml", "04B54C3CDCA79751B16BC6B5225629DF75B188BE", key)
        for suffix in [".InRelease", ".pgp"] {
            let names = try FileSystem.list(image + "/lock").filter { $0.hasSuffix(suffix) }
            let name = try #require(names.first)
            let path = image + "/lock/" + name
            let bytes = try InputFile.contents(of: path)
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            try OutputFile.write(changed, to: path)
            let result = try lock("--check")
            #expect(result.status == 1, "\(name)")
            #expect(result.errorText.contains("found SHA-256"), "\(name)")
            try OutputFile.write(bytes, to: path)
        }
        #expect(try lock("--check").status == 3)
    }
}
