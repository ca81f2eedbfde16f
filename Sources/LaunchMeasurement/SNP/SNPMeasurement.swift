public import Firmware
private import Hashing

/// The measurements of an SNP profile: one launch digest for every vCPU count and CPU model.
public enum SNPMeasurement {
    /// Name of the one register.
    public static let register = "LAUNCH_DIGEST"

    /// Measures a build's artifacts under a profile.
    ///
    /// The firmware must be the pinned one. Points come model by model, each with rising vCPU counts.
    public static func measure(
        profile: PlatformProfile, firmware: OVMFImage, artifacts: BootArtifacts
    ) throws -> [Measurement] {
        guard case .snp(let section) = profile.section else {
            throw SNPMeasurementError.otherTEE(profile: profile.name, tee: profile.tee)
        }
        try profile.firmware.check(firmware.bytes, source: firmware.name)
        guard section.kernelHashes || profile.bootPath == .disk || section.allowUnverifiedKernel else {
            throw SNPMeasurementError.kernelNotMeasured(profile: profile.name)
        }
        let launch = try SNPLaunch(
            firmware: SNPFirmware(firmware, lookForVerifier: section.kernelHashes),
            kernel: section.kernelHashes ? KernelInputs(artifacts) : nil, rules: section.vmm,
            features: section.features, trust: section.allowUnverifiedKernel ? .unverifiedAllowed : .verifiedOnly)
        return try section.models.flatMap { model in
            try launch.points(VCPUSignature(rawValue: model.signature), vcpus: section.vcpus).map { point in
                Measurement(
                    platform: profile.name, tee: .snp,
                    axes: [.init("cpu", model.name), .init("vcpus", String(point.vcpus))],
                    registers: [.init(register, point.digest)], trace: point.trace)
            }
        }
    }
}
