private import Bytes
import EventLogs

extension FirmwareBootOptions {
    /// A disk that firmware can boot from, on the root bus of a q35 machine.
    public struct Disk: Hashable, Sendable {
        public enum Kind: String, Sendable, CaseIterable {
            case virtioBlock = "virtio-blk"
            case virtioSCSI = "virtio-scsi"
            case nvme
        }

        public var kind: Kind
        /// PCI device number on the root bus.
        public var slot: UInt8
        /// QEMU's `bootindex`; nil if the disk has none.
        public var bootIndex: Int?
        /// The serial number of an NVMe controller, at most 20 characters.
        public var serial: String
        /// EUI-64 of an NVMe namespace, QEMU's `eui64`; 0 if it has none.
        public var identifier: UInt64

        public init(
            kind: Kind = .virtioBlock, slot: UInt8 = 1, bootIndex: Int? = nil, serial: String = "",
            identifier: UInt64 = 0
        ) {
            self.kind = kind
            self.slot = slot
            self.bootIndex = bootIndex
            self.serial = serial
            self.identifier = identifier
        }
    }
}

/// The disks that firmware connects, as boot options in the order in which it makes them.
///
/// Seen with edk2 2025.02 and 2026.08: where QEMU's `bootorder` names disks, those alone are connected, in its order, and
/// stand before all other options; else all disks are, by PCI device number.
struct BootDisks {
    let connected: [LoadOption]
    /// Whether they come first in the boot order.
    let isOrdered: Bool

    /// - Parameter order: fw_cfg's `bootorder`, which counts more than the disks' own indexes.
    init(_ disks: [FirmwareBootOptions.Disk], order: [UInt8]?) throws {
        let slots = disks.map(\.slot)
        guard Set(slots).count == slots.count else {
            throw MeasurementInputError("two disks in one PCI slot", hint: "give each disk a slot of its own")
        }
        let indexes = disks.compactMap(\.bootIndex)
        guard Set(indexes).count == indexes.count else {
            throw MeasurementInputError("two disks with one bootindex", hint: "QEMU refuses to start this")
        }
        let bySlot = disks.sorted { $0.slot < $1.slot }
        var named = order.map { Self.slots($0).compactMap { slot in bySlot.first { $0.slot == slot } } } ?? []
        if named.isEmpty {
            named = bySlot.filter { $0.bootIndex != nil }.sorted { ($0.bootIndex ?? 0) < ($1.bootIndex ?? 0) }
        }
        isOrdered = !named.isEmpty
        var options: [LoadOption] = []
        for disk in isOrdered ? named : bySlot {
            var option = try disk.loadOption
            // edk2 numbers options that would be called the same.
            let name = option.description
            var number = 2
            while options.contains(where: { $0.description == option.description }) {
                option.description = "\(name) \(number)"
                number += 1
            }
            options.append(option)
        }
        connected = options
    }

    /// The device numbers on the first root bus that `bootorder` names, in order.
    private static func slots(_ order: [UInt8]) -> [UInt8] {
        var slots: [UInt8] = []
        for line in order.prefix(while: { $0 != 0 }).split(separator: 0x0A) {
            let parts = String(decoding: line, as: UTF8.self).split(separator: "/")
            guard parts.count >= 2, parts[0] == "pci@i0cf8" else { continue }
            let unit = parts[1].split(separator: "@").last?.split(separator: ",").first
            if let slot = unit.flatMap({ UInt8($0, radix: 16) }), !slots.contains(slot) { slots.append(slot) }
        }
        return slots
    }
}

extension FirmwareBootOptions.Disk {
    /// 16 bytes by which edk2 knows the options it made itself.
    private static let mark: [UInt8] = [
        0x4E, 0xAC, 0x08, 0x81, 0x11, 0x9F, 0x59, 0x4D, 0x85, 0x0E, 0xE2, 0x1A, 0x52, 0x2C, 0x59, 0xB2,
    ]

    fileprivate var loadOption: LoadOption {
        get throws {
            var nodes: [DevicePath.Node] = [.pciRoot(), .pci(device: slot)]
            let description: String
            switch kind {
            case .virtioBlock: description = "UEFI Misc Device"
            case .virtioSCSI:
                description = "UEFI QEMU QEMU HARDDISK "
                // Scsi(0,0): target and unit (UEFI 2.10, section 10.3.4.2).
                nodes.append(.init(type: 3, subtype: 2, data: [0, 0, 0, 0]))
            case .nvme:
                guard (1...20).contains(serial.utf8.count), serial.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
                else {
                    throw MeasurementInputError(
                        "NVMe disk in slot \(slot): the serial number '\(serial)'",
                        hint: "give 1 to 20 characters of ASCII without blanks, as in nvme:2:SERIAL")
                }
                description = "UEFI QEMU NVMe Ctrl \(serial) 1"
                // Seen with OVMF 2022.11: the most significant byte first, as the namespace reports it.
                var eui = ByteWriter()
                eui.append(bigEndian: identifier)
                nodes.append(.nvme(namespace: 1, identifier: eui.bytes))
            }
            return LoadOption(
                attributes: LoadOption.active, description: description, path: DevicePath(nodes),
                optionalData: Self.mark)
        }
    }
}
