import Bytes
import Documents
import Files
import TestSupport
import Testing

private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

@Suite("assay measure tdx") struct MeasureTDXTests {
    private let folder: TemporaryFolder
    private static let profile = root + "/measurements/platforms/qemu-tdx-inteltdx-2026.08"

    init() throws { folder = try TemporaryFolder() }

    private func run(_ words: [String]) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["measure", "tdx"] + words).run()
    }

    /// The shipped profile's firmware, and a kernel made by rule.
    private func boot() throws -> (package: PoolPackage, words: [String]) {
        let package = try PoolPackage("ovmf-inteltdx", version: "2026.08+ds-2")
        let kernel = PEFile(sections: [.init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))])
        let words = [
            "--profile", Self.profile, "--firmware", package.path("usr/share/ovmf/OVMF.inteltdx.ms.fd"), "--kernel",
            try folder.write("vmlinuz", kernel.bytes), "--initrd", try folder.write("initrd", [1, 2, 3]), "--cmdline",
            try folder.write("cmdline", Array("quiet".utf8)),
        ]
        return (package, words)
    }

    private func points(_ words: [String]) throws -> [(axes: [String: String], registers: [String: String])] {
        let result = try run(words + ["--json"])
        #expect(result.status == 0, "\(result.errorText)")
        let document = try JSONReader.parse(result.output, source: "output").value
        guard case .array(let nodes) = document["points"] else { throw TestFailure("no points") }
        for node in nodes {
            guard case .array(let events) = node.value["events"] else { throw TestFailure("a point without events") }
            #expect(events.count == 23)
            for event in events.map(\.value) {
                for key in ["register", "type", "digest", "description", "source"] {
                    #expect(event[key] != nil, "an event without \(key)")
                }
            }
        }
        func texts(_ value: Value?) -> [String: String] {
            guard case .object(let members) = value else { return [:] }
            return Dictionary(
                members.map { member in
                    if case .string(let text) = member.node.value { (member.key, text) } else { (member.key, "") }
                }, uniquingKeysWith: { first, _ in first })
        }
        return nodes.map { (texts($0.value["axes"]), texts($0.value["registers"])) }
    }

    @Test(
        "one command gives every number of vCPUs and size of memory; they differ in RTMR0 alone",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set or dpkg-deb is not installed"))
    func matrix() throws {
        let boot = try boot()
        let own = try points(boot.words)
        let same = try points(boot.words + ["--vcpus", "4", "--memory", "2G"])
        #expect(same.map(\.registers) == own.map(\.registers))
        #expect(same[0].axes == ["vcpus": "4", "memory": "2G", "processor": "SapphireRapids"])
        #expect(try points(boot.words + ["--acpi", Self.profile + "/fw_cfg"]).map(\.registers) == own.map(\.registers))
        let all = try points(boot.words + ["--vcpus", "1,2-4", "--memory", "1G,2G,4G"])
        #expect(all.count == 4 * 3 * own.count)
        #expect(Set(all.map { $0.registers["RTMR0"] }).count == all.count)
        for name in ["MRTD", "RTMR1", "RTMR2", "RTMR3"] {
            #expect(Set(all.map { $0.registers[name] }) == [own[0].registers[name]], "\(name)")
        }
        let found = all.first { $0.axes == same[1].axes }
        #expect(found?.registers == own[1].registers)
        let lines = try run(boot.words + ["--vcpus", "1-2"]).outputText.split(separator: "\n")
        #expect(lines.count == 4 + 2 * own.count)
        #expect(lines.last?.hasPrefix("vcpus=2 memory=2G processor=EmeraldRapids RTMR0 ") == true)
    }

    @Test(
        "machines that no rule covers, options that the profile answers and a log of several are refused",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set or dpkg-deb is not installed"))
    func refusedWithProfile() throws {
        let boot = try boot()
        let cases: [([String], String)] = [
            (["--vcpus", "0"], "no number or range"), (["--vcpus", "2,2"], "asked for twice"),
            (["--vcpus", "300"], "300"), (["--memory", "x"], "no size"), (["--memory", "1T"], "512 GiB"),
            (["--acpi", folder.file("none")], "it has no etc/acpi/tables"),
            (["--acpi", "qemu:/nowhere/qemu"], "/nowhere/qemu"), (["--append", "x"], "--append with --profile"),
            (["--layout", "edk2-202505"], "--layout with --profile"),
            (["--page-order", "two-pass"], "the profile says how"), (["--loader", "gce"], "the profile says how"),
            (["--vcpus", "1-2", "--eventlog", folder.file("log")], "a log is of one machine"),
        ]
        for (words, message) in cases {
            let result = try run(boot.words + words)
            #expect(result.status != 0 && result.errorText.contains(message), "\(words): \(result.errorText)")
            #expect(result.errorText.contains("hint:"), "\(words): \(result.errorText)")
        }
    }

    @Test("without a profile --vcpus is held against the tables, and means nothing without them") func processors()
        throws
    {
        let firmware = try folder.write("ovmf.fd", SyntheticFirmware().bytes)
        let kernel = try folder.write(
            "vmlinuz", PEFile(sections: [.init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))]).bytes)
        let words = ["--firmware", firmware, "--kernel", kernel, "--layout", "edk2-202505"]
        let tables = Self.profile + "/fw_cfg"
        let cases: [([String], String)] = [
            (["--vcpus", "2"], "changes nothing here"),
            (["--vcpus", "1-2", "--acpi", tables], "several need --profile"),
            (["--vcpus", "2", "--acpi", tables], "are of a machine with 4"),
            (["--acpi", "qemu:qemu-system-x86_64"], "give --profile"),
            (["--memory", "1G,2G", "--acpi", tables], "several need --profile"),
        ]
        for (options, message) in cases {
            let result = try run(words + options)
            #expect(result.status != 0 && result.errorText.contains(message), "\(options): \(result.errorText)")
        }
    }

    @Test("MRTD by loader, one line or point for each size where it depends on memory, MRSEAM of a module")
    func loaders()
        throws
    {
        var synthetic = SyntheticFirmware()
        synthetic.packedVolume = .none
        let firmware = try folder.write("ovmf.fd", synthetic.bytes)
        let module = try folder.write("module.so", [0x7F, 0x45, 0x4C, 0x46] + [UInt8](repeating: 0, count: 8188))
        let early = try run(["--firmware", firmware, "--loader", "gce-early-accept", "--memory", "16G"])
        #expect(
            early.outputText
                == "MRTD eb510d21ede47d79ffa0f6f6eb2016f3cc17f70287cefc540d0ac93e95bcae2286ac0ad094ffd82748800449c99e3088\n"
        )
        let several = try run(["--firmware", firmware, "--loader", "gce-all-sections", "--memory", "16G,352G"])
        #expect(several.outputText.hasPrefix("memory=16G MRTD 9fabbc77"))
        #expect(several.outputText.contains("\nmemory=352G MRTD ae3ea867"))
        let seam = try run(["--firmware", firmware, "--tdx-module", module, "--json"])
        let document = try JSONReader.parse(seam.output, source: "output").value
        #expect(document["mrtd"] != nil && document["loader"]?["name"] == .string("qemu"))
        // Nothing can be unpacked in this firmware; with --layout what was said stands there, and in the trace's root too.
        #expect(document["layout"]?["name"] == .string("unknown"))
        let traced = try run(["--firmware", firmware, "--layout", "edk2-202505", "--trace"])
        let trace = try JSONReader.parse(traced.output, source: "output").value["trace"]
        #expect(trace?["details"]?["layout"] == .string("edk2-202505"))
        #expect(trace?["details"]?["layoutOrigin"] == .string("given as edk2-202505"))
        #expect(
            document["mrseam"]
                == .string(
                    "5b98205a548ec264d3c7bdd30a22b68ff7078c08cc4eff50dcf63ad30bd5fe5b4d27c2dafac65ac9dde50fc9b2635a4b"))
        let cases: [([String], String)] = [
            (["--loader", "gce-all-sections"], "give --memory"), (["--memory", "2G"], "changes nothing here"),
            (["--vcpus", "2"], "changes nothing here"), (["--sigstruct", module], "--tdx-module"),
            (["--loader", "gce", "--page-order", "two-pass"], "page by page"),
            (["--loader", "gce", "--kernel", module], "not known"),
            (["--tdx-module", firmware], "expected an ELF file"),
            (["--tdx-module", module, "--sigstruct", module], "expected 2048"),
            (["--eventlog", folder.file("log")], "nothing is booted"),
        ]
        for (words, message) in cases {
            let result = try run(["--firmware", firmware] + words)
            #expect(result.status != 0 && result.errorText.contains(message), "\(words): \(result.errorText)")
        }
    }
}
