import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

private func image(_ synthetic: SyntheticFirmware = SyntheticFirmware()) throws -> OVMFImage {
    try OVMFImage(synthetic.bytes, name: "syn.fd")
}

private func kernel() -> KernelInputs {
    let bytes = Array("kernel".utf8)
    return KernelInputs(
        kernel: .init(artifact: "vmlinuz", size: bytes.count, sha256: .of(bytes, .sha256)), initrd: nil,
        commandLine: [])
}

@Suite("SEV and SEV-ES launches")
struct SEVLaunchTests {
    private let milan = VCPUSignature(rawValue: 0xA0_0F11)

    @Test("SEV is the SHA-256 of the firmware, then of the hash table")
    func sev() throws {
        let image = try image()
        #expect(try SEVLaunch(firmware: image, mode: .sev).point().digest == .of(image.bytes, .sha256))
        let with = try SEVLaunch(firmware: image, kernel: kernel(), verifies: true, mode: .sev).point()
        let table = try #require(kernel().table)
        #expect(with.digest == .of(image.bytes + table.bytes, .sha256))
        #expect(with.trace.children.map(\.id) == ["firmware", "kernel-hashes"])
        #expect(with.trace.children.last?.digest == with.digest)
        let plain = try SEVLaunch(plainFirmware: image.bytes, name: "bios.bin").point()
        #expect(plain.digest == .of(image.bytes, .sha256))
    }

    @Test("SEV-ES adds a save area a vCPU, without SEV features")
    func seves() throws {
        let image = try image()
        let launch = try SEVLaunch(firmware: image, mode: .es(legacyInit: false))
        let areas = launch.saveAreas(milan)
        let other = try #require(areas.application)
        #expect(areas.boot.sevFeatures == 0)
        let points = try launch.points(milan, vcpus: 1...3)
        #expect(points.map(\.vcpus) == [1, 2, 3])
        #expect(points[0].digest == .of(image.bytes + areas.boot.bytes, .sha256))
        #expect(points[2].digest == .of(image.bytes + areas.boot.bytes + other.bytes + other.bytes, .sha256))
        #expect(points[2].trace.children.last?.count == 2)
        #expect(try launch.points(milan, vcpus: 3...3).first?.digest == points[2].digest)
    }

    @Test("the legacy init call leaves the FPU state out")
    func legacy() throws {
        let old = try SEVLaunch(firmware: image(), mode: .es(legacyInit: true)).saveAreas(milan).boot
        let new = try SEVLaunch(firmware: image(), mode: .es(legacyInit: false)).saveAreas(milan).boot
        #expect(old.mxcsr == 0 && old.fcw == 0)
        #expect(new.mxcsr == 0x1F80 && new.fcw == 0x37F)
    }

    @Test("a kernel needs a hash table area and a verifier, a second vCPU a start address")
    func refusals() throws {
        var synthetic = SyntheticFirmware()
        synthetic.resetAddress = nil
        synthetic.hashTableArea = nil
        let bare = try image(synthetic)
        #expect(throws: SNPMeasurementError.noHashTableArea(firmware: "syn.fd")) {
            try SEVLaunch(firmware: bare, kernel: kernel(), verifies: true, mode: .sev)
        }
        #expect(throws: SNPMeasurementError.kernelNotVerified(firmware: "syn.fd")) {
            try SEVLaunch(firmware: image(), kernel: kernel(), verifies: false, mode: .sev)
        }
        let launch = try SEVLaunch(firmware: bare, mode: .es(legacyInit: false))
        #expect(try launch.points(milan, vcpus: 1...1).count == 1)
        #expect(throws: SNPMeasurementError.noResetAddress(firmware: "syn.fd")) {
            try launch.points(milan, vcpus: 1...2)
        }
        #expect(throws: SNPMeasurementError.vcpuCount(0)) { try launch.points(milan, vcpus: 0...1) }
        #expect(throws: SNPMeasurementError.vcpuCount(4097)) { try launch.points(milan, vcpus: 1...4097) }
    }
}

@Suite("SNP from less than the firmware")
struct SNPRecordTests {
    private let milan = VCPUSignature(rawValue: 0xA0_0F11)

    @Test("a record gives what the file gives, with a kernel too")
    func record() throws {
        let firmware = try SNPFirmware(image(), lookForVerifier: true)
        let text = ReadableJSON.encode(try firmware.record())
        let read = try SNPFirmware(record: JSONReader.parse(Array(text.utf8), source: "record"), name: "record")
        #expect(read.verifiesKernelHashes == true)
        #expect(read.fileDigest == .of(SyntheticFirmware().bytes, .sha256))
        #expect(read.bytes.isEmpty)
        #expect(try read.record() == firmware.record())
        let direct = try SNPLaunch(firmware: firmware, kernel: kernel()).points(milan, vcpus: 2...2)
        let stored = try SNPLaunch(firmware: read, kernel: kernel()).points(milan, vcpus: 2...2)
        #expect(direct.first?.digest == stored.first?.digest)
    }

    @Test(
        "a record that is not right is refused with the key that is wrong",
        arguments: [
            ("assay-snp-firmware/1", "assay-snp-firmware/9", "format"),
            ("\"resetAddress\"", "\"reset\"", "resetAddress"),
            ("\"type\": 2", "\"type\": 3", "SNP_SECRETS"), ("\"gpa\": \"0x800000\"", "\"gpa\": \"0x800001\"", "pages"),
            ("\"verifiesKernelHashes\": true", "\"verifiesKernelHashes\": 1", "verifiesKernelHashes"),
        ])
    func brokenRecord(old: String, new: String, key: String) throws {
        let firmware = try SNPFirmware(image(), lookForVerifier: true)
        let text = ReadableJSON.encode(try firmware.record())
        #expect(text.contains(old))
        let error = #expect(throws: (any Error).self) {
            try SNPFirmware(
                record: JSONReader.parse(Array(text.replacing(old, with: new).utf8), source: "record"), name: "record")
        }
        #expect("\(try #require(error))".contains(key))
    }

    @Test("the digest of one vCPU extends to any number, without the firmware")
    func compact() throws {
        let launch = try SNPLaunch(firmware: SNPFirmware(image(), lookForVerifier: false))
        let points = try launch.points(milan, features: 0x21, vcpus: 1...9)
        let compact = CompactLaunch(
            digest: points[0].digest, resetAddress: 0x80_B004, signature: milan, features: 0x21)
        #expect(try compact.digests(vcpus: 1...9) == points.map(\.digest))
        #expect(try compact.digests(vcpus: 7...7) == [points[6].digest])
        #expect(throws: SNPMeasurementError.vcpuCount(0)) { try compact.digests(vcpus: 0...2) }
    }

    @Test("one launch serves every feature value")
    func features() throws {
        let firmware = try SNPFirmware(image(), lookForVerifier: false)
        let shared = try SNPLaunch(firmware: firmware).points(milan, features: 0x21, vcpus: 1...2)
        let own = try SNPLaunch(firmware: firmware, features: 0x21).points(milan, vcpus: 1...2)
        #expect(shared.map(\.digest) == own.map(\.digest))
        #expect(shared.map(\.trace) == own.map(\.trace))
    }

    @Test("every loader has a name of its own, an origin and a validity, and rules that a profile can state")
    func loaders() {
        #expect(Set(KnownVMM.all.map { $0.name.lowercased() }).count == KnownVMM.all.count)
        for vmm in KnownVMM.all {
            #expect(!vmm.origin.isEmpty && !vmm.validity.isEmpty && !vmm.title.isEmpty)
            #expect(KnownVMM.named(vmm.name.uppercased()) == vmm)
            #expect(vmm.rules.vmsaGPA.isMultiple(of: 4096))
        }
        #expect(KnownVMM.named("xen") == nil)
        #expect(KnownVMM.named("ec2")?.rules.rdx == .fixed(0x600))
        #expect(KnownVMM.named("ec2-legacy")?.rules.rdx == .fixed(0))
    }

    @Test("an SVSM needs its info entry, whole pages and room below the firmware")
    func svsm() throws {
        let firmware = try image()
        let error = #expect(throws: FormatError.self) { try SVSMImage(firmware.bytes, name: "svsm.bin") }
        #expect(error?.field == "SVSM info")
        var synthetic = SyntheticFirmware()
        synthetic.svsmLaunchOffset = 0x1000
        let svsm = try SVSMImage(synthetic.bytes, name: "svsm.bin")
        let launch = try SNPLaunch(svsm: svsm, firmware: firmware, variables: 0x4000)
        // The firmware starts at 0xFFFF8000; the SVSM is as large and lies below the variable store.
        #expect(launch.reset == .svsm(start: 0xFFFF_8000 - 0x4000 - 0x8000 + 0x1000))
        #expect(launch.prefixNodes.map(\.id).prefix(2) == ["firmware", "svsm"])
        for variables in [-4096, 1, Int.max - 4095] {
            #expect(throws: SNPMeasurementError.self) {
                try SNPLaunch(svsm: svsm, firmware: firmware, variables: variables)
            }
        }
        synthetic.svsmLaunchOffset = 0x8000
        #expect(throws: FormatError.self) { try SVSMImage(synthetic.bytes, name: "svsm.bin") }
    }
}

/// The same inputs to the program that others use, on the real firmware.
@Suite(
    "SNP, SEV-ES and SEV beside sev-snp-measure",
    .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"),
    .enabled(if: Outside.has("sev-snp-measure"), "sev-snp-measure is not installed"))
struct SNPPeerTests {
    @Test(
        "agrees on modes, counts, models, features and loaders",
        arguments: [
            ["snp", "1", "EPYC", "0x1", "QEMU"], ["snp", "255", "EPYC-Turin", "0x1", "QEMU"],
            ["snp", "17", "EPYC-Genoa", "0x221", "QEMU"], ["snp", "5", "EPYC-Rome", "0x29", "gce"],
            ["seves", "1", "EPYC-v4", "0x1", "QEMU"], ["seves", "64", "EPYC-Milan", "0x1", "QEMU"],
            ["seves", "3", "EPYC-Milan", "0x1", "gce"], ["sev", "1", "EPYC", "0x1", "QEMU"],
        ])
    func agrees(parameters: [String]) throws {
        let package = try PoolPackage("ovmf-amdsev", version: "2026.08+ds-2")
        // The unpacked files go with the last use of the package.
        defer { withExtendedLifetime(package) {} }
        let path = package.path("usr/share/ovmf/OVMF.amdsev.fd")
        let (mode, count, model) = (parameters[0], try #require(Int(parameters[1])), parameters[2])
        let peer = try Subprocess(
            "sev-snp-measure",
            [
                "--mode", mode, "--vcpus", parameters[1], "--vcpu-type", model, "--guest-features", parameters[3],
                "--vmm-type", parameters[4], "--ovmf", path,
            ]
        ).run()
        let image = try OVMFImage(InputFile.contents(of: path), name: "OVMF.amdsev.fd")
        let rules = try #require(KnownVMM.named(parameters[4])).rules
        let signature = try #require(VCPUSignature(named: model))
        let features = try #require(parseInteger(parameters[3]))
        let digest: Digest? =
            switch mode {
            case "snp":
                try SNPLaunch(firmware: SNPFirmware(image, lookForVerifier: false), rules: rules)
                    .points(signature, features: features, vcpus: count...count).first?.digest
            case "seves":
                try SEVLaunch(firmware: image, mode: .es(legacyInit: false), rules: rules)
                    .points(signature, vcpus: count...count).first?.digest
            default: try SEVLaunch(firmware: image, mode: .sev).point().digest
            }
        #expect(peer.outputText == digest.map { $0.hex + "\n" }, "\(peer.errorText)")
    }
}
