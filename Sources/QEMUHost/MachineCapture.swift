private import Bytes
private import Files

/// What a machine hands to its firmware, read from QEMU without running a guest.
///
/// QEMU builds ACPI tables from the machine's arguments and from registers that firmware sets before it reads them;
/// SMBIOS and boot order from the arguments alone. No file's contents enter, so files that the arguments name are
/// replaced by stand-ins.
public struct MachineCapture: Sendable {
    /// The program to run: a QEMU system emulator for x86-64.
    public var program: String
    /// All arguments that make the machine, with slots for files: `{firmware}`, `{variables}`, `{disk}`,
    /// `{kernel}`, `{initrd}`, `{cmdline}`, `{tpm}`. Whoever runs it adds where the display and the one serial port go.
    public var arguments: [String]
    /// Address of MMCONFIG that the firmware programs; OVMF since 2023: 0xE0000000.
    public var mmconfig: UInt32
    /// Where the firmware places 64-bit BARs; nil for a machine that must have none.
    public var mmio64: UInt64?
    /// Size of the firmware's file in bytes.
    public var firmwareSize: Int

    public init(
        program: String, arguments: [String], mmconfig: UInt32 = 0xE000_0000, mmio64: UInt64? = nil, firmwareSize: Int
    ) {
        self.program = program
        self.arguments = arguments
        self.mmconfig = mmconfig
        self.mmio64 = mmio64
        self.firmwareSize = firmwareSize
    }

    /// An item by its fw_cfg name.
    public struct Item: Hashable, Sendable {
        public var name: String
        public var bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// Items that firmware measures or makes measured tables from, in the order of reading: the loader script first, as
    /// the first read fixes the tables. Those that a machine does not have are left out.
    public static let names = [
        "etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables", "etc/tpm/log", "etc/smbios/smbios-tables",
        "etc/extra-pci-roots", bootMenu, "etc/boot-menu-wait", "etc/reserved-memory-end", "opt/ovmf/X-PciMmio64Mb",
        "bootorder",
    ]
    /// The item without a name at selector 0x0E: a 16-bit flag that every machine has.
    public static let bootMenu = "BootMenu"

    /// Runs QEMU and reads the items.
    public func run() throws -> [Item] {
        let folder = try FileSystem.temporaryDirectory(
            beside: (FileSystem.environment("TMPDIR") ?? "/tmp") + "/assay-capture")
        defer { try? FileSystem.remove(folder) }
        let tpm = arguments.contains { $0.contains("{tpm}") } ? try SoftwareTPM(in: folder) : nil
        defer { tpm?.close() }
        let words = try StandInFiles(folder: folder, firmwareSize: firmwareSize, tpm: tpm?.socket).fill(arguments)
        let machine = try QTestConnection(
            program: program, arguments: words + ["-display", "none", "-serial", "null"])
        defer { machine.close() }
        let pci = PCIConfiguration(machine)
        try pci.configureQ35(mmconfig: mmconfig)
        let bars = try pci.place64BitBARs(from: mmio64 ?? 0)
        guard bars == 0 || mmio64 != nil else {
            throw QEMUError(
                program, "the machine has \(bars) 64-bit BARs and the profile does not say where they go",
                hint: "leave such devices out, or add the rule for the 64-bit window")
        }
        return try read(FirmwareConfiguration(machine, program: program))
    }

    private func read(_ configuration: FirmwareConfiguration) throws -> [Item] {
        let files = try configuration.files()
        var items: [Item] = []
        for name in Self.names {
            if name == Self.bootMenu {
                items.append(Item(name: name, bytes: try configuration.read(selector: 0x0E, count: 2)))
                continue
            }
            guard let file = files.first(where: { $0.name == name }), file.size > 0 else { continue }
            guard file.size <= FirmwareConfiguration.itemLimit else {
                throw QEMUError(program, "its item \(name) has \(file.size) bytes, expected at most 1 MiB")
            }
            items.append(Item(name: name, bytes: try configuration.read(selector: file.selector, count: file.size)))
        }
        return items
    }
}
