private import Bytes
public import EventLogs
private import Files
import Firmware
import Hashing
import Trace

/// What a virtual TPM's PCRs hold after firmware and boot stub started a unified kernel image from a disk.
public enum VTPMMeasurement {
    static let firmwareName = "firmware"

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
        let section = try section(of: profile)
        var results: [Measurement] = []
        let events = try bootEvents(
            profile: profile, firmware: firmware, source: source, blobs: blobs, artifacts: artifacts)
        for form in section.events.exitBootServices.forms {
            var boot = events
            try boot.exitBootServices(form)
            var registers: [Measurement.Register] = []
            var nodes: [TraceNode] = []
            for bank in section.banks {
                for pcr in section.registers {
                    let name = "PCR\(pcr).\(bank.rawValue)"
                    let (digest, trace) = boot.events.filter { $0.pcr == pcr }
                        .extend(name, register: name, algorithm: bank)
                    registers.append(Measurement.Register(name, digest))
                    nodes.append(trace)
                }
            }
            let retried = section.events.exitBootServices == .onceOrRetried
            results.append(
                Measurement(
                    platform: profile.name, tee: .vtpm,
                    axes: retried ? [Measurement.Axis("exitBootServices", form.rawValue)] : [], registers: registers,
                    trace: TraceNode(id: "vtpm", name: "virtual TPM of \(profile.name)", children: nodes)))
        }
        return results
    }

    /// The event log of one point, as the firmware hands it to the operating system.
    public static func log(
        profile: PlatformProfile, firmware: [UInt8], source: String? = nil, blobs: [String: [UInt8]],
        artifacts: BootArtifacts, exit: ExitBootServices = .first
    ) throws -> EventLog {
        let section = try section(of: profile)
        var boot = try bootEvents(
            profile: profile, firmware: firmware, source: source, blobs: blobs, artifacts: artifacts)
        try boot.exitBootServices(exit)
        return boot.events.log(.tpm, algorithms: section.banks)
    }

    private static func section(of profile: PlatformProfile) throws -> VTPMSection {
        guard case .vtpm(let section) = profile.section, profile.bootPath == .disk else {
            throw MeasurementInputError(
                "\(profile.name): it is no vTPM profile with disk boot", hint: "Assay predicts no other boot here")
        }
        return section
    }

    /// Everything up to the start of the kernel.
    private static func bootEvents(
        profile: PlatformProfile, firmware: [UInt8], source: String?, blobs: [String: [UInt8]], artifacts: BootArtifacts
    ) throws -> BootEvents {
        let section = try section(of: profile)
        let source = source ?? profile.firmware.path
        try profile.firmware.check(firmware, source: source)
        guard section.events.variables == .empty else {
            throw MeasurementInputError("\(profile.name): the variable store of a split firmware is not in its file")
        }
        var contents = EventContents(algorithms: section.banks)
        let blobs = blobs.merging(section.events.itemBytes) { blob, _ in blob }
        contents.add(blobs: blobs)
        for name in ["uki.efi", "disk.raw"] {
            if let path = artifacts.paths[name] { contents.add(name, try ByteSource(path: path)) }
        }
        let volumes = try FirmwareVolumes.unpack(firmware, source: source)
        return try events(
            section, volumes: MeasuredVolumes(volumes, firmware: profile.firmware.path, contents: &contents),
            blobs: blobs, contents: contents)
    }

    private static func events(
        _ section: VTPMSection, volumes: MeasuredVolumes, blobs: [String: [UInt8]], contents: EventContents
    ) throws -> BootEvents {
        var boot = BootEvents(contents: contents)
        try boot.firmwareVolumes(volumes, version: section.events.identity.version)
        try boot.secureBootVariables(VariableStore(variables: []), secureBoot: section.events.secureBoot)
        if section.events.acpi == .measured { try boot.acpiBlobs() }
        try boot.readyToBoot(
            section.events, separators: Array(0...6),
            smbios: InstalledTables.smbios(blobs, identity: section.events.identity))
        try boot.partitionTable("disk.raw")
        try boot.unifiedKernel("uki.efi", stub: section.stub)
        return boot
    }
}
