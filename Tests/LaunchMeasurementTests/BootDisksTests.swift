import Bytes
import EventLogs
import TestSupport
import Testing

@testable import LaunchMeasurement

/// Values are what OVMF of Debian left in its variable store on QEMU 10.0 (2025.02) and 11.1 (2026.08).
@Suite("Boot options of disks") struct BootDisksTests {
    private typealias Disk = FirmwareBootOptions.Disk

    @Test("an NVMe disk by its serial number and namespace") func nvme() throws {
        let disks = try BootDisks([Disk(kind: .nvme, slot: 1, serial: "abc")], order: nil)
        #expect(
            disks.connected.map(\.encoded.hex) == [
                "01000000260055004500460049002000510045004d00550020004e0056004d00650020004300740072006c0020006100620063"
                    + "0020003100000002010c00d041030a00000000010106000001031710000100000000000000000000007fff0400"
                    + "4eac0881119f594d850ee21a522c59b2"
            ])
        #expect(!disks.isOrdered)
        #expect("\(disks.connected[0].path)" == "PciRoot(0x0)/Pci(0x1,0x0)/NVMe(0x1,0000000000000000)")
        let long = try BootDisks([Disk(kind: .nvme, slot: 4, serial: "SERIAL-12345-LONG")], order: nil)
        #expect(long.connected[0].description == "UEFI QEMU NVMe Ctrl SERIAL-12345-LONG 1")
    }

    /// Seen in the variable store of OVMF 2022.11 on QEMU 7.2 with `-device nvme-ns,eui64=0x0102030405060708`.
    @Test("a namespace with an EUI-64 has it in its path, the most significant byte first") func identifier() throws {
        let disk = Disk(kind: .nvme, slot: 1, serial: "abc", identifier: 0x0102_0304_0506_0708)
        let path = try BootDisks([disk], order: nil).connected[0].path
        #expect(
            path.encoded.hex
                == "02010c00d041030a0000000001010600000103171000010000000102030405060708" + "7fff0400")
        #expect("\(path)" == "PciRoot(0x0)/Pci(0x1,0x0)/NVMe(0x1,0102030405060708)")
    }

    @Test("disks come by slot; with a bootindex anywhere those that have one come alone, by it") func order() throws {
        let all = [
            Disk(kind: .nvme, slot: 4, serial: "abc"), Disk(kind: .virtioBlock, slot: 1),
            Disk(kind: .virtioSCSI, slot: 3),
        ]
        let bySlot = try BootDisks(all, order: nil)
        #expect(
            bySlot.connected.map(\.description) == [
                "UEFI Misc Device", "UEFI QEMU QEMU HARDDISK ", "UEFI QEMU NVMe Ctrl abc 1",
            ])
        var indexed = all
        indexed[0].bootIndex = 1
        indexed[2].bootIndex = 0
        let chosen = try BootDisks(indexed, order: nil)
        #expect(chosen.isOrdered)
        #expect(chosen.connected.map(\.description) == ["UEFI QEMU QEMU HARDDISK ", "UEFI QEMU NVMe Ctrl abc 1"])
        let item = Array("/pci@i0cf8/pci8086,5845@4/namespace@1,0\n/pci@i0cf8/scsi@1/disk@0,0\0".utf8)
        let named = try BootDisks(all, order: item)
        #expect(named.connected.map(\.description) == ["UEFI QEMU NVMe Ctrl abc 1", "UEFI Misc Device"])
        #expect(try !BootDisks(all, order: Array("/rom@genroms/linuxboot_dma.bin\0".utf8)).isOrdered)
    }

    @Test("options that would be called the same are numbered") func names() throws {
        let disks = try BootDisks(
            [
                Disk(slot: 5), Disk(kind: .nvme, slot: 4, serial: "abc"), Disk(slot: 1),
                Disk(kind: .nvme, slot: 2, serial: "abc"),
            ], order: nil)
        #expect(
            disks.connected.map(\.description) == [
                "UEFI Misc Device", "UEFI QEMU NVMe Ctrl abc 1", "UEFI QEMU NVMe Ctrl abc 1 2", "UEFI Misc Device 2",
            ])
    }

    @Test("what QEMU would refuse, or no rule covers, is refused") func refused() {
        let cases: [[Disk]] = [
            [Disk(slot: 1), Disk(slot: 1)], [Disk(slot: 1, bootIndex: 0), Disk(slot: 2, bootIndex: 0)],
            [Disk(kind: .nvme, slot: 1)], [Disk(kind: .nvme, slot: 1, serial: "a b")],
            [Disk(kind: .nvme, slot: 1, serial: String(repeating: "x", count: 21))],
        ]
        for disks in cases { #expect(throws: MeasurementInputError.self) { try BootDisks(disks, order: nil) } }
    }
}
