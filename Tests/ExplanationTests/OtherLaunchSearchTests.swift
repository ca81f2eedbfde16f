import Explanation
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

@Suite("search for the cause of a digest of SEV, SEV-ES and SVSM launches")
struct OtherLaunchSearchTests {
    private let image: OVMFImage

    init() throws { image = try OVMFImage(SyntheticFirmware().bytes, name: "syn.fd") }

    private func kernel(_ line: String) -> KernelInputs {
        KernelInputs(
            kernel: .init(artifact: "vmlinuz", size: 6, sha256: .of(Array("kernel".utf8), .sha256)), initrd: nil,
            commandLine: Array(line.utf8))
    }

    private func sev(_ line: String?) throws -> Digest {
        try SEVLaunch(
            firmware: image, kernel: line.map(kernel), mode: .sev, trust: .unverifiedAllowed
        ).point().digest
    }

    private func es(
        _ line: String?, vmm: String = "QEMU", legacy: Bool = false, model: String = "EPYC-Milan", vcpus: Int
    ) throws -> Digest {
        let launch = try SEVLaunch(
            firmware: image, kernel: line.map(kernel), mode: .es(legacyInit: legacy),
            rules: #require(KnownVMM.named(vmm)).rules, trust: .unverifiedAllowed)
        let signature = try #require(VCPUSignature(named: model))
        return try #require(launch.points(signature, vcpus: vcpus...vcpus).first).digest
    }

    @Test("a SEV launch varies in the kernel alone")
    func sevVariants() throws {
        let search = LaunchSearch([.sev(image)], kernel: kernel("root=x quiet"))
        let outcome = try search.run(sev("root=x quiet\n"))
        let match = try #require(outcome.matches.first)
        #expect(outcome.matches.count == 1)
        #expect(match.kernel.difference == "a newline added at the end of the command line")
        #expect(match.vcpus == nil && match.features == nil && match.model == nil && match.vmms.isEmpty)
        #expect(match.firmware == "syn.fd")
        #expect(try search.run(sev(nil)).matches.map(\.kernel.difference) == ["no kernel hashes"])
        #expect(
            try search.run(sev("root=x  quiet")).matches.map(\.kernel.difference)
                == ["every blank in the command line doubled"])
        let none = try search.run(.zero(.sha256))
        // No hashes, the line itself, a blank, a newline, a doubled blank, none; then the doubled one and one in front.
        #expect(none.matches.isEmpty && none.compared == 8)
    }

    @Test("firmware without tables is searched as bytes, without a kernel")
    func plain() throws {
        let bytes = [UInt8](repeating: 0x90, count: 0x1_0000)
        let search = LaunchSearch([.sevPlain(bytes, name: "bios.bin")], kernel: kernel("a"))
        let outcome = try search.run(.of(bytes, .sha256))
        #expect(outcome.matches.map(\.firmware) == ["bios.bin"])
        #expect(outcome.withoutKernelHashes == ["bios.bin"])
    }

    @Test(
        "a SEV-ES launch varies in count, model, loader, the way KVM starts it, and the kernel",
        arguments: [
            ("QEMU", false, "EPYC-Milan", 1), ("QEMU", true, "EPYC-Genoa", 3), ("ec2", false, "EPYC", 512),
            ("gce", false, "EPYC", 2),
        ])
    func esVariants(vmm: String, legacy: Bool, model: String, vcpus: Int) throws {
        let search = LaunchSearch([.sevES(image)], kernel: kernel("root=x"))
        let outcome = try search.run(es("root=x ", vmm: vmm, legacy: legacy, model: model, vcpus: vcpus))
        let match = try #require(outcome.matches.first)
        #expect(outcome.matches.count == 1)
        #expect(match.vcpus == vcpus && match.features == 0)
        #expect(match.vmms.contains(vmm + (legacy ? " with KVM_SEV_ES_INIT" : "")), "\(match.vmms)")
        let usesSignature = try #require(KnownVMM.named(vmm)).usesSignature
        #expect(match.model?.name == (usesSignature ? model : nil))
        #expect(match.kernel.difference == "a blank added at the end of the command line")
    }

    @Test("firmware without a reset block starts one vCPU")
    func oneProcessor() throws {
        var synthetic = SyntheticFirmware()
        synthetic.resetAddress = nil
        let image = try OVMFImage(synthetic.bytes, name: "syn.fd")
        let launch = try SEVLaunch(firmware: image, mode: .es(legacyInit: false))
        let digest = try #require(launch.points(VCPUSignature(rawValue: 0), vcpus: 1...1).first).digest
        let models = [LaunchSearch.Model(name: "0", signature: VCPUSignature(rawValue: 0))]
        let outcome = try LaunchSearch([.sevES(image)], models: models).run(digest)
        #expect(outcome.matches.map(\.vcpus) == [1])
        #expect(throws: SNPMeasurementError.noResetAddress(firmware: "syn.fd")) {
            try LaunchSearch([.sevES(image)], vcpus: 2...4).run(digest)
        }
    }

    @Test("a launch with an SVSM varies in count, model and the size of the variable store")
    func svsm() throws {
        var synthetic = SyntheticFirmware()
        synthetic.svsmLaunchOffset = 0x1000
        let svsm = try SVSMImage(synthetic.bytes, name: "svsm.bin")
        let launch = try SNPLaunch(svsm: svsm, firmware: image, variables: 0x2_0000)
        let signature = try #require(VCPUSignature(named: "EPYC-Rome"))
        let digest = try #require(launch.points(signature, vcpus: 9...9).first).digest
        let search = LaunchSearch(
            [0x8_4000, 0x2_0000].map { .svsm(svsm, firmware: image, variables: $0) }, kernel: nil)
        let outcome = try search.run(digest)
        #expect(outcome.matches.count == 1)
        let match = try #require(outcome.matches.first)
        #expect(match.svsm == .init(name: "svsm.bin", variables: 0x2_0000))
        #expect(match.vcpus == 9 && match.features == 1 && match.model?.name == "EPYC-Rome")
        #expect(outcome.compared == 2 * LaunchSearch.namedModels.count * 512)
    }

    @Test("blanks of a long command line are doubled one at a time up to a bound, and the rest is counted")
    func bound() throws {
        let limit = CommandLineVariant.maximumDoubledBlanks
        let line = String(repeating: "a ", count: limit + 3)
        #expect(KernelVariant.oneBlankDoubled(kernel(line)).count == limit + 1)
        let outcome = try LaunchSearch([.sev(image)], kernel: kernel(line)).run(.zero(.sha256))
        #expect(outcome.blanksNotTried == 3)
    }
}
