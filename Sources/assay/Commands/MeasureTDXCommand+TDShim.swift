import Bytes
import Files
import Firmware
import LaunchMeasurement
import Release

extension MeasureTDXCommand {
    /// The layout of td-shim where the firmware is one, or is said to be one; nil where edk2's rules hold.
    func shimLayout(of bytes: [UInt8]) throws -> TDShimLayout? {
        if let name = machine.layout { return TDShimLayout(name: name) }
        return TDShimImage.isTDShim(bytes) ? .found : nil
    }

    /// MRTD and, where it boots anything, RTMR0 to RTMR3 of a TD with td-shim.
    func measureTDShim(_ bytes: [UInt8], _ layout: TDShimLayout, _ module: [Measurement.Register]) throws {
        try refuseWithTDShim()
        let loader = givenLoader ?? .tdShim
        let image = try TDVFImage(bytes, name: machine.firmwarePath(), dialect: loader.dialect)
        let kernel = try machine.kernel.map { try ByteSource(path: $0) }
        let line = try machine.commandLine().map { ByteSource($0, name: "command line") }
        guard try kernel != nil || handoff != nil || image.holdsPayload else {
            return try initialMemory(of: image, loader: loader, module)
        }
        let boot = try TDShimBoot(
            image, layout: layout, handoff: handoff.map { try ByteSource(path: $0) }, kernel: kernel, commandLine: line)
        let initial = try MRTD.measure(
            image, loader: loader, order: pageOrder ?? .single, payload: kernel, artifact: "firmware")
        try options.output(BootPrediction(boot), initial: initial, module: module, loader: loader)
    }

    /// Options that say nothing to td-shim.
    private func refuseWithTDShim() throws {
        let given: [(String, Bool)] = [
            ("--initrd", machine.initrd != nil), ("--uki", machine.uki != nil), ("--disk", machine.disk != nil),
            ("--disk-device", !machine.diskDevice.isEmpty), ("--memory", machine.memory != nil),
            ("--max-ram-below-4g", machine.maxRAMBelow4G != nil), ("--vcpus", machine.vcpus != nil),
            ("--acpi", machine.acpi != nil), ("--smbios", machine.smbios != nil),
            ("--cpu-signature", machine.cpuSignature != nil), ("--stub", machine.stub != nil),
            ("--variables", machine.variables != "as-shipped"), ("--option-rom", !machine.optionROM.isEmpty),
            ("--exit-boot-services", options.exitBootServices != nil),
        ]
        for (name, isGiven) in given where isGiven {
            throw CommandFailure(
                "\(name) with td-shim: nothing of it is measured there",
                hint: "what the VMM tells td-shim of the machine stands in the TD HOB; leave \(name) out")
        }
    }
}

extension TDVFImage {
    /// Whether td-shim has something to start in its own image.
    fileprivate var holdsPayload: Bool { get throws { try TDShimImage(self).builtIn != nil } }
}
