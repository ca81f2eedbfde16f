import ArgumentParser
import Bytes
import DiskFormats
import EventLogs
import Files
import Firmware
import Hashing
import LaunchMeasurement

/// A machine that is described by options: its firmware, what it boots, and the tables that QEMU gives it.
struct MachineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The firmware: for a TD VARS and CODE in one file.", valueName: "file"))
    var firmware: String?
    @Option(
        help: ArgumentHelp("A kernel given to QEMU by -kernel: Linux, or a unified kernel image.", valueName: "file"))
    var kernel: String?
    @Option(help: ArgumentHelp("Its initrd.", valueName: "file"))
    var initrd: String?
    @Option(help: ArgumentHelp("Its command line, as given to QEMU by -append.", valueName: "text"))
    var append: String?
    @Option(help: ArgumentHelp("A file that holds the command line and nothing else, instead.", valueName: "file"))
    var cmdline: String?
    @Option(help: ArgumentHelp("A unified kernel image that firmware boots from a disk.", valueName: "file"))
    var uki: String?
    @Option(
        help: ArgumentHelp(
            "The disk, whose partition table is measured. Without --uki what firmware finds on its EFI system partition "
                + "is booted: a unified kernel image, systemd-boot and the entry that it chooses, or shim and GRUB.",
            valueName: "file"
        ))
    var disk: String?
    @Option(
        name: .customLong("disk-device"),
        help: ArgumentHelp(
            "A disk that firmware can boot: virtio-blk:SLOT, virtio-scsi:SLOT or nvme:SLOT:SERIAL[:EUI64] with its PCI "
                + "slot, and ,bootindex=N if it has one; repeated for each disk. virtio-blk:1 if not given.",
            valueName: "device"))
    var diskDevice: [String] = []
    @Option(help: ArgumentHelp("RAM, e.g. 2G; with a profile a list such as 1G,2816M,4G.", valueName: "size"))
    var memory: String?
    @Option(
        name: .customLong("max-ram-below-4g"),
        help: ArgumentHelp("The machine's property of that name, without a profile.", valueName: "size"))
    var maxRAMBelow4G: String?
    @Option(
        help: ArgumentHelp(
            "Number of vCPUs, with a profile a list such as 1,2 or 1-64. Without one the tables of --acpi must have it.",
            valueName: "n"))
    var vcpus: String?
    @Option(
        help: ArgumentHelp(
            "Folder of fw_cfg items by name, such as etc/acpi/tables; table-loader and rsdp are derived if absent. "
                + "With a profile they are its machine's, and qemu:BINARY asks that QEMU for each machine.",
            valueName: "folder"))
    var acpi: String?
    @Option(help: ArgumentHelp("QEMU's etc/smbios/smbios-tables.", valueName: "file"))
    var smbios: String?
    @Option(
        name: .customLong("cpu-signature"),
        help: ArgumentHelp("EAX and EDX of CPUID leaf 1 in the guest, for the SMBIOS event.", valueName: "eax[:edx]"))
    var cpuSignature: String?
    @Option(help: ArgumentHelp("The variable store: as-shipped, empty, or a file.", valueName: "store"))
    var variables = "as-shipped"
    @Option(
        help: ArgumentHelp(
            "The event layout, e.g. edk2-202505 or td-shim; found in the firmware if not given.", valueName: "name")
    )
    var layout: String?
    @Option(
        help: ArgumentHelp(
            "Version of QEMU, for the kernel's header; 10.2 and later if not given.", valueName: "version"))
    var qemu = "11.1"
    @Option(help: ArgumentHelp("Version of systemd-stub; found in the image if not given.", valueName: "version"))
    var stub: Int?
    @Option(
        name: .customLong("option-rom"),
        help: ArgumentHelp("EFI image of an option ROM, decompressed; may be repeated.", valueName: "file"))
    var optionROM: [String] = []

    /// Whether anything is booted.
    var bootsSomething: Bool { kernel != nil || uki != nil || disk != nil }
}

extension MachineOptions {
    /// The firmware's file, for what cannot go without.
    func firmwarePath() throws -> String {
        guard let firmware else {
            throw CommandFailure("the firmware is missing", hint: "give its file with --firmware")
        }
        return firmware
    }

    /// The firmware's bytes with the chosen variable store in front, and that store.
    func image() throws -> (bytes: [UInt8], variables: VariableStore) {
        let firmware = try firmwarePath()
        let file = try InputFile.contents(of: firmware, limit: OVMFImage.maximumByteCount)
        let own = try? file.withReader(source: firmware) { reader throws in
            (store: try VariableStore(parsing: &reader), size: Self.volumeSize(file))
        }
        switch variables {
        case "as-shipped": return (file, own?.store ?? VariableStore(variables: []))
        case "empty":
            guard let own else { return (file, VariableStore(variables: [])) }
            let empty = VariableStore.empty()
            guard empty.count == own.size else {
                throw CommandFailure(
                    "\(firmware): its variable store has \(own.size) bytes; an empty one is made of \(empty.count) only",
                    hint: "give an empty store of that size as a file")
            }
            return (empty + file.dropFirst(own.size), VariableStore(variables: []))
        default:
            let bytes = try InputFile.contents(of: variables, limit: 16 << 20)
            let store = try bytes.withReader(source: variables) { reader throws in
                try VariableStore(parsing: &reader)
            }
            return (bytes + file.dropFirst(own?.size ?? 0), store)
        }
    }

    /// Length of the firmware volume at the start.
    private static func volumeSize(_ image: [UInt8]) -> Int {
        image.dropFirst(0x20).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) & 0xFF }
    }

    /// The boot that the options describe.
    func boot(_ platform: MachineBoot.Platform, algorithms: [HashAlgorithm]) throws -> MachineBoot {
        try checkProcessors()
        let firmware = try firmwarePath()
        let (bytes, store) = try image()
        let unpacked = try FirmwareVolumes.unpack(bytes, source: firmware)
        let traits = try? FirmwareTraits(volumes: unpacked, image: bytes, source: firmware)
        let layout = try eventLayout(traits, bytes)
        var contents = EventContents(algorithms: algorithms)
        let start = try addFiles(to: &contents, layout: layout, confidential: platform == .td)
        var boot = MachineBoot(
            platform: platform, layout: layout, traits: traits, variables: store, start: start,
            items: try items(platform), contents: contents)
        boot.memory = try memorySize()
        if platform == .td {
            let metadata = try OVMFImage(bytes, name: firmware).tdvfMetadata()
            boot.metadata = metadata
            if let volume = metadata.sections.first(where: { $0.kind == .cfv }) {
                boot.contents.add("variables.fd", ByteSource(Array(bytes[volume.range]), name: "variable store"))
            }
        } else {
            try? boot.addVolumes(unpacked, firmware: firmware)
        }
        boot.disks = try diskOptions()
        if let disk, start == .volume { boot.volume = try BootDisk.volume(of: disk) }
        boot.smbios = try table(boot.items, traits)
        boot.optionROMs = optionROM.indices.map { "option-rom-\($0)" }
        boot.stub = try stubRules()
        return boot
    }

    /// The rules of the stub whose version was given.
    func stubRules() throws -> StubRules? {
        guard let stub else { return nil }
        guard let rules = StubRules(version: stub) else {
            throw CommandFailure("--stub \(stub): no rules for this version", hint: "252, 257 and 262 are known")
        }
        return rules
    }

    /// The event layout of a firmware that boots nothing, for the record: MRTD does not follow from it.
    func foundLayout(_ image: TDVFImage, loader: TDLoader) throws -> (name: String, origin: String) {
        if let shim = layout.flatMap({ TDShimLayout(name: $0) }) { return (shim.name, shim.origin) }
        if loader == .tdShim, layout == nil {
            guard TDShimImage.isTDShim(image.bytes) else { return ("td-shim", "given as --loader td-shim") }
            return (TDShimLayout.found.name, TDShimLayout.found.origin)
        }
        let traits = try? FirmwareTraits(image: image.bytes, source: image.name)
        guard layout != nil || traits != nil else {
            return ("unknown", "no volume of the firmware's file could be unpacked and read")
        }
        let found = try eventLayout(traits, image.bytes)
        return (found.name, found.origin)
    }

    private func eventLayout(_ traits: FirmwareTraits?, _ bytes: [UInt8]) throws -> EventLayout {
        if let name = layout {
            guard let layout = EventLayout(name: name) else {
                throw CommandFailure(
                    "--layout \(name): no such layout",
                    hint:
                        "give one of \(EventLayout.releases.map { "edk2-\($0)" }.joined(separator: ", ")), or for a TD "
                        + TDShimLayout.names.joined(separator: ", "))
            }
            return layout
        }
        guard let traits else {
            let firmware = try firmwarePath()
            _ = try FirmwareTraits(image: bytes, source: firmware)
            throw CommandFailure("\(firmware): its event layout cannot be found", hint: "give --layout")
        }
        return EventLayout(traits)
    }

    /// The command line; nil if none was given.
    func commandLine() throws -> [UInt8]? {
        if let cmdline { return try InputFile.contents(of: cmdline, limit: 1 << 16) }
        return append.map { Array($0.utf8) }
    }

    func addFiles(
        to contents: inout EventContents, layout: EventLayout, confidential: Bool
    ) throws -> MachineBoot.Start {
        for (index, path) in optionROM.enumerated() { contents.add("option-rom-\(index)", try ByteSource(path: path)) }
        let line = try commandLine()
        if let line { contents.add("cmdline", ByteSource(line, name: "command line")) }
        if let disk { contents.add("disk.raw", try ByteSource(path: disk)) }
        if let uki { contents.add("uki.efi", try ByteSource(path: uki)) }
        guard let kernel else { return uki == nil ? .volume : .disk }
        let source = try ByteSource(path: kernel)
        contents.add("vmlinuz", source)
        let mark = source.count > 0x206 ? try source.read(at: 0x202, count: 4, "HdrS") : []
        let isLinux = mark == Array("HdrS".utf8)
        guard isLinux else {
            guard initrd == nil else {
                throw CommandFailure(
                    "\(kernel): QEMU takes no initrd for a kernel that is not Linux", hint: "leave out --initrd")
            }
            return .unifiedKernel
        }
        let archive = try initrd.map { try ByteSource(path: $0) }
        if let archive { contents.add("initrd", archive) }
        guard let version = QEMUVersion(qemu) else {
            throw CommandFailure("--qemu \(qemu): no version", hint: "give one such as 10.0")
        }
        guard layout.headerIsPatched(qemu: version, confidential: confidential) else { return .kernel(.asGiven) }
        guard let memory = try memorySize() else {
            throw CommandFailure(
                "--memory is missing: QEMU \(version) writes the initrd's address into the kernel that is measured")
        }
        return .kernel(
            try .patched(source, commandLine: line ?? [], initrdSize: archive?.count, memory: memory))
    }

    /// fw_cfg items from the folder, and those that follow from others.
    private func items(_ platform: MachineBoot.Platform) throws -> [String: [UInt8]] {
        var items: [String: [UInt8]] = [:]
        if let acpi { items = try ConfigurationFolder(acpi).items }
        if let bytes = items["etc/acpi/tables"] {
            let tables = try ACPITables(bytes)
            items["etc/acpi/tables"] = tables.encoded
            if items["etc/table-loader"] == nil {
                items["etc/table-loader"] = try LinkerScript(linking: tables).encoded
            }
            if items["etc/acpi/rsdp"] == nil { items["etc/acpi/rsdp"] = try ACPIRootPointer.encoded(for: tables) }
            // QEMU hands out an empty log of 64 KiB.
            if items["etc/tpm/log"] == nil { items["etc/tpm/log"] = [UInt8](repeating: 0, count: 65536) }
        }
        if let smbios { items["etc/smbios/smbios-tables"] = try InputFile.contents(of: smbios, limit: 1 << 20) }
        if platform == .td {
            // Always there; and the option ROM by which QEMU starts a kernel given directly.
            if items["BootMenu"] == nil { items["BootMenu"] = [0, 0] }
            if items["bootorder"] == nil, kernel != nil {
                items["bootorder"] = Array("/rom@genroms/linuxboot_dma.bin\0".utf8)
            }
        }
        return items
    }

    private func table(_ items: [String: [UInt8]], _ traits: FirmwareTraits?) throws -> SMBIOSTable? {
        guard let blob = items["etc/smbios/smbios-tables"], let traits else { return nil }
        let table = try blob.withReader(source: "etc/smbios/smbios-tables") { reader throws in
            try SMBIOSTable(parsing: &reader)
        }.installed(by: traits.identity)
        guard let cpuSignature else { return table }
        let words = cpuSignature.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = words.compactMap { parseInteger(String($0)).flatMap { UInt32(exactly: $0) } }
        guard let signature = numbers.first, numbers.count == words.count, words.count <= 2 else {
            throw CommandFailure(
                "--cpu-signature \(cpuSignature): not one or two 32-bit numbers", hint: "e.g. 0x806f8:0xbfebfbff")
        }
        return table.withProcessorIdentity(signature: signature, features: numbers.count == 2 ? numbers[1] : nil)
    }

    /// The one size that a boot without a profile has.
    func memorySize() throws -> MachineMemory? {
        guard let memory else {
            guard maxRAMBelow4G == nil else { throw CommandFailure("--max-ram-below-4g says nothing without --memory") }
            return nil
        }
        guard let size = parseByteCount(memory), size > 0 else {
            throw CommandFailure(
                "'\(memory)' is no size", hint: "give one such as 2G; several need --profile, which has the machine")
        }
        let limit = try maxRAMBelow4G.map { text throws -> UInt64 in
            // QEMU refuses less.
            guard let limit = parseByteCount(text), limit >= 1 << 20 else {
                throw CommandFailure("--max-ram-below-4g '\(text)': expected a size of 1M or more")
            }
            return UInt64(limit)
        }
        return MachineMemory(memory: UInt64(size), maximumBelow4G: limit)
    }

    /// Without a profile the tables of --acpi say how many processors there are.
    private func checkProcessors() throws {
        if let acpi, acpi.hasPrefix("qemu:") {
            throw CommandFailure(
                "--acpi \(acpi): no machine to ask for",
                hint: "give --profile, whose 'capture' section says how QEMU is started")
        }
        guard let vcpus else { return }
        guard let count = Int(vcpus), count > 0 else {
            throw CommandFailure(
                "--vcpus \(vcpus): no number", hint: "several need --profile, which has the machine")
        }
        guard let acpi else {
            throw CommandFailure(
                "--vcpus changes nothing here: the number is in the ACPI tables", hint: "give --acpi or --profile")
        }
        let tables = try ACPITables(
            ConfigurationFolder(acpi).items[ACPITables.itemName] ?? [], source: "\(acpi)/\(ACPITables.itemName)")
        let found = tables["APIC"].map { ProcessorCount($0).enabled } ?? 0
        guard found == count else {
            throw CommandFailure(
                "--vcpus \(count): the tables in \(acpi) are of a machine with \(found)",
                hint: "give tables of the machine that is measured, or --profile, which derives them")
        }
    }

    /// Options that a profile has its own answer to.
    func refuseWithProfile() throws {
        let given: [(String, Bool)] = [
            ("--append", append != nil), ("--smbios", smbios != nil), ("--cpu-signature", cpuSignature != nil),
            ("--layout", layout != nil), ("--stub", stub != nil), ("--option-rom", !optionROM.isEmpty),
            ("--variables", variables != "as-shipped"), ("--max-ram-below-4g", maxRAMBelow4G != nil),
        ]
        for (name, isGiven) in given where isGiven {
            throw CommandFailure(
                "\(name) with --profile: the profile says what stands there",
                hint: "leave it out, or describe the machine without a profile")
        }
    }
}

/// Enabled processors of an MADT (ACPI 6.5, section 5.2.12): types 0 and 9, bit 0 of the flags.
private struct ProcessorCount {
    private(set) var enabled = 0

    init(_ table: ACPITable) {
        var place = ACPITable.headerSize + 8
        let bytes = table.bytes
        while place + 2 <= bytes.count {
            let count = Int(bytes[place + 1])
            guard count >= 2, place + count <= bytes.count else { return }
            let flags = bytes[place] == 0 && count == 8 ? place + 4 : bytes[place] == 9 && count == 16 ? place + 8 : nil
            if let flags, bytes[flags] & 1 != 0 { enabled += 1 }
            place += count
        }
    }
}

/// fw_cfg items as files: by their whole name below a folder, or by the last part of it.
private struct ConfigurationFolder {
    private(set) var items: [String: [UInt8]] = [:]
    private static let names = [
        "etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables", "etc/tpm/log", "etc/smbios/smbios-tables", "BootMenu",
        "bootorder", "etc/extra-pci-roots", "etc/boot-menu-wait", "etc/reserved-memory-end",
        "opt/ovmf/X-PciMmio64Mb",
    ]

    init(_ folder: String) throws {
        for name in Self.names {
            let last = name.split(separator: "/").last.map { String($0) } ?? name
            for place in ["fw_cfg/" + name, name, "acpi_" + last, last] {
                let path = folder + "/" + place
                guard FileSystem.kind(of: path) == .file else { continue }
                items[name] = try InputFile.contents(of: path, limit: 16 << 20)
                break
            }
        }
        guard items["etc/acpi/tables"] != nil else {
            throw CommandFailure(
                "\(folder): no ACPI tables in it", outcome: .unusable,
                hint: "put QEMU's fw_cfg items there by their names, e.g. etc/acpi/tables")
        }
    }
}
