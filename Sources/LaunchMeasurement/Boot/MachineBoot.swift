private import Bytes
internal import DiskFormats
import EventLogs
internal import Files
public import Firmware
import Hashing

/// One boot of one machine, described by its files and by rules that follow from them: every event, in order.
///
/// What an input is missing for is left without a digest and named; the registers that it goes into are then left out,
/// and never guessed.
public struct MachineBoot: Sendable {
    /// Whose registers take the events.
    public enum Platform: String, Sendable { case td = "TD", tpm = "TPM" }

    /// What is started.
    public enum Start: Hashable, Sendable {
        /// A kernel given to QEMU, `vmlinuz` with `initrd` and `cmdline`.
        case kernel(KernelHeader)
        /// A unified kernel image given to QEMU as its kernel, `vmlinuz`; `cmdline` is for its stub.
        case unifiedKernel
        /// A unified kernel image `uki.efi`, which firmware finds on the disk `disk.raw`.
        case disk
        /// Whatever `volume`, the EFI system partition of the disk `disk.raw`, has for firmware to start.
        case volume
    }

    public var platform: Platform
    public var layout: EventLayout
    public var traits: FirmwareTraits?
    /// Variables at the start.
    public var variables: VariableStore
    public var start: Start
    /// RAM in bytes; a TD's hand-off list needs it.
    public var memory: MachineMemory?
    public var metadata: TDVFMetadata?
    /// fw_cfg items by name.
    public var items: [String: [UInt8]]
    /// The SMBIOS table as the firmware installs it; nil if it is not known.
    public var smbios: SMBIOSTable?
    /// Option ROMs by the names of their sources, in the order in which they are started.
    public var optionROMs: [String] = []
    public var disks: [FirmwareBootOptions.Disk] = []
    /// The files of the disk's EFI system partition, where they are what is started.
    public var volume: BootVolume?
    /// Rules of the boot stub; found in the image where nil.
    public var stub: StubRules?
    public var volumes: [MeasuredEvent.Piece] = []
    /// Some UEFI that is not known: only what all of them measure alike is predicted.
    public var isAnyUEFI = false
    /// What SecureBoot holds, where it does not follow from firmware and store.
    public var givenSecureBoot: SecureBootValue?
    /// Neither given nor found: registers that depend on it are not predicted.
    var secureBootIsUnknown = false
    public var contents: EventContents

    public init(
        platform: Platform, layout: EventLayout, traits: FirmwareTraits?, variables: VariableStore, start: Start,
        items: [String: [UInt8]], contents: EventContents
    ) {
        self.platform = platform
        self.layout = layout
        self.traits = traits
        self.variables = variables
        self.start = start
        self.items = items
        self.contents = contents
        self.contents.add(blobs: items)
    }

    /// Finds the volumes that a TPM's PCR 0 takes.
    public mutating func addVolumes(_ volumes: [FirmwareVolume], firmware: String) throws {
        self.volumes = try MeasuredVolumes(volumes, firmware: firmware, contents: &contents).pieces
    }

    var secureBoot: SecureBootValue {
        givenSecureBoot ?? SecureBootValue(variables, built: traits?.hasSecureBoot ?? true)
    }

    /// The way ExitBootServices goes with this firmware and start.
    public var usualExit: ExitBootServices { layout.retriesExit && startsDisk ? .retry : .first }

    /// Whether firmware looks for what it starts on a disk.
    var startsDisk: Bool { start == .disk || start == .volume }

    /// All events in the order of the log.
    public func events(exit: ExitBootServices) throws -> [MeasuredEvent] {
        var boot = BootEvents(contents: contents)
        guard platform == .tpm || optionROMs.isEmpty else {
            throw MeasurementInputError(
                "option ROMs in a TD: its firmware starts none, so none is measured", hint: "leave them out")
        }
        guard platform == .tpm || layout.measuresInTD || layout.measuresHandoff else { return [] }
        switch platform {
        case .td: try startOfTD(&boot)
        case .tpm: try startOfFirmware(&boot)
        }
        guard platform == .tpm || layout.measuresInTD else { return boot.events }
        try boot.secureBootVariables(variables, secureBoot: secureBoot)
        try tables(&boot)
        for rom in optionROMs {
            try boot.append(
                "option ROM \(rom)", pcr: 2, .bootServicesDriver, content: try boot.authenticode(of: rom), data: nil,
                origin: "edk2: EFI image of an option ROM, decompressed")
        }
        switch start {
        case .kernel(let header):
            try authority(of: "vmlinuz", &boot)
            try boot.directKernel(header)
            try ready(&boot)
            try boot.directKernelStub(initrdWord: layout.initrdWord)
        case .unifiedKernel:
            try authority(of: "vmlinuz", &boot)
            try boot.image(
                "unified kernel image", pieces: try boot.authenticode(of: "vmlinuz"), origin: "edk2: QEMU's kernel")
            try ready(&boot)
            try boot.runStub("vmlinuz", stub: try stubRules("vmlinuz"), surroundings: try surroundings())
        case .disk:
            try ready(&boot)
            try authority(of: "uki.efi", &boot)
            if contents.has("disk.raw") { try boot.partitionTable("disk.raw") }
            try boot.unifiedKernel("uki.efi", stub: try stubRules("uki.efi"), surroundings: try surroundings())
        case .volume:
            guard let volume else { throw MeasurementInputError(missing: "the disk's EFI system partition") }
            try ready(&boot)
            var chain = BootChain(self, volume, boot)
            try chain.run()
            boot = chain.events
        }
        try boot.exitBootServices(exit)
        return boot.events
    }

    private func startOfTD(_ boot: inout BootEvents) throws {
        guard layout.measuresHandoff else { return }
        if let metadata {
            if let memory {
                try boot.tdHandoffBlock(try TDHandoffBlock(memory, metadata: metadata))
            } else {
                boot.appendUnknown("TD HOB", pcr: 1, .handoffTables2, reason: "the size of memory was not given")
            }
            try boot.configurationVolume(metadata)
        }
        guard layout.measuresConfiguration else { return }
        try boot.firmwareConfiguration(items)
    }

    private func startOfFirmware(_ boot: inout BootEvents) throws {
        guard let traits, let pei = volumes.first, let dxe = volumes.last, volumes.count == 2 else {
            boot.appendUnknown("firmware volumes", pcr: 0, .platformFirmwareBlob, reason: "they were not found")
            return
        }
        try boot.firmwareVersion(traits.identity.version)
        if layout.peiVolumeIsUnchanged {
            try boot.firmwareVolume(pei)
        } else {
            boot.appendUnknown(
                pei.name, pcr: 0, .platformFirmwareBlob,
                reason: "this build runs it in memory and changes it before it is measured")
        }
        try boot.firmwareVolume(dxe)
    }

    private func tables(_ boot: inout BootEvents) throws {
        guard layout.measuresACPI else { return }
        guard contents.has("etc/table-loader") else {
            boot.appendUnknown("ACPI tables", pcr: 1, .platformConfigFlags, reason: "no ACPI tables were given")
            return
        }
        try boot.acpiBlobs()
    }

    /// All that is measured when the firmware is ready to boot.
    private func ready(_ boot: inout BootEvents) throws {
        if layout.smbios == .beforeBootVariables { try smbiosEvent(&boot) }
        let register: UInt32 = platform == .td && layout.bootVariables == .rtmr1 ? 5 : 1
        if let options = try FirmwareBootOptions(self) {
            try boot.bootVariables(options.options, pcr: register)
        } else {
            boot.appendUnknown(
                "boot options", pcr: register, .variableBoot, reason: "the firmware's applications are not known")
        }
        switch platform {
        case .tpm: try boot.readyToBoot(separators: Array(0...6))
        case .td: try boot.readyToBoot(separators: [layout.separator == .rtmr0 ? 1 : 5])
        }
        if layout.smbios == .afterSeparators { try smbiosEvent(&boot) }
    }

    private func smbiosEvent(_ boot: inout BootEvents) throws {
        guard let smbios else {
            boot.appendUnknown("SMBIOS table", pcr: 1, .handoffTables, reason: "no SMBIOS tables were given")
            return
        }
        try boot.smbios(smbios, origin: "edk2 SmbiosMeasurementDxe")
    }

    /// With secure boot on: the entry of db that lets an image start, once a boot.
    private func authority(of artifact: String, _ boot: inout BootEvents) throws {
        guard secureBoot == .on else { return }
        try boot.append(
            "db entry that allows the image", pcr: 7, .variableAuthority,
            data: try authority(of: try contents.source(artifact)),
            origin: "edk2 DxeImageVerificationLib: the first entry that vouches for the image")
    }

    /// The variable data of db with the one entry that lets an image start.
    func authority(of source: ByteSource) throws -> [UInt8] {
        let image = try PEImage(source)
        let value = variables.value("db", .imageSecurityDatabase) ?? []
        let database = try value.withReader(source: "db") { reader throws in try SignatureDatabase(parsing: &reader) }
        let digest = try Authenticode.digest(image, algorithm: .sha256)
        guard let entry = try ImageSigners(image).authority(in: database, digest: digest.bytes) else {
            throw MeasurementInputError(
                "\(image.source.name): secure boot is on, and no entry of db allows the image",
                hint: "this firmware refuses to start it; sign it, or give a store with other keys by --variables")
        }
        return UEFIVariableData(vendor: .imageSecurityDatabase, name: "db", data: entry.encoded).encoded
    }

    private func stubRules(_ artifact: String) throws -> StubRules {
        try stubRules(try PEImage(try contents.source(artifact)))
    }

    func stubRules(_ image: PEImage) throws -> StubRules {
        if let stub { return stub }
        return try StubRules.detect(image)
    }

    func surroundings() throws -> StubSurroundings {
        var result = StubSurroundings()
        result.secureBoot = secureBoot == .on
        result.confidential = platform == .td
        result.smbios = smbios
        if start == .unifiedKernel || isAnyUEFI, contents.has("cmdline") {
            let boot = BootEvents(contents: contents)
            result.options = try boot.commandLine()
        }
        return result
    }
}

extension BootEvents {
    /// An event whose bytes no input gives; its register cannot be told.
    mutating func appendUnknown(_ name: String, pcr: UInt32, _ type: EventType, reason: String) {
        append(
            MeasuredEvent(name: name, pcr: pcr, type: type, content: [], data: nil, origin: reason, digests: []))
    }
}
