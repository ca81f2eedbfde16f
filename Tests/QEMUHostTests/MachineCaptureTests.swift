import Bytes
import Files
import QEMUHost
import TestSupport
import Testing

/// The QEMU on PATH: any version will do for what these tests ask.
private let qemu = "qemu-system-x86_64"

@Suite("Machine capture", .enabled(if: Outside.has(qemu), "qemu-system-x86_64 is not installed"), .serialized)
struct MachineCaptureTests {
    static let machine = [
        "-machine", "q35,smm=off,pic=off,hpet=off", "-accel", "tcg", "-cpu", "qemu64", "-smp", "2", "-m", "512M",
        "-nodefaults",
    ]

    private func capture(_ more: [String], mmio64: UInt64? = nil) throws -> [MachineCapture.Item] {
        try MachineCapture(program: qemu, arguments: Self.machine + more, mmio64: mmio64, firmwareSize: 4 << 20).run()
    }

    @Test("tables have the sizes and marks that firmware sees, and a second capture is the same") func tables() throws {
        let direct = [
            "-bios", "{firmware}", "-kernel", "{kernel}", "-initrd", "{initrd}", "-append", "{cmdline}",
        ]
        let items = try capture(direct)
        let named = Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.bytes) })
        #expect(named["etc/table-loader"]?.count == 4096)
        #expect(named["etc/acpi/rsdp"]?.starts(with: Array("RSD PTR ".utf8)) == true)
        #expect(named["etc/acpi/tables"]?.count == 131_072)
        #expect(named["BootMenu"] == [0, 0])
        #expect(named["bootorder"] == Array("/rom@genroms/linuxboot_dma.bin\0".utf8))
        #expect(named["etc/tpm/log"] == nil)
        let tables = String(decoding: named["etc/acpi/tables"] ?? [], as: UTF8.self)
        #expect(tables.contains("MCFG") && tables.contains("APIC") && !tables.contains("TPM2"))
        #expect(try capture(direct) == items)
    }

    @Test("a machine with a 64-bit BAR needs to be told where it goes") func bars() throws {
        let disk = [
            "-drive", "if=none,id=disk,format=raw,readonly=on,file={disk}", "-device", "virtio-blk-pci,drive=disk",
        ]
        let error = #expect(throws: QEMUError.self) { try capture(disk) }
        #expect(error?.problem.contains("1 64-bit BARs") == true)
        let low = try capture(disk, mmio64: 0x8_0000_0000)
        let high = try capture(disk, mmio64: 0xC0_0000_0000)
        #expect(low.map(\.name) == high.map(\.name))
        // Only the DSDT's 64-bit window moves.
        #expect(zip(low, high).filter { $0 != $1 }.map(\.0.name) == ["etc/acpi/tables"])
    }

    @Test("a machine with a TPM", .enabled(if: Outside.has("swtpm"), "swtpm is not installed")) func tpm() throws {
        let items = try capture([
            "-chardev", "socket,id=tpm,path={tpm}", "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device",
            "tpm-crb,tpmdev=tpm0",
        ])
        #expect(items.first { $0.name == "etc/tpm/log" }?.bytes == [UInt8](repeating: 0, count: 65_536))
        let tables = items.first { $0.name == "etc/acpi/tables" }?.bytes ?? []
        #expect(String(decoding: tables, as: UTF8.self).contains("TPM2"))
    }

    @Test("arguments that QEMU refuses give its own words") func refused() throws {
        let error = #expect(throws: QEMUError.self) { try capture(["-device", "no-such-device"]) }
        #expect(error?.problem.contains("no-such-device") == true)
        #expect(error?.outcome == .environment)
    }

    @Test("a program that is missing is named") func missing() throws {
        let error = #expect(throws: (any Error).self) {
            try MachineCapture(program: "/nowhere/qemu", arguments: [], firmwareSize: 4096).run()
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("/nowhere/qemu"))
    }
}
