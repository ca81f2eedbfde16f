private import Bytes
internal import EventLogs
private import Files
import Firmware
import Hashing
import Trace

/// The boot of one profile's trust domain, with all its inputs; what does not depend on the machine is hashed once.
struct TDXBoot {
    let section: TDXSection
    let image: OVMFImage
    let metadata: TDVFMetadata
    private let store: VariableStore
    private let contents: EventContents
    /// The events of the kernel, and of its boot stub.
    private let kernel, stub: [MeasuredEvent]

    /// `source` names the firmware in errors; nil for the profile's own name of it.
    init(profile: PlatformProfile, firmware: [UInt8], source: String?, artifacts: BootArtifacts) throws {
        guard case .tdx(let section) = profile.section, profile.bootPath == .direct else {
            throw MeasurementInputError(
                "\(profile.name): it is no TDX profile with direct boot", hint: "Assay predicts no other boot of a TD")
        }
        self.section = section
        let source = source ?? profile.firmware.path
        try profile.firmware.check(firmware, source: source)
        let shipped = try OVMFImage(firmware, name: source)
        metadata = try shipped.tdvfMetadata()
        let cfv = try Self.configurationVolume(metadata, shipped)
        var bytes = firmware
        if section.events.variables == .empty {
            let empty = VariableStore.empty()
            guard empty.count == cfv.count else {
                throw MeasurementInputError(
                    "\(shipped.name): its variable store has \(cfv.count) bytes, expected \(empty.count)")
            }
            bytes.replaceSubrange(cfv, with: empty)
        }
        image = try OVMFImage(bytes, name: profile.firmware.path)
        let variables = Array(bytes[cfv])
        store = try variables.withReader(source: "variable store") { reader throws in
            try VariableStore(parsing: &reader)
        }
        var contents = EventContents(algorithms: [.sha384])
        contents.add(TDXMeasurement.SourceName.firmware, ByteSource(bytes, name: profile.firmware.path))
        contents.add(TDXMeasurement.SourceName.variables, ByteSource(variables, name: "variable store"))
        for name in ["vmlinuz", "initrd", "cmdline"] {
            if let path = artifacts.paths[name] { contents.add(name, try ByteSource(path: path)) }
        }
        self.contents = contents
        var loading = BootEvents(contents: contents)
        try loading.directKernel()
        kernel = loading.events
        var starting = BootEvents(contents: contents)
        try starting.directKernelStub(initrdWord: section.initrdWord)
        stub = starting.events
    }

    private static func configurationVolume(_ metadata: TDVFMetadata, _ image: OVMFImage) throws -> Range<Int> {
        let volumes = metadata.sections.filter { $0.kind == .cfv }
        guard volumes.count == 1, let volume = volumes.first else {
            throw MeasurementInputError("\(image.name): it has \(volumes.count) CFV sections, expected one")
        }
        return volume.range
    }

    /// All events on `machine` in the order of the log.
    func events(
        on machine: ProfileMachine, processor: TDXSection.Processor, exit: ExitBootServices
    ) throws -> [MeasuredEvent] {
        let blobs = machine.blobs.merging(section.events.itemBytes) { blob, _ in blob }
        let smbios = try InstalledTables.smbios(blobs, identity: section.events.identity)
        var contents = contents
        contents.add(blobs: blobs)
        var boot = BootEvents(contents: contents)
        try boot.tdHandoffBlock(
            try TDHandoffBlock(
                MachineMemory(
                    memory: machine.shape?.memory ?? section.memory, maximumBelow4G: section.maximumBelow4G),
                metadata: metadata))
        try boot.configurationVolume(metadata)
        if section.firmwareConfiguration == .measured { try boot.firmwareConfiguration(blobs) }
        try boot.secureBootVariables(store, secureBoot: section.events.secureBoot)
        if section.events.acpi == .measured { try boot.acpiBlobs() }
        for event in kernel { boot.append(event) }
        try boot.readyToBoot(
            section.events, separators: [section.separator == .rtmr0 ? 1 : 5],
            smbios: smbios.withProcessorIdentity(
                signature: processor.signature, features: machine.features(of: processor)))
        for event in stub { boot.append(event) }
        try boot.exitBootServices(exit)
        return boot.events
    }

    /// RTMR `number` after the events that map to it.
    func register(_ number: UInt32, of events: [MeasuredEvent]) -> (digest: Digest, trace: TraceNode) {
        events.filter { TDRegister.index(pcr: $0.pcr) == number + 1 }
            .extend("RTMR\(number)", register: "RTMR\(number)", algorithm: .sha384)
    }
}

/// Tables that firmware makes from what the machine hands it.
enum InstalledTables {
    static let smbiosBlob = "etc/smbios/smbios-tables"

    /// The SMBIOS table that OVMF installs.
    static func smbios(
        _ blobs: [String: [UInt8]], identity: SMBIOSTable.FirmwareIdentity
    ) throws -> SMBIOSTable {
        guard let blob = blobs[smbiosBlob] else { throw MeasurementInputError(missing: smbiosBlob) }
        return try blob.withReader(source: smbiosBlob) { reader throws in
            try SMBIOSTable(parsing: &reader).installed(by: identity)
        }
    }
}
