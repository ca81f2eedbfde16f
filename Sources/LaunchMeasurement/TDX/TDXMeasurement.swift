private import Bytes
import Documents
public import EventLogs
private import Files
import Firmware
import Hashing
import Trace

/// What a TD reports: MRTD from its firmware, RTMR0 to RTMR3 from the events of its boot.
public enum TDXMeasurement {
    /// The names of sources in traces that are no artifacts of a build.
    enum SourceName {
        static let firmware = "firmware"
        static let variables = "variables.fd"
    }

    /// The measurements of a profile, one for every processor and way that ExitBootServices may go.
    ///
    /// - Parameters:
    ///   - firmware: the pinned firmware file's bytes.
    ///   - blobs: the profile's pinned blobs by name.
    ///   - artifacts: files of a build; `vmlinuz`, `initrd` and `cmdline` are read.
    public static func measure(
        profile: PlatformProfile, firmware: [UInt8], blobs: [String: [UInt8]], artifacts: BootArtifacts
    ) throws -> [Measurement] {
        try measure(
            profile: profile, firmware: firmware, machines: [ProfileMachine(blobs: blobs)], artifacts: artifacts)
    }

    /// The measurements of a profile on each of `machines`. A machine with a shape has the axes `vcpus` and `memory`
    /// before the profile's own. Files are read and hashed once. `source` names the firmware in errors.
    public static func measure(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, machines: [ProfileMachine],
        artifacts: BootArtifacts
    ) throws -> [Measurement] {
        let boot = try TDXBoot(profile: profile, firmware: firmware, source: source, artifacts: artifacts)
        let mrtd = try MRTD.measure(
            boot.image, metadata: boot.metadata, order: boot.section.pageOrder, artifact: SourceName.firmware)
        var results: [Measurement] = []
        for machine in machines {
            for processor in boot.section.processors {
                for form in boot.section.events.exitBootServices.forms {
                    let events = try boot.events(on: machine, processor: processor, exit: form)
                    var axes = machine.axes + [Measurement.Axis("processor", processor.name)]
                    if boot.section.events.exitBootServices == .onceOrRetried {
                        axes.append(Measurement.Axis("exitBootServices", form.rawValue))
                    }
                    results.append(point(profile, axes, boot, events, mrtd))
                }
            }
        }
        return results
    }

    private static func point(
        _ profile: PlatformProfile, _ axes: [Measurement.Axis], _ boot: TDXBoot, _ events: [MeasuredEvent],
        _ mrtd: (digest: Digest, trace: TraceNode)
    ) -> Measurement {
        var registers = [Measurement.Register("MRTD", mrtd.digest)]
        var nodes = [mrtd.trace]
        for number in UInt32(0)...3 {
            let (digest, trace) = boot.register(number, of: events)
            registers.append(Measurement.Register("RTMR\(number)", digest))
            nodes.append(trace)
        }
        return Measurement(
            platform: profile.name, tee: .tdx, axes: axes, registers: registers,
            trace: TraceNode(id: "tdx", name: "trust domain of \(profile.name)", children: nodes), events: events)
    }

    /// The event log of one point, as the firmware leaves it in the CCEL area.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], blobs: [String: [UInt8]], artifacts: BootArtifacts,
        exit: ExitBootServices = .first
    ) throws -> EventLog {
        try log(
            profile: profile, firmware: firmware, machine: ProfileMachine(blobs: blobs), artifacts: artifacts,
            exit: exit)
    }

    /// The event log of one machine with the profile's first processor.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, machine: ProfileMachine,
        artifacts: BootArtifacts,
        exit: ExitBootServices = .first
    ) throws -> EventLog {
        let boot = try TDXBoot(profile: profile, firmware: firmware, source: source, artifacts: artifacts)
        guard let processor = boot.section.processors.first else {
            throw MeasurementInputError("\(profile.name): it has no processor")
        }
        return try boot.events(on: machine, processor: processor, exit: exit).log(.tdx, algorithms: [.sha384])
    }
}
