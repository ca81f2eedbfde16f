public import EventLogs
import Hashing
import Trace

/// What a virtual TPM's PCRs hold after firmware and boot stub started a unified kernel image from a disk.
public enum VTPMMeasurement {
    /// The measurements of a profile: one for every way that ExitBootServices may go.
    ///
    /// - Parameters:
    ///   - firmware: the pinned firmware file's bytes (the code half, where firmware is split).
    ///   - source: names the firmware in errors; nil for the profile's own name of it.
    ///   - blobs: the profile's pinned blobs by name.
    ///   - artifacts: files of a build; `uki.efi` and `disk.raw` are read.
    public static func measure(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, blobs: [String: [UInt8]],
        artifacts: BootArtifacts
    ) throws -> [Measurement] {
        try measure(
            profile: profile, firmware: firmware, source: source, machines: [ProfileMachine(blobs: blobs)],
            artifacts: artifacts)
    }

    /// The measurements of a profile on each of `machines`. A machine with a shape has the axes `vcpus` and `memory`
    /// before the profile's own. Files are read and hashed once.
    public static func measure(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, machines: [ProfileMachine],
        artifacts: BootArtifacts
    ) throws -> [Measurement] {
        let boot = try VTPMBoot(profile: profile, firmware: firmware, source: source, artifacts: artifacts)
        let forms = boot.section.events.exitBootServices.forms
        return try machines.flatMap { machine in
            try forms.map { form in
                let retried = boot.section.events.exitBootServices == .onceOrRetried
                return point(
                    profile.name, boot.section,
                    axes: machine.axes + (retried ? [Measurement.Axis("exitBootServices", form.rawValue)] : []),
                    events: try boot.events(on: machine, exit: form))
            }
        }
    }

    private static func point(
        _ platform: String, _ section: VTPMSection, axes: [Measurement.Axis], events: [MeasuredEvent]
    ) -> Measurement {
        var registers: [Measurement.Register] = []
        var nodes: [TraceNode] = []
        for bank in section.banks {
            for pcr in section.registers {
                let name = "PCR\(pcr).\(bank.rawValue)"
                let (digest, trace) = events.filter { $0.pcr == pcr }
                    .extend(name, register: name, algorithm: bank)
                registers.append(Measurement.Register(name, digest))
                nodes.append(trace)
            }
        }
        return Measurement(
            platform: platform, tee: .vtpm, axes: axes, registers: registers,
            trace: TraceNode(id: "vtpm", name: "virtual TPM of \(platform)", children: nodes), events: events)
    }

    /// The event log of one point, as the firmware hands it to the operating system.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, blobs: [String: [UInt8]],
        artifacts: BootArtifacts, exit: ExitBootServices = .first
    ) throws -> EventLog {
        let boot = try VTPMBoot(profile: profile, firmware: firmware, source: source, artifacts: artifacts)
        return try boot.events(on: ProfileMachine(blobs: blobs), exit: exit)
            .log(.tpm, algorithms: boot.section.banks)
    }
}
