private import Bytes
import Documents
public import EventLogs
private import Files
public import Firmware
import Hashing
import Trace

/// What a TD reports: MRTD from its firmware, RTMR0 to RTMR3 from the events of its boot.
public enum TDXMeasurement {
    /// The names of sources in traces that are no artifacts of a build.
    enum SourceName {
        static let firmware = "firmware"
        static let variables = "variables.fd"
    }

    /// A machine of a profile: the tables that it hands to its firmware, and its shape where it is not the profile's own.
    public struct Machine: Sendable {
        public var blobs: [String: [UInt8]]
        public var shape: ACPIMachineShape?
        /// The number of processors of the machine that the profile describes.
        public var profileProcessors: Int?

        public init(blobs: [String: [UInt8]], shape: ACPIMachineShape? = nil, profileProcessors: Int? = nil) {
            self.blobs = blobs
            self.shape = shape
            self.profileProcessors = profileProcessors
        }

        /// CPUID leaf 1 EDX: bit 28 is there when a package has several logical processors.
        func features(of processor: TDXSection.Processor) -> UInt32 {
            guard let shape, shape.processors == 1, profileProcessors != 1 else { return processor.features }
            return processor.features & ~(1 << 28)
        }

        /// The axes `vcpus` and `memory` of a machine with a shape.
        public var axes: [Measurement.Axis] {
            guard let shape else { return [] }
            return [.init("vcpus", String(shape.processors)), .init("memory", shape.memoryText)]
        }
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
        try measure(profile: profile, firmware: firmware, machines: [Machine(blobs: blobs)], artifacts: artifacts)
    }

    /// The measurements of a profile on each of `machines`. A machine with a shape has the axes `vcpus` and `memory`
    /// before the profile's own. Files are read and hashed once. `source` names the firmware in errors.
    public static func measure(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, machines: [Machine],
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
            trace: TraceNode(id: "tdx", name: "trust domain of \(profile.name)", children: nodes))
    }

    /// The event log of one point, as the firmware leaves it in the CCEL area.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], blobs: [String: [UInt8]], artifacts: BootArtifacts,
        exit: ExitBootServices = .first
    ) throws -> EventLog {
        try log(
            profile: profile, firmware: firmware, machine: Machine(blobs: blobs), artifacts: artifacts, exit: exit)
    }

    /// The event log of one machine with the profile's first processor.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, machine: Machine, artifacts: BootArtifacts,
        exit: ExitBootServices = .first
    ) throws -> EventLog {
        let boot = try TDXBoot(profile: profile, firmware: firmware, source: source, artifacts: artifacts)
        guard let processor = boot.section.processors.first else {
            throw MeasurementInputError("\(profile.name): it has no processor")
        }
        return try boot.events(on: machine, processor: processor, exit: exit).log(.tdx, algorithms: [.sha384])
    }
}

extension ACPIMachineShape {
    /// The size of memory as options take it: `2G`, or `2816M`.
    public var memoryText: String {
        memory.isMultiple(of: 1 << 30) ? "\(memory >> 30)G" : "\(memory >> 20)M"
    }
}
