private import Bytes
private import EventLogs
private import Files
import Firmware
import Hashing
import Trace

/// The boot of one profile's virtual TPM machine, with all its inputs; what does not depend on the machine is hashed once.
struct VTPMBoot {
    let section: VTPMSection
    private let contents: EventContents
    /// The events before the machine's tables, and those after the firmware is ready to boot.
    private let start, image: [MeasuredEvent]

    /// `source` names the firmware in errors; nil for the profile's own name of it.
    init(profile: PlatformProfile, firmware: [UInt8], source: String?, artifacts: BootArtifacts) throws {
        guard case .vtpm(let section) = profile.section, profile.bootPath == .disk else {
            throw MeasurementInputError(
                "\(profile.name): it is no vTPM profile with disk boot", hint: "Assay predicts no other boot here")
        }
        self.section = section
        let source = source ?? profile.firmware.path
        try profile.firmware.check(firmware, source: source)
        guard section.events.variables == .empty else {
            throw MeasurementInputError("\(profile.name): the variable store of a split firmware is not in its file")
        }
        var contents = EventContents(algorithms: section.banks)
        for name in ["uki.efi", "disk.raw"] {
            if let path = artifacts.paths[name] { contents.add(name, try ByteSource(path: path)) }
        }
        let volumes = try MeasuredVolumes(
            FirmwareVolumes.unpack(firmware, source: source), firmware: profile.firmware.path, contents: &contents)
        self.contents = contents
        var starting = BootEvents(contents: contents)
        try starting.firmwareVolumes(volumes, version: section.events.identity.version)
        try starting.secureBootVariables(VariableStore(variables: []), secureBoot: section.events.secureBoot)
        start = starting.events
        var loading = BootEvents(contents: contents)
        try loading.partitionTable("disk.raw")
        try loading.unifiedKernel("uki.efi", stub: section.stub)
        image = loading.events
    }

    /// All events on `machine` in the order of the log.
    func events(on machine: ProfileMachine, exit: ExitBootServices) throws -> [MeasuredEvent] {
        let blobs = machine.blobs.merging(section.events.itemBytes) { blob, _ in blob }
        var contents = contents
        contents.add(blobs: blobs)
        var boot = BootEvents(contents: contents)
        for event in start { boot.append(event) }
        if section.events.acpi == .measured { try boot.acpiBlobs() }
        try boot.readyToBoot(
            section.events, separators: Array(0...6),
            smbios: InstalledTables.smbios(blobs, identity: section.events.identity))
        for event in image { boot.append(event) }
        try boot.exitBootServices(exit)
        return boot.events
    }
}
