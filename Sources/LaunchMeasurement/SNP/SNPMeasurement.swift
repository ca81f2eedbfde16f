private import Bytes
public import Firmware
private import Hashing
private import Trace

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

extension SNPMeasurement {
    /// Measures the IGVM file that a profile pins as its firmware; what it boots is in the file.
    ///
    /// `firmware` are the file's bytes. A profile without `igvm` rules is refused.
    public static func measureIGVM(profile: PlatformProfile, firmware: [UInt8]) throws -> [Measurement] {
        guard case .snp(let section) = profile.section, let rules = section.igvm else {
            throw IGVMError.profile(name: profile.name, problem: "it has no igvm rules")
        }
        try profile.firmware.check(firmware, source: "firmware")
        let launch = try IGVMLaunch(IGVMFile(firmware, name: "firmware"), platform: .snp, rules: rules)
        guard rules.placement == .kvm else {
            let (digest, trace) = launch.measure()
            return [measurement(profile, axes: [], digest: digest, trace: trace)]
        }
        guard launch.bootSaveArea?.sevFeatures == section.features else {
            throw IGVMError.profile(
                name: profile.name,
                problem: "snp.features is \(hexadecimal(section.features)), and the file's VP_CONTEXT has "
                    + (launch.bootSaveArea.map { hexadecimal($0.sevFeatures) } ?? "none"))
        }
        return try section.models.flatMap { model in
            try launch.points(VCPUSignature(rawValue: model.signature), vcpus: section.vcpus).map { point in
                measurement(
                    profile, axes: [.init("cpu", model.name), .init("vcpus", String(point.vcpus))],
                    digest: point.digest, trace: point.trace)
            }
        }
    }

    private static func measurement(
        _ profile: PlatformProfile, axes: [Measurement.Axis], digest: Digest, trace: TraceNode
    ) -> Measurement {
        Measurement(
            platform: profile.name, tee: .snp, axes: axes, registers: [.init(register, digest)], trace: trace)
    }
}
