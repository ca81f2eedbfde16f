import Documents
import Files
import TestSupport
import Testing

@Suite("assay explain")
struct ExplainCommandTests {
    private let folder: TemporaryFolder
    private let firmware, other, kernel: String

    init() throws {
        folder = try TemporaryFolder()
        var bytes = SyntheticFirmware().bytes
        firmware = try folder.write("a/OVMF.fd", bytes)
        bytes[0x1800] ^= 1
        other = try folder.write("b/OVMF.fd", bytes)
        kernel = try folder.write("vmlinuz", Array("kernel".utf8))
    }

    /// What `measure snp` prints for the usual launch with some options in place of its own.
    private func measured(_ name: String, _ changes: [String: String] = [:]) throws -> String {
        var options = [
            "--ovmf": firmware, "--vcpus": "2", "--vcpu-type": "EPYC-Milan", "--kernel": kernel,
            "--append": "root=x",
        ]
        options.merge(changes) { $1 }
        let words = options.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        let result = try Subprocess(BuiltProgram.path, ["measure", "snp", "--trace"] + words).run()
        try #require(result.status == 0, "\(result.errorText)")
        return try folder.write(name, result.output)
    }

    @Test(
        "names the one thing in which two launches differ, and exits with 1",
        arguments: [
            ("--vcpus", "4", "cause: number of vCPUs: vCPUs [snp.vcpus]: 2 against 4"),
            (
                "--vcpu-type", "EPYC-Genoa",
                "cause: save area field: RDX (the CPU model's signature) [snp.models or vmsa.rdx]: 0xa00f11 against 0xa10f10"
            ),
            ("--guest-features", "0x21", "cause: save area field: SEV_FEATURES [snp.features]: 0x1 against 0x21"),
            (
                "--append", "root=y",
                "cause: kernel hash table: kernel command line and one NUL: 'root=x' against 'root=y'"
            ),
            ("--ovmf", "", "cause: artifact: bytes of OVMF.fd — firmware pages (firmware) at 0xffff8000"),
            (
                "--vmm-type", "ec2",
                "cause: profile rule: order: which comes first [pages.cpuid]: SNP_CPUID pages against SVSM_CAA pages"
            ),
        ])
    func differences(option: String, value: String, cause: String) throws {
        let first = try measured("a.json")
        let second = try measured("b.json", [option: option == "--ovmf" ? other : value])
        let result = try BuiltProgram.run("explain", first, "--against", second)
        #expect(result.status == 1)
        #expect(result.errors.isEmpty, "\(result.errorText)")
        let lines = result.outputText.split(separator: "\n")
        #expect(lines.contains { $0.contains(cause) }, "\(result.outputText)")
        #expect(lines.count { $0.hasPrefix("  cause: ") } == 1)
        let json = try JSONReader.parse(
            BuiltProgram.run("explain", first, "--against", second, "--json").output, source: "out"
        ).value
        #expect(json["equal"] == .bool(false))
        let same = try BuiltProgram.run("explain", first, "--against", first)
        #expect(same.status == 0 && same.outputText.contains("equal: LAUNCH_DIGEST"))
    }

    @Test("shows the tree with names, addresses, files, rules and digests, as deep as asked")
    func tree() throws {
        let path = try measured("a.json")
        let whole = try BuiltProgram.run("explain", path).outputText
        for part in [
            "guestFeatures=0x1,vcpuSignature=0xa00f11,vcpus=2\n", "  vmm: QEMU\n", "SEV-SNP launch digest (snp)",
            "  firmware pages (firmware): at 0xffff8000, 8 times, into LAUNCH_DIGEST\n", "from OVMF.fd, 32768 bytes",
            "by SEV metadata, table order", "'root=x'", "hashed to sha256",
        ] { #expect(whole.contains(part), "\(part) in \(whole)") }
        let top = try BuiltProgram.run("explain", path, "--depth", "1").outputText
        #expect(top.contains("nodes below") && !top.contains("firmware pages"))
        let json = try JSONReader.parse(
            BuiltProgram.run("explain", path, "--json", "--depth", "2").output, source: "out"
        ).value
        #expect(json["register"] == .string("LAUNCH_DIGEST") && json["children"] != nil)
    }

    @Test("chooses points by their axes, and compares those that two files share")
    func points() throws {
        let several = try measured("many.json", ["--vcpus": "1-3"])
        let one = try measured("one.json", ["--vcpus": "3"])
        let equal = try BuiltProgram.run(
            "explain", several, "--point", "vcpus=3", "--against", one, "--against-point", "vcpus=3")
        #expect(equal.status == 0, "\(equal.outputText)\(equal.errorText)")
        let two = try BuiltProgram.run(
            "explain", several, "--point", "vcpus=1", "--against", several, "--against-point", "vcpus=2")
        #expect(two.status == 1 && two.outputText.contains("vCPUs [snp.vcpus]: 1 against 2"))
        let rest = try BuiltProgram.run("explain", several, "--against", one)
        #expect(rest.status == 1 && rest.outputText.contains("2 points in the first measurement alone"))
        #expect(try BuiltProgram.run("explain", several).outputText.contains("(the first of 3 points"))
        let none = try BuiltProgram.run("explain", several, "--point", "vcpus=9")
        #expect(none.status == 2 && none.errorText.contains("no point has vcpus=9"))
    }

    @Test("a file without a trace is refused with what to do, and one with control characters moves no cursor")
    func refused() throws {
        let plain = try folder.write("plain.json", Array("{\"mode\": \"snp\", \"launchDigest\": \"00\"}".utf8))
        let result = try BuiltProgram.run("explain", plain)
        #expect(result.status == 2 && result.errorText.contains("hint: print the measurement with --trace"))
        let text = String(decoding: try InputFile.contents(of: measured("a.json")), as: UTF8.self)
            .replacing("\"firmware pages\"", with: "\"firm\\u001b[2J\\nware\"")
        let shown = try BuiltProgram.run("explain", folder.write("evil.json", Array(text.utf8))).outputText
        #expect(shown.contains("firm\\u{1b}[2J\\nware") && !shown.contains("\u{1B}"))
    }
}
