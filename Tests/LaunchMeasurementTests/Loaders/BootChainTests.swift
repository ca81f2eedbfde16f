import Bytes
import DiskFormats
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

/// A partition with programs made for the test, and the events of a boot from it.
struct BootSample {
    var files: [String: [UInt8]] = [:]
    var variables: [VariableStore.Variable] = []
    var smbios: SMBIOSTable?
    var hasExtendedPartition = false

    /// A program whose section `.sdmagic` names it.
    static func loader(_ version: Int) -> [UInt8] {
        PEFile(sections: [
            .init(name: ".text", data: [1]),
            .init(name: ".sdmagic", data: Array("#### LoaderInfo: systemd-boot \(version).1-1 ####\0".utf8)),
        ]).bytes
    }

    /// A kernel by its setup header, which lies in the room of the DOS stub.
    static let kernel: [UInt8] = {
        var file = PEFile(sections: [.init(name: ".text", data: [2])]).bytes
        file.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        return file
    }()

    static func unified(_ release: String, stub: Int = 257) -> [UInt8] {
        PEFile(sections: [
            .init(name: ".sdmagic", data: Array("#### LoaderInfo: systemd-stub \(stub).1 ####\0".utf8)),
            .init(name: ".osrel", data: Array(release.utf8)), .init(name: ".cmdline", data: Array("quiet".utf8)),
            .init(name: ".linux", data: kernel), .init(name: ".initrd", data: [9]),
        ]).bytes
    }

    func events(_ platform: MachineBoot.Platform = .tpm) throws -> [MeasuredEvent] {
        var tree = FileTree()
        for (path, bytes) in files {
            var folder = FileTree.Path(path).parent
            while folder != .root {
                tree[folder] = .init(.directory, mode: 0)
                folder = folder.parent
            }
            tree[.init(path)] = .init(.file(.bytes(bytes)), mode: 0)
        }
        var boot = MachineBoot(
            platform: platform, layout: EventLayout(release: 202502), traits: nil,
            variables: VariableStore(variables: variables), start: .volume, items: [:],
            contents: EventContents(algorithms: [.sha256]))
        boot.smbios = smbios
        boot.volume = try BootVolume(
            tree, serial: 0x1234_5678, hasExtendedPartition: hasExtendedPartition)
        let events = try boot.events(exit: .first)
        let start = try #require(events.lastIndex { $0.type == .separator })
        return Array(events[(start + 1)...].dropLast(2))
    }

    /// Register and what was hashed, as text: `5 loader.conf`.
    func list(_ platform: MachineBoot.Platform = .tpm) throws -> [String] {
        try events(platform).map { "\($0.pcr) \($0.name)" }
    }
}

@Suite("systemd-boot on a disk")
struct SystemdBootTests {
    private var sample: BootSample {
        var sample = BootSample()
        sample.files = [
            "EFI/BOOT/BOOTX64.EFI": BootSample.loader(257),
            "loader/loader.conf": Array("timeout 0\ndefault b*\n".utf8),
            "loader/entries/a.conf": Array("linux /vmlinuz\noptions a\n".utf8),
            "loader/entries/b.conf": Array("linux /vmlinuz\ninitrd /i1\ninitrd /i2\noptions é x\n".utf8),
            "vmlinuz": BootSample.kernel, "i1": [1, 2, 3], "i2": [4, 5],
        ]
        return sample
    }

    @Test("an entry of type 1: configuration, kernel, options twice, padded initrds")
    func typeOne() throws {
        let events = try sample.events()
        #expect(
            events.map { "\($0.pcr) \($0.name)" } == [
                "4 systemd-boot 257", "5 loader.conf", "4 kernel image", "12 command line of b.conf",
                "9 kernel command line", "9 initrd",
            ])
        #expect(events[1].data?.hex == "2a58bcf518000000" + Array("loader.conf\0".utf16).map { hex($0) }.joined())
        #expect(events[1].digests == [.of(Array("timeout 0\ndefault b*\n".utf8), .sha256)])
        var line = ByteWriter()
        line.append(utf16: "initrd=\\i1 initrd=\\i2 é x\0")
        #expect(events[3].digests == [.of(line.bytes, .sha256)] && events[3].data == line.bytes)
        #expect(events[4].digests == events[3].digests)
        #expect(events[5].digests == [.of([1, 2, 3, 0, 4, 5], .sha256)])
    }

    private func hex(_ unit: UInt16) -> String { [UInt8(unit & 0xFF), UInt8(unit >> 8)].hex }

    @Test("without a default the first of the order starts")
    func order() throws {
        var sample = sample
        sample.files["loader/loader.conf"] = nil
        #expect(try sample.list().contains("12 command line of b.conf"))
        sample.files["loader/entries/0.conf"] = Array("sort-key a\nlinux /vmlinuz\noptions 0\n".utf8)
        #expect(
            try sample.list() == [
                "4 systemd-boot 257", "4 kernel image", "12 command line of 0.conf", "9 kernel command line",
            ])
        sample.files["EFI/Linux/u.efi"] = BootSample.unified("NAME=x\nIMAGE_ID=0\n")
        #expect(
            try sample.list().prefix(3) == ["4 systemd-boot 257", "4 unified kernel image", "11 section name .linux"])
    }

    @Test("a type 2 entry without a system's name, and what is no image, do not count")
    func passedOver() throws {
        var sample = sample
        sample.files["EFI/Linux/u.efi"] = BootSample.unified("VERSION=1\n")
        sample.files["EFI/Linux/v.efi"] = [1, 2, 3]
        sample.files["loader/entries/c.conf"] = Array("linux /gone\nsort-key 0\n".utf8)
        sample.files["loader/entries/auto-x.conf"] = Array("linux /vmlinuz\nsort-key 0\n".utf8)
        #expect(try sample.list().contains("12 command line of b.conf"))
    }

    @Test("252 measures no configuration, and 257 measures it in no TD")
    func versions() throws {
        var sample = sample
        #expect(try !sample.list(.td).contains("5 loader.conf"))
        sample.files["i1"] = [1, 2, 3, 4]
        sample.files["EFI/BOOT/BOOTX64.EFI"] = BootSample.loader(252)
        #expect(try !sample.list().contains("5 loader.conf"))
        sample.files["EFI/BOOT/BOOTX64.EFI"] = BootSample.loader(262)
        sample.smbios = SMBIOSTable([.init(formatted: [1, 27, 0, 0] + .init(repeating: 7, count: 23), strings: [])])
        #expect(try sample.list().prefix(3) == ["4 systemd-boot 262", "1 SMBIOS type 1", "5 loader.conf"])
        let unknown = try sample.events(.td).filter { $0.digests.isEmpty }
        #expect(unknown.map(\.name) == ["SMBIOS structures", "loader.conf"])
    }

    @Test("the stub after a loader that measured SMBIOS leaves it out")
    func smbiosOnce() throws {
        var sample = sample
        sample.smbios = SMBIOSTable([.init(formatted: [1, 27, 0, 0] + .init(repeating: 7, count: 23), strings: [])])
        sample.files["EFI/BOOT/BOOTX64.EFI"] = BootSample.loader(262)
        sample.files["loader/loader.conf"] = Array("default u.efi".utf8)
        sample.files["EFI/Linux/u.efi"] = BootSample.unified("NAME=x\nID=x\n", stub: 262)
        #expect(try sample.list().filter { $0 == "1 SMBIOS type 1" }.count == 1)
    }

    @Test("SMBIOS strings lengthen the command line outside a TD")
    func extra() throws {
        var sample = sample
        let strings = [Array("io.systemd.boot.kernel-cmdline-extra=more".utf8)]
        sample.smbios = SMBIOSTable([.init(formatted: [11, 5, 0, 0, 1], strings: strings)])
        var line = ByteWriter()
        line.append(utf16: "initrd=\\i1 initrd=\\i2 é x more\0")
        #expect(try sample.events().first { $0.pcr == 12 }?.data == line.bytes)
        #expect(try sample.events(.td).first { $0.pcr == 12 }?.data != line.bytes)
    }

    /// Each of these leaves every register of the boot without a value, and says why.
    @Test(
        "what cannot be told is named",
        arguments: [
            ("loader/loader.conf", "preferred a.conf\n", "preferred"),
            ("loader/entries/b.conf", "uki /x.efi\n", "uki"), ("loader/keys/auto/db.auth", "x", "loader/keys"),
            ("EFI/systemd/drivers/fsx64.efi", "x", "driver"),
            ("loader/entries/b.conf", "linux /vmlinuz\ndevicetree /x\n", "devicetree"),
            ("loader/entries/b.conf", "linux /vmlinuz\ninitrd /gone\n", "initrd"),
            ("loader/entries/b.conf", "efi /vmlinuz\n", "efi"), ("loader/entries/b.conf", "linux /i1\n", ""),
            ("loader/entries/b.conf", "linux /vmlinuz\noptions \u{1F600}\n", "characters"),
            ("EFI/BOOT/BOOTX64.EFI", "", ""),
        ])
    func unknown(_ path: String, _ text: String, _ reason: String) throws {
        var sample = sample
        sample.files[path] = Array(text.utf8)
        do {
            let missing = try sample.events().filter { $0.digests.isEmpty }
            #expect(Set(missing.map(\.pcr)).isSuperset(of: [1, 4, 5, 7, 8, 9, 11, 12, 13, 14]))
            #expect(missing.allSatisfy { $0.origin.contains(reason) }, "\(missing.first?.origin ?? "")")
        } catch let error as any ExplainedError {
            #expect(["", "efi"].contains(reason), "\(error)")
        }
    }

    @Test("variables, another partition and an empty menu leave the choice open")
    func openChoice() throws {
        var sample = sample
        let vendor = try #require(GUID("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"))
        sample.variables = [.init(vendor: vendor, name: "LoaderEntryDefault", attributes: 7, data: [0x61, 0, 0, 0])]
        #expect(try sample.events().first { $0.digests.isEmpty }?.origin.contains("LoaderEntryDefault") == true)
        sample.variables = []
        sample.hasExtendedPartition = true
        #expect(try sample.events().first { $0.digests.isEmpty }?.origin.contains("XBOOTLDR") == true)
        sample.hasExtendedPartition = false
        sample.files = ["EFI/BOOT/BOOTX64.EFI": BootSample.loader(257)]
        #expect(try sample.events().first { $0.digests.isEmpty }?.origin.contains("menu") == true)
    }

    @Test("a unified kernel image alone, another program, and nothing at all")
    func otherPrograms() throws {
        var sample = BootSample()
        sample.files["efi/boot/BootX64.efi"] = BootSample.unified("ID=x\n")
        #expect(try sample.list().prefix(2) == ["4 unified kernel image", "11 section name .linux"])
        sample.files["efi/boot/BootX64.efi"] = PEFile(sections: [.init(name: ".text", data: [1])]).bytes
        #expect(try sample.list().prefix(2) == ["4 boot program", "1 boot program"])
        sample.files = ["x": []]
        #expect(throws: MeasurementInputError.self) { try sample.list() }
    }

    @Test("damaged programs and configurations give events or errors, never a trap")
    func damage() throws {
        let seed: UInt64 = 90
        var random = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            var sample = sample
            sample.files["EFI/Linux/u.efi"] = BootSample.unified("NAME=x\nID=x\n")
            for path in sample.files.keys.sorted() where Bool.random(using: &random) {
                for _ in 0..<3 {
                    guard let count = sample.files[path]?.count, count > 0 else { continue }
                    sample.files[path]?[Int.random(in: 0..<count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
            }
            do { _ = try sample.list() } catch { #expect(error is any ExplainedError, "seed \(seed): \(error)") }
        }
    }
}
