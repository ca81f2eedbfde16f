private import Bytes
private import EventLogs
import Firmware

/// The boot options that OVMF makes for itself in a store without any.
public struct FirmwareBootOptions: Hashable, Sendable {
    let options: BootOptions

    /// The options for a boot; nil where the firmware's applications are not known.
    ///
    /// Disks have options only when the firmware boots one: it tries a kernel given directly before it looks for them.
    init?(_ boot: MachineBoot) throws {
        guard let traits = boot.traits else { return nil }
        var list: [LoadOption] = []
        func application(_ name: String, _ file: GUID, _ attributes: UInt32) {
            let path = DevicePath([.firmwareVolume(FirmwareTraits.applicationVolume), .firmwareFile(file)])
            list.append(LoadOption(attributes: attributes, description: name, path: path))
        }
        if traits.hasMenu {
            application("BootManagerMenuApp", FirmwareTraits.menu, 0x109)
            if traits.hasSetup { application("EFI Firmware Setup", FirmwareTraits.setup, 0x101) }
        } else if traits.hasSetup {
            application("UiApp", FirmwareTraits.setup, 0x109)
        }
        var first: [Int] = []
        if boot.startsDisk {
            let disks = try BootDisks(boot.disks, order: boot.items["bootorder"])
            for disk in disks.connected {
                if disks.isOrdered { first.append(list.count) }
                list.append(disk)
            }
            if traits.hasShell {
                application("EFI Internal Shell", FirmwareTraits.shell, boot.layout.shellAttributes)
            }
        }
        let order = first + list.indices.filter { !first.contains($0) }
        options = BootOptions(
            order: order.map { UInt16($0) },
            options: list.enumerated().map { .init(number: UInt16($0.offset), loadOption: $0.element) },
            origin: "edk2: boot options made in a store without any")
        try checkStore(boot.variables)
    }

    /// A store that has a boot order already must have these options and no other: whatever else it has, no rule here says
    /// what the firmware makes of it. With these, firmware finds every option again and changes nothing. Options that no
    /// order names, as Debian's store of test keys has one, stay what they are as long as nobody wants their number.
    private func checkStore(_ store: VariableStore) throws {
        func isOption(_ name: String) -> Bool {
            name.utf8.count == 8 && name.hasPrefix("Boot") && name.dropFirst(4).allSatisfy(\.isHexDigit)
        }
        let found = store.variables.filter {
            $0.vendor == .efiGlobalVariable && ($0.name == "BootOrder" || isOption($0.name))
        }
        guard !found.isEmpty else { return }
        var expected = ["BootOrder": options.order.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }]
        for option in options.options {
            let digits = String(option.number, radix: 16, uppercase: true)
            expected["Boot" + String(repeating: "0", count: 4 - digits.utf8.count) + digits] = option.loadOption.encoded
        }
        let hasOrder = found.contains { $0.name == "BootOrder" }
        for variable in found where expected[variable.name] != variable.data {
            if !hasOrder, expected[variable.name] == nil { continue }
            throw MeasurementInputError(
                "the variable store has a boot order already, and its \(variable.name) is not what this firmware makes",
                hint: "no rule says what the firmware makes of it; give a fresh store, e.g. --variables empty")
        }
        guard hasOrder else { return }
        if let name = expected.keys.sorted().first(where: { name in !found.contains { $0.name == name } }) {
            throw MeasurementInputError(
                "the variable store has boot options already, but no \(name), which this firmware makes",
                hint: "no rule says what the firmware makes of it; give a fresh store, e.g. --variables empty")
        }
    }
}
