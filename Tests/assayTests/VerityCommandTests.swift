import Files
import TestSupport
import Testing

@Suite("assay verity")
struct VerityCommandTests {
    private let folder: TemporaryFolder
    private let data: String
    private let hash: String
    private let fixed = ["--salt", "00ff", "--uuid", "01234567-89ab-4def-8123-456789abcdef"]
    /// What veritysetup 2.6.1 prints for the data and options here.
    private let root = "c7e6f854d876c2573925ecd63b4d9df63f798ebc7faedfc5e2074f4115c14541"

    init() throws {
        folder = try TemporaryFolder()
        data = try folder.write("data", (0..<40 * 4096).map { UInt8(truncatingIfNeeded: $0 / 5) })
        hash = folder.file("hash")
    }

    private func run(_ words: String...) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["verity"] + words).run()
    }

    private func format() throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["verity", "format", data, hash] + fixed).run()
    }

    private func change(_ path: String, at offset: Int) throws {
        var bytes = try InputFile.contents(of: path)
        bytes[offset] ^= 1
        try OutputFile.write(bytes, to: path)
    }

    @Test("format prints veritysetup's lines")
    func formatText() throws {
        let result = try format()
        #expect(result.status == 0, "\(result.errorText)")
        #expect(
            result.outputText == """
                VERITY header information for \(hash)
                UUID:            \t01234567-89ab-4def-8123-456789abcdef
                Hash type:       \t1
                Data blocks:     \t40
                Data block size: \t4096
                Hash blocks:     \t1
                Hash block size: \t4096
                Hash algorithm:  \tsha256
                Salt:            \t00ff
                Root hash:      \t\(root)
                Hash device size: \t8192 [bytes]

                """)
        let dump = try run("dump", hash)
        #expect(
            dump.outputText
                == result.outputText.split(separator: "\n").filter { !$0.hasPrefix("Root") }.map { $0 + "\n" }.joined())
    }

    @Test(
        "format prints the bytes that veritysetup prints",
        .enabled(if: Outside.has("veritysetup"), "veritysetup is not installed"))
    func formatPeer() throws {
        let ours = try format().output
        let bytes = try InputFile.contents(of: hash)
        try FileSystem.remove(hash)
        let theirs = try Subprocess("veritysetup", ["format", data, hash] + fixed).run()
        #expect(ours == theirs.output)
        #expect(try bytes == InputFile.contents(of: hash))
    }

    @Test("salt and UUID are random only when they are not given")
    func random() throws {
        let one = try run("format", data, hash, "--json").outputText
        let two = try run("format", data, hash, "--json").outputText
        #expect(one != two && one.contains("\"salt\": \""))
        #expect(try format().output == format().output)
    }

    @Test("verify says yes, or names the first bad block and exits 1")
    func verify() throws {
        #expect(try format().status == 0)
        #expect(try run("verify", data, hash, root).status == 0)
        try folder.write("root", Array(root.utf8))
        #expect(try run("verify", data, hash, "--root-hash-file", folder.file("root")).status == 0)
        try change(data, at: 7 * 4096 + 1)
        let bad = try run("verify", data, hash, root)
        #expect(bad.status == 1 && bad.output.isEmpty)
        #expect(bad.errorText.contains("data block 7, at byte 28672, does not fit the tree"))
        let json = try run("verify", data, hash, root, "--json")
        #expect(json.status == 1)
        #expect(json.outputText.contains("\"firstBad\": {\n    \"block\": 7,\n    \"offset\": 28672\n  }"))
        try change(data, at: 7 * 4096 + 1)
        try change(hash, at: 4096 + 5)
        let tree = try run("verify", data, hash, root)
        #expect(tree.status == 1)
        #expect(tree.errorText.contains("hash block 0 of level 0, at byte 4096, does not fit the root hash"))
    }

    @Test("a superblock that says other than the user is refused")
    func disagreement() throws {
        #expect(try format().status == 0)
        #expect(try run("verify", data, hash, root, "--salt", "00ff", "--data-blocks", "40").status == 0)
        let salt = try run("verify", data, hash, root, "--salt", "00fe")
        #expect(salt.status == 1)
        #expect(salt.errorText.contains("--salt is not what the superblock says: '00ff'"))
        let without = try run("verify", data, hash, root, "--no-superblock", "--hash-offset", "4096", "-s", "00ff")
        #expect(without.status == 0, "\(without.errorText)")
    }

    @Test("data and tree may share a file; what is before the tree stays")
    func appended() throws {
        let before = try InputFile.contents(of: data)
        let overlap = try run("format", data, data)
        #expect(overlap.status == 2 && overlap.errorText.contains("overlap"))
        #expect(try InputFile.contents(of: data) == before)
        let words = ["verity", "format", data, data, "--data-blocks", "40", "--hash-offset", "163840"] + fixed
        let result = try Subprocess(BuiltProgram.path, words).run()
        #expect(result.status == 0 && result.outputText.contains(root), "\(result.errorText)")
        #expect(try Array(InputFile.contents(of: data).prefix(before.count)) == before)
        #expect(try run("verify", data, data, root, "--hash-offset", "163840").status == 0)
    }

    @Test("open-args states every parameter in each form")
    func openArguments() throws {
        #expect(try format().status == 0)
        let table = "0 320 verity 1 /dev/vda2 /dev/vda3 4096 4096 40 1 sha256 \(root) 00ff 1 panic_on_corruption"
        let names = ["--data-name", "/dev/vda2", "--hash-name", "/dev/vda3"]
        func form(_ more: String...) throws -> String {
            let words = ["verity", "open-args", data, hash, root] + names + more
            return try Subprocess(BuiltProgram.path, words).run().outputText
        }
        #expect(try form() == table + "\n")
        #expect(try form("--form", "kernel") == "dm-mod.create=\"root,,,ro,\(table)\"\n")
        #expect(try form("--form", "systemd").hasPrefix("roothash=\(root) systemd.verity_root_data=/dev/vda2 "))
        #expect(try form("--form", "veritysetup").hasPrefix("open /dev/vda2 root /dev/vda3 \(root) --no-superblock "))
        #expect(try form("--on-corruption", "fail").hasSuffix(" 00ff\n"))
        #expect(try form("--json").contains("\"table\": \"0 320 verity"))
    }

    @Test("what cannot be used is exit 2 and leaves no file")
    func refusals() throws {
        for words in [
            ["--data-block-size", "1000"], ["--format", "2"], ["--hash", "sha999"], ["--salt", "xyz"],
            ["--hash-offset", "100"], ["--uuid", "1"], ["--data-blocks", "41"],
        ] {
            let result = try Subprocess(BuiltProgram.path, ["verity", "format", data, hash] + words).run()
            #expect(result.status == 2, "\(words)")
            #expect(result.output.isEmpty && !FileSystem.exists(hash), "\(words)")
        }
        #expect(try run("dump", data).status == 2)
        #expect(try run("verify", data, data + ".none", root).status != 0)
    }
}
