import Explanation
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

private func firmware(_ synthetic: SyntheticFirmware = SyntheticFirmware()) throws -> SNPFirmware {
    try SNPFirmware(OVMFImage(synthetic.bytes, name: "syn.fd"), lookForVerifier: false)
}

private func kernel(_ line: String, initrd: Bool = true) -> KernelInputs {
    func file(_ name: String) -> KernelInputs.File {
        .init(artifact: name, size: name.utf8.count, sha256: .of(Array(name.utf8), .sha256))
    }
    return KernelInputs(
        kernel: file("vmlinuz"), initrd: initrd ? file("initrd") : nil, commandLine: Array(line.utf8))
}

/// The digest of a launch as a host makes it.
private func launched(
    _ line: String?, vmm: String = "QEMU", model: String = "EPYC-Milan", features: UInt64 = 1, vcpus: Int,
    initrd: Bool = true
) throws -> Digest {
    let launch = try SNPLaunch(
        firmware: firmware(), kernel: line.map { kernel($0, initrd: initrd) },
        rules: #require(KnownVMM.named(vmm)).rules, features: features, trust: .unverifiedAllowed)
    let signature = try #require(VCPUSignature(named: model))
    return try #require(launch.points(signature, vcpus: vcpus...vcpus).first).digest
}

@Suite("search for the cause of a launch digest")
struct LaunchSearchTests {
    @Test(
        "finds count, model, features and loader",
        arguments: [
            ("QEMU", "EPYC-Milan", 0x1 as UInt64, 1), ("QEMU", "EPYC-Genoa", 0x21, 4),
            ("QEMU", "EPYC-Turin", 0x29, 255),
            ("QEMU", "EPYC", 0x221, 512), ("QEMU-before-init2", "EPYC-Milan", 0x1, 3), ("ec2", "EPYC", 0x1, 8),
            ("ec2-legacy", "EPYC", 0x21, 2), ("gce", "EPYC", 0x1, 7), ("gce-genoa", "EPYC", 0x1, 7),
            ("krun", "EPYC", 0x1, 1),
        ])
    func combinations(vmm: String, model: String, features: UInt64, vcpus: Int) throws {
        let digest = try launched("root=x", vmm: vmm, model: model, features: features, vcpus: vcpus)
        let outcome = try LaunchSearch([.snp(firmware())], kernel: kernel("root=x")).run(digest)
        let match = try #require(outcome.matches.first)
        #expect(outcome.matches.count == 1)
        #expect(match.vcpus == vcpus)
        #expect(match.features == features)
        #expect(match.vmms.contains(vmm))
        #expect(match.firmware == "syn.fd")
        #expect(match.kernel.difference == nil)
        let usesSignature = try #require(KnownVMM.named(vmm)).usesSignature
        #expect(match.model?.name == (usesSignature ? model : nil))
    }

    @Test(
        "finds how the command line differs",
        arguments: [
            ("root=x quiet ", "a blank added at the end of the command line"),
            ("root=x quiet\n", "a newline added at the end of the command line"),
            ("root=x  quiet", "every blank in the command line doubled"), ("", "an empty command line"),
        ])
    func commandLines(line: String, difference: String) throws {
        let search = LaunchSearch([.snp(try firmware())], kernel: kernel("root=x quiet"))
        let outcome = try search.run(launched(line, vcpus: 2))
        #expect(outcome.matches.map(\.kernel.difference) == [difference])
    }

    @Test("finds trimmed and joined command lines, one doubled blank among many, and a missing initrd")
    func other() throws {
        func differences(_ given: String, _ line: String, initrd: Bool = true) throws -> [String?] {
            try LaunchSearch([.snp(firmware())], kernel: kernel(given), vcpus: 1...4)
                .run(launched(line, vcpus: 2, initrd: initrd)).matches.map(\.kernel.difference)
        }
        #expect(
            try differences(" a b\n", "a b") == ["blanks and newlines at both ends of the command line removed"])
        #expect(try differences("a  b c", "a b c") == ["doubled blanks in the command line made single"])
        #expect(try differences("a b c", "a b  c") == ["the blank at byte 3 of the command line doubled"])
        #expect(try differences("a b c", "a b c", initrd: false) == ["no initrd"])
    }

    @Test("finds a launch without kernel hashes, and the firmware among several")
    func firmwares() throws {
        var other = SyntheticFirmware()
        other.resetAddress = 0x80_C004
        let search = LaunchSearch([.snp(try firmware(other)), .snp(try firmware())], kernel: kernel("root=x"))
        let outcome = try search.run(launched(nil, vcpus: 6))
        #expect(outcome.matches.map(\.vcpus) == [6])
        #expect(outcome.matches.first?.kernel.inputs == nil)
        #expect(outcome.matches.first?.kernel.difference == "no kernel hashes")
    }

    @Test("says that none fits, and that a firmware has no place for hashes")
    func none() throws {
        var plain = SyntheticFirmware()
        plain.sections?.removeLast()
        let search = LaunchSearch([.snp(try firmware(plain))], kernel: kernel("root=x"), vcpus: 1...8)
        let outcome = try search.run(.zero(.sha384))
        #expect(outcome.matches.isEmpty)
        #expect(outcome.withoutKernelHashes == ["syn.fd"])
        // Loaders that measure the model, and those that do not; 6 feature values, 8 counts, one variant.
        let states = LaunchSearch.namedModels.count * 2 + 5
        #expect(outcome.compared == states * 6 * 8)
    }
}
