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
        let boot = try TDXBoot(profile: profile, firmware: firmware, blobs: blobs, artifacts: artifacts)
        let mrtd = try MRTD.measure(
            boot.image, metadata: boot.metadata, order: boot.section.pageOrder, artifact: SourceName.firmware)
        var results: [Measurement] = []
        for processor in boot.section.processors {
            for form in boot.section.events.exitBootServices.forms {
                let events = try boot.events(processor: processor, exit: form)
                var axes = [Measurement.Axis("processor", processor.name)]
                if boot.section.events.exitBootServices == .onceOrRetried {
                    axes.append(Measurement.Axis("exitBootServices", form.rawValue))
                }
                var registers = [Measurement.Register("MRTD", mrtd.digest)]
                var nodes = [mrtd.trace]
                for number in UInt32(0)...3 {
                    let (digest, trace) = boot.register(number, of: events)
                    registers.append(Measurement.Register("RTMR\(number)", digest))
                    nodes.append(trace)
                }
                results.append(
                    Measurement(
                        platform: profile.name, tee: .tdx, axes: axes, registers: registers,
                        trace: TraceNode(id: "tdx", name: "trust domain of \(profile.name)", children: nodes)))
            }
        }
        return results
    }

    /// The event log of one point, as the firmware leaves it in the CCEL area.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], blobs: [String: [UInt8]], artifacts: BootArtifacts,
        exit: ExitBootServices = .first
    ) throws -> EventLog {
        let boot = try TDXBoot(profile: profile, firmware: firmware, blobs: blobs, artifacts: artifacts)
        guard let processor = boot.section.processors.first else {
            throw MeasurementInputError("\(profile.name): it has no processor")
        }
        return try boot.events(processor: processor, exit: exit).log(.tdx, algorithms: [.sha384])
    }
}
