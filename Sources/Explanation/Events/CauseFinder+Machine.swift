import EventLogs
import Firmware
private import Hashing

extension CauseFinder {
    /// An fw_cfg item: an ACPI blob, or one that edk2 caches.
    func configuration(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        guard let name = a.configurationItem ?? b.configurationItem else {
            return EventCause(.configuration, .unknown, "an item that the machine gives the firmware is another")
        }
        guard !a.isACPI, !b.isACPI else { return acpi(name, a, b) }
        guard name == b.configurationItem else {
            return EventCause(.configuration, .certain, "\(b.name) in the place of \(a.name)")
        }
        let values: [(String, [UInt8])] = [
            ("boot menu off", [0, 0]), ("boot menu on", [1, 0]),
            ("a kernel given by -kernel", Array("/rom@genroms/linuxboot_dma.bin\0".utf8)),
        ]
        let known = values.first { value in b.digests.contains { Digest.of(value.1, $0.algorithm) == $0 } }
        return EventCause(
            .configuration, .certain, "the machine gives the firmware another \(name)",
            known.map { ["found: \($0.0)"] } ?? recognised(b))
    }

    /// An ACPI blob. Which machine it is of is searched; what differs inside shows if both blobs are among the files.
    private func acpi(_ name: String, _ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let statement = "the machine's \(name) is another"
        if name != ACPITables.itemName, let tables = foundItem(ACPITables.itemName),
            !expected.flatMap(\.events).contains(where: { $0.digests.last == tables.digests.last })
        {
            return EventCause(
                .acpi, .certain,
                "\(statement): it follows from the order and lengths of \(ACPITables.itemName), which is another too")
        }
        if let lines = tableDifferences(name, b) { return EventCause(.acpi, .certain, statement, lines) }
        guard let tables = expectedTables, let source = MachineSearch.shape(of: tables) else {
            return EventCause(
                .acpi, .unknown,
                "\(statement): it follows from the number of vCPUs, the memory, the devices and QEMU's build",
                ["--files with the folders of both machines' blobs names the table and the field"])
        }
        guard let pointer = foundItem("etc/acpi/rsdp")?.digests.last,
            let processors = MachineSearch.processors(tables, source, pointer)
        else {
            let limit = source.processors == 1 ? " (tables of one vCPU do not show those of more)" : ""
            return EventCause(
                .acpi, .unknown,
                "\(statement), and no machine was found that differs in vCPUs and memory alone\(limit)",
                ["other devices, another QEMU or another firmware are behind it"])
        }
        if let digest = foundItem(ACPITables.itemName)?.digests.last,
            let machine = MachineSearch.machine(
                tables: tables, source: source, digest: digest, processors: processors)
        {
            return EventCause(
                .acpi, .certain,
                "\(statement): found is that of a machine with \(Self.text(machine)), expected of \(Self.text(source))",
                ["tables show memory above 4 GiB to the next GiB alone"])
        }
        let others =
            processors == source.processors
            ? "as many vCPUs as expected (\(processors)) and tables of the same lengths"
            : "\(processors) vCPUs instead of \(source.processors)"
        return EventCause(
            .acpi, .likely, "\(statement): its root pointer fits \(others); memory or devices differ too")
    }

    private static func text(_ shape: ACPIMachineShape) -> String {
        "\(shape.processors) vCPU\(shape.processors == 1 ? "" : "s") and \(text(memory: shape.memory))"
    }

    static func text(memory: UInt64) -> String {
        memory.isMultiple(of: 1 << 30) ? "\(memory >> 30) GiB of memory" : "\(memory >> 20) MiB of memory"
    }

    /// The tables that were expected, if they are among the files.
    private var expectedTables: ACPITables? {
        files.contents(ACPITables.itemName).flatMap { try? ACPITables($0, source: ACPITables.itemName) }
    }

    private func foundItem(_ name: String) -> RegisterEvent? {
        found.lazy.flatMap(\.events).first { $0.configurationItem == name }
    }

    /// What differs between both machines' tables, if both are among the files.
    private func tableDifferences(_ name: String, _ event: RegisterEvent) -> [String]? {
        let tables = name == ACPITables.itemName ? event : foundItem(ACPITables.itemName)
        guard let tables, let file = files.path(of: tables.digests), let bytes = files.contents(of: tables.digests),
            let expected = expectedTables, let found = try? ACPITables(bytes, source: file)
        else { return nil }
        let lines = ACPIDifference.describe(pinned: expected, found: found)
        return ["found are the tables in \(file)"] + Self.limited(lines)
    }

    /// The SMBIOS table as the firmware filters it.
    func smbios(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let statement = "the machine's SMBIOS table is another"
        if let bytes = a.content(files), let digest = b.digests.last,
            let machine = MachineSearch.machine(smbios: bytes, digest: digest)
        {
            return EventCause(
                .smbios, .certain,
                "\(statement): found is that of \(Self.text(memory: machine.memory)) and "
                    + (machine.several ? "several vCPUs" : "one vCPU"))
        }
        return EventCause(
            .smbios, .unknown,
            "\(statement): it follows from the memory, the CPU's signature, the machine type and the firmware's version",
            ["--cpu-signature and --memory of the prediction decide it"])
    }

    /// The TD HOB, the variable store, or a payload of td-shim.
    func volume(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        guard b.type == .handoffTables2 else {
            return EventCause(
                .variableStore, .certain, "the firmware file's variable store has other bytes",
                recognised(b) + ["--variables of the prediction decides it, and so does the firmware file"])
        }
        guard let list = a.content(files), let digest = b.digests.last else {
            return EventCause(
                .memoryMap, .likely,
                "the memory map is another: the TD has other memory, or its firmware other temporary sections")
        }
        guard let memory = MachineSearch.memory(list: list, digest: digest) else {
            return EventCause(
                .memoryMap, .likely,
                "the memory map is that of no size of memory with this firmware: another firmware or host",
                MachineSearch.memory(of: list).map { ["expected \(Self.text(memory: $0))"] } ?? [])
        }
        let before = MachineSearch.memory(of: list).map { ", expected \(Self.text(memory: $0))" } ?? ""
        return EventCause(.memoryMap, .certain, "the TD has \(Self.text(memory: memory))\(before)")
    }
}
