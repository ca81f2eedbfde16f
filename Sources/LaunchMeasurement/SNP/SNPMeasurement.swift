private import Bytes
public import Firmware
import Hashing
private import Trace

/// The measurements of an SNP profile: one launch digest for every vCPU count and CPU model.
public enum SNPMeasurement {
    /// Name of the one register.
    public static let register = "LAUNCH_DIGEST"

    /// Measures a build's artifacts under a profile.
    ///
    /// The firmware must be the pinned one. Points come model by model, each with rising vCPU counts. A compact form in
    /// the profile must be what firmware and artifacts give.
    public static func measure(
        profile: PlatformProfile, firmware: OVMFImage, artifacts: BootArtifacts
    ) throws -> [Measurement] {
        guard case .snp(let section) = profile.section else {
            throw SNPMeasurementError.otherTEE(profile: profile.name, tee: profile.tee)
        }
        try profile.firmware.check(firmware.bytes, source: firmware.name)
        let launch = try SNPLaunch(
            firmware: SNPFirmware(firmware, lookForVerifier: section.kernelHashes),
            kernel: kernel(profile, section, artifacts), rules: section.vmm, features: section.features,
            trust: section.trust)
        try check(section, launch, profile: profile.name)
        return try section.models.flatMap { model in
            try launch.points(VCPUSignature(rawValue: model.signature), vcpus: section.vcpus).map { point in
                measurement(profile, model: model, point)
            }
        }
    }

    /// The kernel that the hashes cover, if the profile has them.
    private static func kernel(
        _ profile: PlatformProfile, _ section: SNPSection, _ artifacts: BootArtifacts
    ) throws -> KernelInputs? {
        guard section.kernelHashes || profile.bootPath == .disk || section.allowUnverifiedKernel else {
            throw SNPMeasurementError.kernelNotMeasured(profile: profile.name)
        }
        return section.kernelHashes ? try KernelInputs(artifacts) : nil
    }

    private static func measurement(
        _ profile: PlatformProfile, model: SNPSection.Model, _ point: LaunchPoint
    ) -> Measurement {
        measurement(
            profile, axes: [.init("cpu", model.name), .init("vcpus", String(point.vcpus))], digest: point.digest,
            trace: point.trace)
    }
}

extension SNPMeasurement {
    /// Measures a build's artifacts under a profile that keeps digests of one vCPU, without the firmware file.
    ///
    /// The artifacts must be those that the digests cover. The trace begins with the profile's digest and says so.
    public static func measureCompact(profile: PlatformProfile, artifacts: BootArtifacts) throws -> [Measurement] {
        guard case .snp(let section) = profile.section, let compact = section.compact else {
            throw SNPMeasurementError.notCompact(profile: profile.name)
        }
        let kernel = try kernel(profile, section, artifacts)
        if let kernel { try compact.boot?.check(kernel, profile: profile.name) }
        let verifier = try compact.boot.map { boot in
            try section.trust.note(firmware: profile.firmware.path, verifies: boot.verifiesKernelHashes)
        }
        return try zip(section.models, compact.digests).flatMap { model, digest in
            let launch = CompactLaunch(
                digest: digest, resetAddress: compact.resetAddress, signature: .init(rawValue: model.signature),
                features: section.features, rules: section.vmm)
            let start = launch.node(
                origin: "taken from the profile, not measured: \(compact.origin)", firmware: profile.firmware.sha256,
                verifier: verifier.map { "\($0), as the profile states" }, parts: kernel?.nodes ?? [])
            return try launch.points(after: start, vcpus: section.vcpus).map { point in
                measurement(profile, model: model, point)
            }
        }
    }

    /// Requires that a compact form is what the firmware gives.
    private static func check(_ section: SNPSection, _ launch: SNPLaunch, profile: String) throws {
        guard let compact = section.compact, case .firmware(let address) = launch.reset else { return }
        guard compact.resetAddress == address else {
            throw SNPMeasurementError.compactAddress(
                profile: profile, stated: compact.resetAddress, computed: address)
        }
        for (model, stated) in zip(section.models, compact.digests) {
            let computed = try launch.points(VCPUSignature(rawValue: model.signature), vcpus: 1...1)[0].digest
            guard stated == computed else {
                throw SNPMeasurementError.compactDigest(
                    profile: profile, model: model.name, stated: stated, computed: computed)
            }
        }
    }
}

extension SNPSection {
    /// What the profile says about a kernel that the firmware may not check.
    fileprivate var trust: KernelTrust { allowUnverifiedKernel ? .unverifiedAllowed : .verifiedOnly }
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
                measurement(profile, model: model, point)
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
