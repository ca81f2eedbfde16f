internal import Bytes
private import EventLogs
private import Files
import Firmware
import Trace

extension BootEvents {
    /// The five secure boot variables, which firmware measures before it uses them, and the separator after them.
    mutating func secureBootVariables(_ store: VariableStore, secureBoot: SecureBootValue) throws {
        let origin = "UEFI secure boot variables, in edk2's order"
        try append(
            "variable SecureBoot", pcr: 7, .variableDriverConfig,
            data: UEFIVariableData(vendor: .efiGlobalVariable, name: "SecureBoot", data: secureBoot.bytes).encoded,
            origin: origin)
        let names: [(String, GUID)] = [
            ("PK", .efiGlobalVariable), ("KEK", .efiGlobalVariable), ("db", .imageSecurityDatabase),
            ("dbx", .imageSecurityDatabase),
        ]
        for (name, vendor) in names {
            let variable = UEFIVariableData(vendor: vendor, name: name, data: store.value(name, vendor) ?? [])
            try append(
                "variable \(name)", pcr: 7, .variableDriverConfig, data: variable.encoded, origin: origin)
        }
        // Two more databases, measured only where they exist.
        for name in ["dbt", "dbr"] {
            guard let value = store.value(name, .imageSecurityDatabase), !value.isEmpty else { continue }
            try append(
                "variable \(name)", pcr: 7, .variableDriverConfig,
                data: UEFIVariableData(vendor: .imageSecurityDatabase, name: name, data: value).encoded,
                origin: origin)
        }
        try separator(pcr: 7, origin: "edk2: end of the secure boot variables")
    }

    /// The ACPI blobs as QEMU hands them out, before linking, in the order in which the loader script fetches them.
    mutating func acpiBlobs() throws {
        let source = try contents.source(LinkerScript.itemName)
        let script = try source.withReader(count: source.count, "table-loader") { reader throws in
            try LinkerScript(parsing: &reader)
        }
        for name in [LinkerScript.itemName] + script.files {
            try append(
                "fw_cfg \(name)", pcr: 1, .platformConfigFlags, content: [try contents.whole(name)],
                data: Array("ACPI DATA".utf8), origin: "edk2 AcpiPlatformDxe: order of the loader script")
        }
    }

    /// The SMBIOS table as edk2 filters it. The event data holds an address and varies.
    mutating func smbios(_ table: SMBIOSTable, origin: String) throws {
        try append(
            "SMBIOS table, filtered", pcr: 1, .handoffTables,
            content: [.init("SMBIOS table, filtered", .literal(table.measuredBytes))], data: nil, origin: origin)
    }

    /// BootOrder and the options in that order; digests cover the variables' values alone.
    mutating func bootVariables(_ options: BootOptions, pcr: UInt32 = 1) throws {
        var order = ByteWriter()
        for number in options.order { order.append(number) }
        try bootVariable("BootOrder", order.bytes, pcr, options.origin)
        for number in options.order {
            guard let option = options.options.first(where: { $0.number == number }) else {
                throw MeasurementInputError("the boot order names option \(number), which the profile does not have")
            }
            let digits = String(number, radix: 16, uppercase: true)
            let name = "Boot" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            try bootVariable(name, option.loadOption.encoded, pcr, options.origin)
        }
    }

    private mutating func bootVariable(
        _ name: String, _ value: [UInt8], _ pcr: UInt32, _ origin: String
    ) throws {
        let data = UEFIVariableData(vendor: .efiGlobalVariable, name: name, data: value).encoded
        try append(
            "variable \(name)", pcr: pcr, .variableBoot, content: [.init("value of \(name)", .literal(value))],
            data: data,
            origin: origin)
    }

    /// All that is measured when the firmware is ready to boot, in the order of the rules.
    mutating func readyToBoot(_ rules: EventRules, separators: [UInt32], smbios table: SMBIOSTable) throws {
        let origin = "edk2 SmbiosMeasurementDxe"
        if rules.smbios == .beforeBootVariables { try smbios(table, origin: origin) }
        try bootVariables(rules.bootOptions)
        try readyToBoot(separators: separators)
        if rules.smbios == .afterSeparators { try smbios(table, origin: origin) }
    }

    /// What edk2 measures when it is ready to boot: the call of a boot option, then separators.
    mutating func readyToBoot(separators: [UInt32]) throws {
        try action("Calling EFI Application from Boot Option", pcr: 4, origin: "edk2: first boot attempt")
        for pcr in separators { try separator(pcr: pcr, origin: "edk2: ready to boot") }
    }

    /// An image by its Authenticode digest. The event data holds addresses and varies.
    mutating func image(_ name: String, pieces: [MeasuredEvent.Piece], origin: String) throws {
        try append(name, pcr: 4, .bootServicesApplication, content: pieces, data: nil, origin: origin)
    }

    /// What the kernel's EFI stub measures: its options, and the initrd that it loaded.
    ///
    /// - Parameter isTerminated: whether the loader counts a NUL to the options; GRUB does not.
    mutating func linuxStub(
        options: [MeasuredEvent.Piece], initrd: [MeasuredEvent.Piece], isTerminated: Bool = true
    ) throws {
        let origin = "Linux EFI stub"
        // Without any options there is nothing to measure, not even a NUL.
        if !options.allSatisfy(\.isEmpty) {
            let end: [MeasuredEvent.Piece] = isTerminated ? [.init("NUL", .literal([0, 0]))] : []
            try append(
                "kernel command line", pcr: 9, .eventTag, content: options + end,
                data: TaggedEvent.loadOptions.encoded, origin: origin)
        }
        guard !initrd.isEmpty else { return }
        try append(
            "initrd", pcr: 9, .eventTag, content: initrd, data: TaggedEvent.initrd.encoded, origin: origin)
    }
}
