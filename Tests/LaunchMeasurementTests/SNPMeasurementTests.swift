import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

/// The shipped profile, made to pin another firmware.
private func profileFor(_ bytes: [UInt8], _ edits: [(String, String)] = []) throws -> PlatformProfile {
    var text = try shippedSNPProfileText()
    let pin = ("3e4fd0b3fe3b2dbe481c3d9e99418a034174f26cbe1f55aa212b0f18c12d2d6f", Digest.of(bytes, .sha256).hex)
    for (old, new) in [pin, ("size: 4194304", "size: \(bytes.count)")] + edits {
        guard text.contains(old) else { throw TestFailure("the profile has no '\(old)'") }
        text = text.replacing(old, with: new)
    }
    return try profile(text)
}

@Suite("SNP measurement of a profile")
struct SNPMeasurementTests {
    private let folder: TemporaryFolder
    private let artifacts: BootArtifacts
    private let bytes = SyntheticFirmware().bytes

    init() throws {
        folder = try TemporaryFolder()
        artifacts = BootArtifacts(paths: [
            "vmlinuz": try folder.write("vmlinuz", Array("kernel".utf8)),
            "initrd": try folder.write("initrd", Array("initrd".utf8)),
            "cmdline": try folder.write("cmdline", Array("root=x ".utf8)),
        ])
    }

    private func measure(
        _ edits: [(String, String)] = [], _ artifacts: BootArtifacts? = nil, bytes other: [UInt8]? = nil
    ) throws -> [Measurement] {
        let image = try OVMFImage(other ?? bytes, name: "OVMF.amdsev.fd")
        return try SNPMeasurement.measure(
            profile: profileFor(bytes, edits), firmware: image, artifacts: artifacts ?? self.artifacts)
    }

    @Test("gives one measurement for every model and vCPU count, with the axes named")
    func matrix() throws {
        let all = try measure()
        #expect(all.count == 128)
        #expect(Set(all.map(\.registers)).count == 128)
        let point = try #require(all.first { $0.axes == [.init("cpu", "EPYC-Genoa"), .init("vcpus", "2")] })
        #expect(point.registers.map(\.name) == ["LAUNCH_DIGEST"])
        // The same as sev-snp-measure gives for these files.
        #expect(
            point.registers[0].digest.hex
                == "ee364a9729c0be0456d453c29ceff45459c769fbf7864006cd71266ea25374f93ceee0c7450e9bc2bc60dd029ca3afdb")
        #expect(point.trace.digest == point.registers[0].digest)
        let size = try CanonicalJSON.encode(.array(of: all.map(\.document))).count
        #expect(size < 1 << 20, "\(size) bytes for 128 points")
    }

    @Test("another firmware than the pinned one is refused")
    func otherFirmware() throws {
        var other = bytes
        other[0x1800] ^= 1
        let error = #expect(throws: FirmwareMismatch.self) { try measure(bytes: other) }
        #expect(error?.hint?.contains("ovmf-amdsev 2026.08+ds-2") == true)
    }

    @Test("a direct boot that leaves the kernel out of the digest is refused")
    func noHashes() throws {
        #expect(throws: SNPMeasurementError.kernelNotMeasured(profile: "qemu-snp-amdsev-2026.08")) {
            try measure([("kernelHashes: true", "kernelHashes: false")])
        }
        let all = try measure([("kernelHashes: true", "kernelHashes: false\n  allowUnverifiedKernel: true")])
        #expect(all[0].trace.children.flatMap(\.children).isEmpty)
    }

    @Test("a profile whose firmware is an IGVM file states how it is loaded")
    func igvm() throws {
        let file = IGVMBytes.sample.bytes
        func rules(_ placement: String) -> (String, String) {
            let names = [("zero_pages", "normal"), ("placement", placement), ("parameters", "file")]
            let text = names.map {
                "  - name: igvm.\($0.0)\n    value: \($0.1)\n    origin: test\n    confidence: read-in-source\n"
            }
            return ("rules:\n", "rules:\n" + text.joined())
        }
        let noHashes = ("kernelHashes: true", "kernelHashes: false")
        let kvm = try profileFor(file, [rules("kvm"), noHashes])
        #expect(kvm.loadsIGVM)
        let points = try SNPMeasurement.measureIGVM(profile: kvm, firmware: file)
        #expect(points.count == 128 && Set(points.map(\.registers)).count == 127)
        let launch = try IGVMLaunch(
            IGVMFile(file, name: "firmware"), platform: .snp, rules: IGVMRules(placement: .kvm))
        #expect(points[0].registers[0].digest == launch.measure().digest)
        #expect(throws: DocumentError.self) { try profileFor(file, [rules("kvm")]) }
        #expect(throws: DocumentError.self) { try profileFor(file, [rules("file"), noHashes]) }
        let one = try profileFor(file, [rules("file"), noHashes, ("last: 64", "last: 1")])
        #expect(try SNPMeasurement.measureIGVM(profile: one, firmware: file).map(\.axes) == [[]])
        let features = try profileFor(file, [rules("kvm"), noHashes, ("features: 0x1", "features: 0x21")])
        #expect(throws: IGVMError.self) { try SNPMeasurement.measureIGVM(profile: features, firmware: file) }
        #expect(throws: IGVMError.self) { try SNPMeasurement.measureIGVM(profile: profileFor(file), firmware: file) }
    }

    @Test("a newline at the end of the command line is refused: QEMU would not see it")
    func newline() throws {
        var changed = artifacts
        changed.paths["cmdline"] = try folder.write("other", Array("root=x\n".utf8))
        #expect(throws: SNPMeasurementError.commandLineByte(artifact: "cmdline", offset: 6, byte: 0x0A)) {
            try measure([], changed)
        }
        changed.paths["vmlinuz"] = nil
        #expect(throws: SNPMeasurementError.missingArtifact(name: "vmlinuz")) { try measure([], changed) }
    }

    @Test(
        "the shipped profile on the real firmware agrees with sev-snp-measure",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"),
        .enabled(if: Outside.has("sev-snp-measure"), "sev-snp-measure is not installed"))
    func peer() throws {
        let shipped = try profile(shippedSNPProfileText())
        let package = try PoolPackage(shipped.firmware.package, version: shipped.firmware.version)
        let path = package.path(shipped.firmware.path)
        let image = try OVMFImage(InputFile.contents(of: path), name: "OVMF.amdsev.fd")
        let all = try SNPMeasurement.measure(profile: shipped, firmware: image, artifacts: artifacts)
        #expect(all.count == 128)
        for (model, count) in [("EPYC-Milan", "1"), ("EPYC-Milan", "64"), ("EPYC-Genoa", "7")] {
            let peer = try Subprocess(
                "sev-snp-measure",
                [
                    "--mode", "snp", "--vcpus", count, "--vcpu-type", model, "--ovmf", path, "--kernel",
                    folder.file("vmlinuz"), "--initrd", folder.file("initrd"), "--append", "root=x ",
                ]
            ).run()
            let point = try #require(all.first { $0.axes == [.init("cpu", model), .init("vcpus", count)] })
            #expect(peer.outputText.trimmingNewline == point.registers[0].digest.hex, "\(peer.errorText)")
        }
    }
}

extension String {
    fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
