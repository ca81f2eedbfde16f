import Bytes
import Documents
import Files
import TestSupport
import Testing

@Suite("assay measure snp")
struct MeasureSNPTests {
    private let folder: TemporaryFolder
    private let firmware, kernel, initrd: String

    init() throws {
        folder = try TemporaryFolder()
        firmware = try folder.write("syn.fd", SyntheticFirmware().bytes)
        kernel = try folder.write("vmlinuz", Array("kernel".utf8))
        initrd = try folder.write("initrd", Array("initrd".utf8))
    }

    private func measure(_ arguments: [String], in directory: String? = nil) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["measure", "snp"] + arguments, directory: directory).run()
    }

    private func identified(_ arguments: [String]) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["identify"] + arguments).run()
    }

    // Expected values were printed by sev-snp-measure 0.0.13 for the same files.
    @Test("prints the digest alone, as sev-snp-measure does with the same flags")
    func digest() throws {
        let result = try measure([
            "--mode", "snp", "--ovmf", firmware, "--vcpus", "2", "--vcpu-type", "EPYC-Genoa", "--kernel", kernel,
            "--initrd", initrd, "--append", "root=x ",
        ])
        #expect(result.status == 0)
        #expect(
            result.outputText
                == "ee364a9729c0be0456d453c29ceff45459c769fbf7864006cd71266ea25374f93ceee0c7450e9bc2bc60dd029ca3afdb\n")
        #expect(
            result.errorText.hasPrefix("assay: warning: \(kernel): is no Linux kernel: neither HdrS at 0x202 nor MZ"))
        #expect(result.errorText.contains("assay: hint: "))
    }

    @Test("a Linux kernel and an EFI program are measured without a warning")
    func kernels() throws {
        var linux = [UInt8](repeating: 0, count: 0x1000)
        linux.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        for (name, bytes) in [("linux", linux), ("efi", Array("MZ".utf8) + [UInt8](repeating: 0, count: 98))] {
            let path = try folder.write(name, bytes)
            let result = try measure([
                "--ovmf", firmware, "--vcpus", "1", "--vcpu-type", "EPYC-Genoa", "--kernel", path,
            ])
            #expect(result.status == 0 && result.errors.isEmpty, "\(name): \(result.errorText)")
        }
    }

    @Test("takes a signature or its parts, base64, and the digest of the firmware for the firmware")
    func forms() throws {
        let hash = try measure(["--mode", "snp:ovmf-hash", "--ovmf", firmware])
        #expect(
            hash.outputText
                == "d055d6df0ce47e76d4c6af02eb52bb9fdfe0d74f8fccb4700121287c896a4c6d7f9e40fe891d2a23ad3c9d6584907228\n")
        let milan = "0ba2328ae6a251a9ada906a70f3e2b438c490bcdbc12b5ddec9db546806e82c7ea56550238be01ebeac7e8e319322423\n"
        for cpu in [
            ["--vcpu-type", "EPYC-Milan-v2"], ["--vcpu-sig", "0xa00f11"], ["--vcpu-sig", "10489617"],
            ["--vcpu-family", "25", "--vcpu-model", "1", "--vcpu-stepping", "1"],
        ] {
            #expect(try measure(["--ovmf", firmware, "--vcpus", "1"] + cpu).outputText == milan)
        }
        let seed = String(hash.outputText.dropLast())
        let common = ["--ovmf", firmware, "--vcpus", "1", "--vcpu-sig", "0xa00f11"]
        #expect(try measure(common + ["--snp-ovmf-hash", seed]).outputText == milan)
        #expect(
            try measure(common + ["--output-format", "base64"]).outputText
                == "C6IyiuaiUamtqQanDz4rQ4xJC828ErXd7J21RoBugsfqVlUCOL4B6+rH6OMZMiQj\n")
    }

    @Test(
        "other VMMs need no CPU model",
        arguments: [
            ("ec2", "371449eed5145e3a31f3c0526d85fc04811dd3df47cb7610441642d5d00364f1afb3d8753c95880686c1c76520089e27"),
            ("gce", "aaab44c548ddedb2343e61b7c46dfa41aed28a4e1120ad19266152e7dd65db40af07e9a42e8bed890198221916318395"),
        ])
    func vmms(vmm: String, expected: String) throws {
        #expect(try measure(["--ovmf", firmware, "--vcpus", "3", "--vmm-type", vmm]).outputText == expected + "\n")
    }

    @Test("JSON is one document with the trace on request")
    func json() throws {
        let common = ["--ovmf", firmware, "--vcpus", "2", "--vcpu-type", "EPYC", "--kernel", kernel]
        let plain = try JSONReader.parse(measure(common + ["--json"]).output, source: "output").value
        #expect(plain["verifiesKernelHashes"] == .bool(true))
        #expect(plain["vcpuSignature"] == .string("0x800f12"))
        #expect(plain["trace"] == nil)
        let whole = try JSONReader.parse(measure(common + ["--trace"]).output, source: "output").value
        #expect(whole["trace"]?["digest"] == whole["launchDigest"])
        #expect(whole["launchDigest"] == plain["launchDigest"])
    }

    @Test("a kernel on firmware that does not check it: refused, or measured with a warning")
    func unverified() throws {
        var synthetic = SyntheticFirmware()
        synthetic.packedVolume = .noVerifier
        let other = try folder.write("general.fd", synthetic.bytes)
        let common = ["--ovmf", other, "--vcpus", "1", "--vcpu-type", "EPYC", "--kernel", kernel]
        let refused = try measure(common)
        #expect(refused.status == 2)
        #expect(refused.output.isEmpty)
        #expect(refused.errorText.contains("does not verify kernel hashes"))
        #expect(refused.errorText.contains("assay: hint: "))
        let allowed = try measure(common + ["--allow-unverified-kernel"])
        #expect(allowed.status == 0)
        #expect(allowed.outputText.utf8.count == 97)
        #expect(allowed.errorText.contains("assay: warning: general.fd does not check kernel hashes"))
    }

    @Test("a range prints a line a count, and what varies stands before each digest")
    func ranges() throws {
        func lines(_ arguments: [String]) throws -> [String] {
            try measure(["--ovmf", firmware] + arguments).outputText.split(separator: "\n").map(String.init)
        }
        let milan = try lines(["--vcpus", "1-3", "--vcpu-type", "EPYC-Milan"])
        #expect(milan.count == 3)
        #expect(
            milan[0]
                == "1 0ba2328ae6a251a9ada906a70f3e2b438c490bcdbc12b5ddec9db546806e82c7ea56550238be01ebeac7e8e319322423")
        #expect(milan[2].hasPrefix("3 "))
        let matrix = try lines([
            "--vcpus", "2-3", "--vcpu-type", "EPYC", "--vcpu-type", "EPYC-Milan", "--guest-features", "1",
            "--guest-features", "0x21",
        ])
        #expect(matrix.count == 8)
        #expect(matrix[5] == "EPYC-Milan 0x1 " + milan[2])
        #expect(Set(matrix.compactMap { $0.split(separator: " ").last }).count == 8)
        #expect(try lines(["--vcpus", "1-255", "--vcpu-type", "all"]).count == 5 * 255)
        let json = try JSONReader.parse(
            measure(["--ovmf", firmware, "--vcpus", "1-2", "--vcpu-type", "EPYC", "--json"]).output, source: "out"
        ).value
        guard case .array(let points) = json["points"] else { throw TestFailure("no points") }
        #expect(points.map { $0.value["vcpus"] } == [.integer(1), .integer(2)])
        #expect(json["vmmOrigin"] != nil && json["vmmValidity"] != nil)
    }

    // Printed by sev-snp-measure 0.0.13 for the same file.
    @Test("SEV and SEV-ES, with both init calls")
    func sev() throws {
        let plain = try measure(["--mode", "sev", "--ovmf", firmware])
        #expect(plain.outputText == "cf55c0f0332e523bfe07c6464ac84057941fd9c9dfa1084c1fbc0f595ef9c6a0\n")
        let new = try measure(["--mode", "seves", "--ovmf", firmware, "--vcpus", "2", "--vcpu-type", "EPYC-v4"])
        #expect(new.outputText == "7c9fa7810e6d4e6fbeab5c9c54fb28e4a0c112257bb2c29a1be650ed64e18718\n")
        let old = try measure([
            "--mode", "seves", "--ovmf", firmware, "--vcpus", "2", "--vcpu-type", "EPYC-v4", "--legacy-sev-es-init",
        ])
        #expect(old.outputText.utf8.count == 65)
        #expect(old.outputText != new.outputText)
        let bios = try folder.write("bios.bin", [UInt8](repeating: 0x90, count: 0x10000))
        let other = try measure(["--mode", "sev", "--ovmf", bios])
        #expect(other.status == 0)
        #expect(other.errorText.contains("measured as plain bytes"))
    }

    @Test("a record of a firmware, and a digest of one vCPU, take the firmware's place")
    func withoutFirmware() throws {
        let record = try measure(["--mode", "snp:ovmf-hash", "--ovmf", firmware, "--json"])
        let path = try folder.write("record.json", record.output)
        let common = ["--vcpus", "2", "--vcpu-type", "EPYC-Milan"]
        let direct = try measure(["--ovmf", firmware, "--kernel", kernel] + common)
        let stored = try measure(["--ovmf", path, "--kernel", kernel] + common)
        #expect(direct.status == 0 && stored.outputText == direct.outputText)
        let one = try measure(["--ovmf", firmware, "--kernel", kernel, "--vcpus", "1", "--vcpu-type", "EPYC-Milan"])
        let extended = try measure(
            ["--one-vcpu-digest", String(one.outputText.dropLast()), "--reset-address", "0x80b004"] + common)
        #expect(extended.outputText == direct.outputText)
        let twice = try measure(["--ovmf", path, "--snp-ovmf-hash", String(one.outputText.dropLast())] + common)
        #expect(twice.status == 2)
    }

    @Test("identify names what gives a digest, and exits with 1 if nothing does")
    func identify() throws {
        let digest = try measure([
            "--ovmf", firmware, "--vcpus", "6", "--vcpu-type", "EPYC-Genoa", "--guest-features", "0x21", "--kernel",
            kernel, "--append", "a b ",
        ]).outputText.dropLast()
        let inputs = ["--ovmf", firmware, "--kernel", kernel, "--append", "a b"]
        let found = try identified([String(digest)] + inputs)
        #expect(found.status == 0)
        #expect(
            found.outputText
                == "6 vCPUs, EPYC-Genoa (0xa10f10), features 0x21, QEMU or cloud-hypervisor, syn.fd, kernel hashes with "
                + "a blank added at the end of the command line\n")
        var report = SNPReportBytes()
        report.measurement = try #require([UInt8](hex: String(digest)))
        report.policy = 0xB0000
        let file = try folder.write("report.bin", report.bytes)
        // The chip is a Milan, and the guest's model a Genoa: what the chip has is tried first, and then the others.
        let reported = try identified([file] + inputs)
        #expect(reported.outputText.hasPrefix(found.outputText))
        #expect(
            reported.outputText.contains(
                "report version 3: VMPL 1, POLICY 0xb0000 (smt, debug), Milan (family 0x19, model 0x1, stepping 0x1), ")
        )
        #expect(reported.errorText.contains("assay: warning: the report's POLICY allows debugging"))
        let facts = try JSONReader.parse(identified([file, "--json"] + inputs).output, source: "out").value
        #expect(facts["report"]?["policy"]?["value"] == .string("0xb0000"))
        report.version = 9
        let newer = try identified([try folder.write("newer.bin", report.bytes)] + inputs)
        #expect(newer.status == 2 && newer.errorText.contains("newer.bin+0x0: VERSION: found 9, expected 2 to 5"))
        let none = try identified([String(repeating: "0", count: 96), "--json"] + inputs)
        #expect(none.status == 1)
        let json = try JSONReader.parse(none.output, source: "out").value
        #expect(json["matches"] == .array([]))
        #expect(none.errorText.contains("combinations gives"))
        let noReport = try identified([firmware] + inputs)
        #expect(noReport.status == 2)
    }

    @Test("identify --mode searches what the mode varies in")
    func identifyModes() throws {
        var synthetic = SyntheticFirmware()
        synthetic.svsmLaunchOffset = 0x1000
        let svsm = try folder.write("svsm.bin", synthetic.bytes)
        let common = ["--ovmf", firmware, "--mode"]
        for (mode, more, sentence) in [
            ("sev", [], "syn.fd, kernel hashes"),
            (
                "seves", ["--vcpus", "3", "--vcpu-type", "EPYC-Genoa", "--legacy-sev-es-init"],
                "3 vCPUs, EPYC-Genoa (0xa10f10), features 0x0, QEMU with KVM_SEV_ES_INIT or QEMU-before-init2 or "
                    + "cloud-hypervisor with KVM_SEV_ES_INIT, syn.fd, kernel hashes"
            ),
            (
                "snp:svsm", ["--vcpus", "2", "--vcpu-type", "EPYC", "--svsm", svsm, "--vars-size", "0x20000"],
                "2 vCPUs, EPYC (0x800f12), features 0x1, syn.fd, svsm.bin below a variable store of 0x20000 bytes, "
                    + "no kernel hashes"
            ),
        ] {
            let boot = mode == "snp:svsm" ? [] : ["--kernel", kernel]
            let digest = try measure(common + [mode] + more + boot).outputText.dropLast()
            let inputs = mode == "snp:svsm" ? ["--svsm", svsm] : boot
            let found = try identified([String(digest)] + common + [mode] + inputs)
            #expect(found.outputText == sentence + "\n", "\(found.errorText)")
            let json = try JSONReader.parse(
                identified([String(digest), "--json"] + common + [mode] + inputs).output, source: "out"
            ).value
            #expect(json["mode"] == .string(mode))
            let none = try identified([String(repeating: "0", count: digest.count)] + common + [mode] + inputs)
            #expect(none.status == 1 && none.errorText.contains("assay: hint: another firmware file"))
        }
    }

    @Test(
        "identify refuses what has no part in a mode, and digests of another length",
        arguments: [
            (["--mode", "sev", "--vcpus", "1"], "vCPUs have no part in --mode sev"),
            (["--mode", "seves", "--guest-features", "1"], "--guest-features has no part in --mode seves"),
            (["--mode", "snp:svsm", "--vmm-type", "ec2"], "--vmm-type has no part in --mode snp:svsm"),
            (["--mode", "snp:svsm", "--append", "x"], "--append have no part in --mode snp:svsm"),
            (["--mode", "seves", "--svsm", "x"], "--vars-file have no part in --mode seves"),
            (["--mode", "seves"], "the digest: found 48 bytes, expected 32 in hex or base64"),
            (["--mode", "snp:svsm"], "--svsm is missing"),
        ])
    func identifyRefuses(arguments: [String], problem: String) throws {
        let result = try identified([String(repeating: "0", count: 96), "--ovmf", firmware] + arguments)
        #expect(result.status == 2)
        #expect(result.errorText.contains(problem), "\(result.errorText)")
        let file = try identified([kernel, "--ovmf", firmware, "--mode", "sev"])
        #expect(file.status == 2 && file.errorText.contains("is no digest of 32 bytes"))
    }

    @Test(
        "what cannot be used is refused with exit 2 and a word on what to do",
        arguments: [
            (["--vcpus", "1"], "the vCPU is not named"),
            (["--vcpu-type", "EPYC"], "--vcpus is missing"),
            (["--vcpus", "1", "--vcpu-type", "Pentium"], "unknown CPU model 'Pentium'"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--vcpu-sig", "1"], "named in 2 ways"),
            (["--vcpus", "1", "--vcpu-family", "25"], "the vCPU is not named"),
            (["--vcpus", "1", "--vcpu-sig", "0x100000000"], "32-bit number"),
            (["--vcpus", "0", "--vcpu-type", "EPYC"], "found 0 vCPUs"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--append", "x"], "need --kernel"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--guest-features", "zz"], "expected a number"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--snp-ovmf-hash", "00"], "96 hex digits"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--vmsa-gpa", "0x10"], "multiple of 4096"),
            (["--vcpus", "4-2", "--vcpu-type", "EPYC"], "expected a count or a range"),
            (["--vcpus", "1-5000", "--vcpu-type", "EPYC"], "found 5000 vCPUs"),
            (["--mode", "snp:svsm", "--vcpus", "1", "--vcpu-type", "EPYC"], "--svsm is missing"),
            (["--mode", "sev", "--dump-vmsa"], "no VMSA to dump"),
            (["--mode", "seves", "--vcpus", "1", "--vcpu-type", "EPYC", "--snp-ovmf-hash", "00"], "SEV-SNP alone"),
            (["--vcpus", "1", "--vcpu-type", "EPYC", "--kernel", "/nonexistent"], "/nonexistent: cannot open"),
        ])
    func refuses(arguments: [String], problem: String) throws {
        let result = try measure(["--ovmf", firmware] + arguments)
        #expect(result.status == (problem.contains("nonexistent") ? result.status : 2))
        #expect(result.status != 0)
        #expect(result.output.isEmpty)
        #expect(result.errorText.contains(problem), "\(result.errorText)")
    }

    @Test("a file that is no firmware is named with the place and what is needed")
    func noFirmware() throws {
        let other = try folder.write("vars.fd", [UInt8](repeating: 0xFF, count: 0x1000))
        let result = try measure(["--ovmf", other, "--vcpus", "1", "--vcpu-type", "EPYC"])
        #expect(result.status == 2)
        #expect(result.errorText.contains("vars.fd+0xfd0: GUIDed table footer"))
        #expect(result.errorText.contains("not a variable store"))
    }

    @Test("writes the save areas, one file a vCPU")
    func dump() throws {
        let result = try measure(
            ["--ovmf", firmware, "--vcpus", "3", "--vcpu-type", "EPYC-v4", "--dump-vmsa"], in: folder.path)
        #expect(result.status == 0)
        let pages = try (0..<3).map { try InputFile.contents(of: folder.file("vmsa\($0).bin")) }
        #expect(pages.allSatisfy { $0.count == 4096 })
        #expect(pages[0] != pages[1])
        #expect(pages[1] == pages[2])
    }

    @Test("inspect tells tables, reset state and verifier")
    func inspect() throws {
        let text = try BuiltProgram.run("inspect", firmware).outputText
        #expect(text.hasPrefix("kind: OVMF firmware\n"))
        #expect(text.contains("verifiesKernelHashes: yes"))
        #expect(text.contains("ip: 0xb004"))
        let json = try JSONReader.parse(BuiltProgram.run("inspect", "--json", firmware).output, source: "output").value
        #expect(json["hashTableArea"]?["base"] == .string("0x810c00"))
    }
}
