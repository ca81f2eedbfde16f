private import Bytes
private import EventLogs
import Firmware

/// The boot options that OVMF makes for itself in a store without any.
public struct FirmwareBootOptions: Hashable, Sendable {
    /// A disk that firmware can boot from.
    public struct Disk: Hashable, Sendable {
        public enum Kind: String, Sendable, CaseIterable {
            case virtioBlock = "virtio-blk"
            case virtioSCSI = "virtio-scsi"
        }

        public var kind: Kind
        /// PCI device number on the root bus.
        public var slot: UInt8
        /// Whether QEMU was told to boot it first (`bootindex`).
        public var isFirst: Bool

        public init(kind: Kind = .virtioBlock, slot: UInt8 = 1, isFirst: Bool = false) {
            self.kind = kind
            self.slot = slot
            self.isFirst = isFirst
        }
    }

    let options: BootOptions

    /// The options for a boot; nil where the firmware's applications are not known.
    ///
    /// Disks have options only when the firmware boots one: it tries a kernel given directly before it looks for them.
    init?(_ boot: MachineBoot) throws {
        guard let traits = boot.traits else { return nil }
        guard boot.variables.value("BootOrder", .efiGlobalVariable) == nil else {
            throw MeasurementInputError(
                "the variable store has a boot order already",
                hint: "no rule says what the firmware makes of it; give a fresh store, e.g. --variables empty")
        }
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
            for disk in boot.disks {
                if disk.isFirst || Self.isFirst(disk, in: boot.items["bootorder"]) { first.append(list.count) }
                list.append(disk.loadOption)
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
    }

    /// Whether fw_cfg's `bootorder` names the disk's PCI device in its first line.
    private static func isFirst(_ disk: Disk, in order: [UInt8]?) -> Bool {
        guard let order else { return false }
        let line = String(decoding: order.prefix { $0 != 0 && $0 != 0x0A }, as: UTF8.self)
        let parts = line.split(separator: "/")
        guard parts.count >= 2, parts[0] == "pci@i0cf8" else { return false }
        let unit = parts[1].split(separator: "@").last?.split(separator: ",").first
        return unit.flatMap { UInt8($0, radix: 16) } == disk.slot
    }
}

extension FirmwareBootOptions.Disk {
    /// 16 bytes by which edk2 knows the options it made itself.
    private static let mark: [UInt8] = [
        0x4E, 0xAC, 0x08, 0x81, 0x11, 0x9F, 0x59, 0x4D, 0x85, 0x0E, 0xE2, 0x1A, 0x52, 0x2C, 0x59, 0xB2,
    ]

    fileprivate var loadOption: LoadOption {
        var nodes: [DevicePath.Node] = [.pciRoot(), .pci(device: slot)]
        let description: String
        switch kind {
        case .virtioBlock: description = "UEFI Misc Device"
        case .virtioSCSI:
            description = "UEFI QEMU QEMU HARDDISK "
            // Scsi(0,0): target and unit (UEFI 2.10, section 10.3.4.2).
            nodes.append(.init(type: 3, subtype: 2, data: [0, 0, 0, 0]))
        }
        return LoadOption(
            attributes: LoadOption.active, description: description, path: DevicePath(nodes), optionalData: Self.mark)
    }
}
