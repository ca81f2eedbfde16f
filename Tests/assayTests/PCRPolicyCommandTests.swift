import Bytes
import Documents
import Files
import TestSupport
import Testing

@Suite("assay measure tpm without a firmware, and assay pcr-policy") struct PCRPolicyCommandTests {
    private let folder: TemporaryFolder
    private let image: String

    init() throws {
        folder = try TemporaryFolder()
        let kernel = PEFile(sections: [.init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))])
        let mark = "#### LoaderInfo: systemd-stub 257.1-1 ####"
        image = try folder.write(
            "uki.efi",
            PEFile(sections: [
                .init(name: ".sdmagic", data: Array(mark.utf8)), .init(name: ".osrel", data: Array("ID=x\n".utf8)),
                .init(name: ".cmdline", data: Array("quiet".utf8)), .init(name: ".linux", data: kernel.bytes),
                .init(name: ".initrd", data: [1, 2, 3]),
            ]).bytes)
    }

    private func run(_ words: [String], status: Int32 = 0) throws -> Subprocess.Result {
        let result = try Subprocess(BuiltProgram.path, words).run()
        #expect(result.status == status, "\(words): \(result.errorText)")
        return result
    }

    @Test("registers that follow from the image are given, the others named once; JSON has both") func measured() throws
    {
        let text = try run(["measure", "tpm", "--uki", image, "--secure-boot", "off"])
        let lines = text.outputText.split(separator: "\n")
        #expect(lines.count == 8 * 3 && lines[0].hasPrefix("PCR4.sha1 "))
        #expect(text.errorText.components(of: "not predicted: PCR0:") == 1)
        let json = try run(["measure", "tpm", "--uki", image, "--json", "--bank", "sha384"])
        let document = try JSONReader.parse(json.output, source: "output").value
        #expect(document["pcrs"]?["sha384"]?["11"] != nil && document["pcrs"]?["sha384"]?["7"] == nil)
        #expect(document["layout"]?["name"] == .string("any-uefi"))
        guard case .array(let unknown)? = document["unpredicted"] else { throw TestFailure("no unpredicted[]") }
        #expect(unknown.contains { $0.value["register"] == .string("PCR7.sha384") })
        for (words, message) in [
            (["--memory", "2G"], "--memory without a firmware"), (["--secure-boot", "on"], "no platform key"),
            (["--secure-boot", "on", "--pk", image], "none of its forms"), (["--eventlog", "x"], "--eventlog"),
        ] {
            let result = try run(["measure", "tpm", "--uki", image] + words, status: 2)
            #expect(result.errorText.contains(message), "\(words): \(result.errorText)")
        }
    }

    @Test(
        "policies are signed, verified and refused; a JSON of measured PCRs is a source too",
        .enabled(if: Outside.has("openssl"), "openssl is not installed"))
    func signed() throws {
        let key = try OpenSSLKey(bits: 2048)
        let secret = try folder.write("key.pem", key.privatePEM)
        let pub = try folder.write("key.pub", try key.publicPEM)
        let other = try folder.write("other.pub", try OpenSSLKey(bits: 2048).publicPEM)
        let path = folder.file("signatures.json")
        let sign = ["pcr-policy", "sign", "--uki", image, "--key", secret]
        _ = try run(sign + ["--bank", "sha256", "--output", path])
        let verify = ["pcr-policy", "verify", "--uki", image, "--signatures", path]
        #expect(try run(verify + ["--public-key", pub]).outputText.hasSuffix("accepted\n"))
        #expect(try run(verify + ["--public-key", other], status: 1).outputText.contains("NOT signed by the key"))
        #expect(
            try run(verify + ["--public-key", pub, "--phase", "enter-initrd"], status: 1).outputText
                .contains("NOT a policy of this image"))
        let more = try run(sign + ["--bank", "sha384", "--append", path, "--phase", "enter-initrd"]).output
        #expect(try run(["inspect", try folder.write("more.json", more)]).outputText.contains("sha384"))
        let values = try folder.write("pcrs.json", try run(["measure", "tpm", "--uki", image, "--json"]).output)
        let direct = try run(["pcr-policy", "calculate", "--uki", image, "--phase", "enter-initrd"]).outputText
        let given = try run(["pcr-policy", "calculate", "--values", values, "--phase", "enter-initrd"]).outputText
        #expect(direct == given && direct.hasPrefix("sha256:11 phase=enter-initrd "))
        let both = try run(["pcr-policy", "--values", values, "--pcrs", "sha1:8+sha256:9,11", "--policy-hash", "sha1"])
        #expect(both.outputText.hasPrefix("sha1:8+sha256:9,11 "))
        for (words, message) in [
            (["--pcrs", "24"], "no selection"), (["--pcrs", "0"], "not known"),
            (["--pcrs", "9", "--phase", "x"], "PCR 11"),
            (["--pcrs", "md5:1"], "no selection"), (["--phase", "a b"], "no phase path"),
        ] {
            let result = try run(["pcr-policy", "calculate", "--uki", image] + words, status: 2)
            #expect(result.errorText.contains(message), "\(words): \(result.errorText)")
        }
    }
}

extension String {
    /// How often `text` stands in the string.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
