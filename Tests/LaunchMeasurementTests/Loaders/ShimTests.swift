import Bytes
import DiskFormats
import Files
import Firmware
import Hashing
import TestSupport
import Testing

@testable import LaunchMeasurement

/// Programs with the marks of shim and GRUB, made for tests.
enum ShimSample {
    static let level = "sbat,1,2025021800\nshim,4\n"

    /// A PE file whose long section names stand in a string table behind it.
    static func program(_ sections: [(name: String, data: [UInt8])]) -> [UInt8] {
        var names: [UInt8] = []
        var short: [PEFile.Section] = []
        for (name, data) in sections {
            if name.utf8.count <= 8 {
                short.append(.init(name: name, data: data))
            } else {
                short.append(.init(name: "/\(4 + names.count)", data: data))
                names += Array(name.utf8) + [0]
            }
        }
        var file = PEFile(sections: short)
        var table = ByteWriter()
        table.append(UInt32(4 + names.count))
        table.append(names)
        file.symbolTable = UInt32(file.bytes.count)
        file.overlay = table.bytes
        return file.bytes
    }

    static func shim(
        version: String = "16.1", vendor: String = "shim.debian", certificate: [UInt8] = [0x30, 1, 2],
        refused: [UInt8] = []
    ) -> [UInt8] {
        var table = ByteWriter()
        for field in [certificate.count, refused.count, 16, 16 + certificate.count] { table.append(UInt32(field)) }
        table.append(certificate + refused)
        var levels = ByteWriter()
        for field: UInt32 in [0, 8, 8] { levels.append(field) }
        levels.append(Array(level.utf8) + [0])
        return program([
            (".text", [1]), (".data.ident", Array("UEFI SHIM\n$Version: \(version) $\n".utf8)),
            (".sbatlevel", levels.bytes), (".vendor_cert", table.bytes),
            (".sbat", Array("sbat,1,x,sbat,1,u\nshim,4,UEFI shim,shim,1,u\n\(vendor),1,D,shim,16.1,u\n".utf8)),
        ])
    }

    /// A module of GRUB: an ELF64 file with one section that names it.
    static func module(_ name: String) -> [UInt8] {
        var elf = ByteWriter()
        elf.append([0x7F, 0x45, 0x4C, 0x46, 2, 1])
        elf.append(repeating: 0, count: 0x28 - 6)
        elf.append(UInt64(0x80))
        elf.append(repeating: 0, count: 0x3A - 0x30)
        for field: UInt16 in [64, 2, 0] { elf.append(field) }
        elf.append(Array(".modname\0".utf8))
        elf.append(Array(name.utf8) + [0])
        elf.append(repeating: 0, count: 0x80 - elf.count)
        for (label, place, size) in [(8, 0x40, 9), (0, 0x49, name.utf8.count + 1)] {
            elf.append(UInt32(label))
            elf.append(repeating: 0, count: 20)
            for field in [place, size] { elf.append(UInt64(field)) }
            elf.append(repeating: 0, count: 24)
        }
        return elf.bytes
    }

    static func grub(
        version: String = "2.12-9", modules: [String] = ["linux", "part_gpt"], configuration: Bool = false
    )
        -> [UInt8]
    {
        var objects = ByteWriter()
        var list: [(UInt32, [UInt8])] = modules.map { (0, module($0)) }
        list.append((3, Array("/EFI/debian\0".utf8)))
        if configuration { list.append((2, [0])) }
        for (type, body) in list {
            objects.append(type)
            objects.append(UInt32(8 + body.count))
            objects.append(body)
        }
        var mods = ByteWriter()
        mods.append(Array("mimg".utf8) + [0, 0, 0, 0])
        mods.append(UInt64(24))
        mods.append(UInt64(24 + objects.count))
        mods.append(objects.bytes)
        return program([
            (".text", [1]), ("mods", mods.bytes),
            (".sbat", Array("sbat,1,x,sbat,1,u\ngrub,5,F,grub,2.12,u\ngrub.debian,5,D,grub2,\(version),u\n".utf8)),
        ])
    }
}

@Suite("shim and GRUB on a disk")
struct ShimTests {
    private var sample: BootSample {
        var sample = BootSample()
        sample.files = [
            "EFI/BOOT/BOOTX64.EFI": ShimSample.shim(), "EFI/BOOT/grubx64.efi": ShimSample.grub(),
            "EFI/debian/grub.cfg": Array("set timeout=0\nmenuentry 'A b' { linux /k a \"b c\"\ninitrd /i /j }\n".utf8),
            "k": BootSample.kernel, "i": [1, 2, 3], "j": [4],
        ]
        return sample
    }

    private func configured(_ text: String) -> BootSample {
        var sample = sample
        sample.files["EFI/debian/grub.cfg"] = Array(text.utf8)
        return sample
    }

    /// The order and names as Debian's shim 16.1 and GRUB 2.12 left them in recorded boots.
    @Test("every event from shim to the kernel")
    func events() throws {
        let events = try sample.events()
        #expect(
            events.map { "\($0.pcr) \($0.name)" } == [
                "4 shim", "14 MokList", "14 MokListX", "7 shim's SbatLevel", "14 MokListTrusted", "4 GRUB",
                "9 file (hd0,gpt1)/EFI/debian/grub.cfg", "9 file (hd0,gpt1)/EFI/debian/grub.cfg",
                "8 grub_cmd: set timeout=0", "8 grub_cmd: menuentry A b { linux /k a \"b c\"\ninitrd /i /j }",
                "8 grub_cmd: setparams A b", "8 grub_cmd: linux /k a b c", "9 file /k",
                "8 kernel_cmdline: /k a \"b c\"", "8 grub_cmd: initrd /i /j", "9 file /i", "9 file /j",
                "9 kernel command line", "9 initrd",
            ])
        let owner = "50ab5d6046e00043abb63dd810dd8b23"
        let list = "a159c0a5e494a74a87b5ab155c2bf0722f0000000000000013000000" + owner + "300102"
        let nothing =
            "2616c4c14c509240aca941f9369343284c0000000000000030000000" + owner + Digest.of([], .sha256).hex
        for (index, hex) in [(1, list), (2, nothing), (4, "01")] {
            #expect(events[index].digests == [.of(bytes(hex), .sha256)], "\(events[index].name)")
        }
        let level = owner + "09000000000000001200000000000000" + "53006200610074004c006500760065006c00"
        #expect(events[3].data?.hex == level + Array("sbat,1,2021030218\n".utf8).hex)
        #expect(events[8].data == Array("grub_cmd: set timeout=0\0".utf8))
        #expect(events[8].digests == [.of(Array("set timeout=0".utf8), .sha256)])
        var line = ByteWriter()
        line.append(utf16: "BOOT_IMAGE=/k a \"b c\"")
        #expect(events[17].digests == [.of(line.bytes, .sha256)])
        #expect(events[18].digests == [.of([1, 2, 3, 0, 4], .sha256)])
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { index in
            UInt8(hex.dropFirst(index).prefix(2), radix: 16)
        }
    }

    @Test("in a TD GRUB 2.12 measures nothing, shim and the kernel do")
    func domain() throws {
        #expect(
            try sample.list(.td) == [
                "4 shim", "14 MokList", "14 MokListX", "7 shim's SbatLevel", "14 MokListTrusted", "4 GRUB",
                "9 kernel command line", "9 initrd",
            ])
    }

    @Test("configurations that call others, search, and start without a menu")
    func chained() throws {
        var sample = configured("search.fs_uuid 1234-5678 root\nset prefix=($root)'/b'\nconfigfile $prefix/g.cfg\n")
        sample.files["b/g.cfg"] = Array("insmod part_gpt\nsearch --file --set=r /k\nlinux ($r)/k\nboot\n".utf8)
        #expect(
            try sample.list().dropFirst(8) == [
                "8 grub_cmd: search.fs_uuid 1234-5678 root", "8 grub_cmd: set prefix=(hd0,gpt1)/b",
                "8 grub_cmd: configfile (hd0,gpt1)/b/g.cfg", "9 file (hd0,gpt1)/b/g.cfg", "8 grub_cmd: insmod part_gpt",
                "8 grub_cmd: search --file --set=r /k", "9 file (hd0,gpt1)/k", "8 grub_cmd: linux (hd0,gpt1)/k",
                "9 file (hd0,gpt1)/k", "8 kernel_cmdline: (hd0,gpt1)/k", "8 grub_cmd: boot", "9 kernel command line",
            ])
    }

    @Test(
        "the default entry by number, identifier and title",
        arguments: [("1", "b"), ("9", "a"), ("two", "b"), ("B", "b"), ("x", "a"), ("", "a")])
    func defaultEntry(_ value: String, _ started: String) throws {
        let text = """
            set default="\(value)"
            set timeout=3
            menuentry A --id one { linux /k a }
            menuentry B --id=two --class x --unrestricted { linux /k b$default }
            """
        #expect(try configured(text).list().contains("8 kernel_cmdline: /k \(started)"))
    }

    /// Each ends with registers that have no value, and a reason that says where.
    @Test(
        "what of a configuration is not computed is named",
        arguments: [
            ("load_env\n", "line 1: 'load_env'"), ("true\nif true; then\n", "line 2: 'if'"), ("linux /gone\n", "/gone"),
            ("set prefix=(hd1)/x\n", "prefix"), ("insmod btrfs\n", "insmod btrfs"),
            ("terminal_output gfxterm\n", "console"),
            ("search --label x\n", "search"), ("search --fs-uuid --set=root 11-22\n", "11-22"),
            ("chainloader /x\n", "chainloader"),
            ("linux /i\n", ""), ("initrd /i\n", "initrd"), ("linux /k\n", "without a kernel"),
            ("true\n", "without a kernel"),
            ("menuentry a { linux /k }\n", "timeout"), ("set timeout=-1\nmenuentry a { linux /k }\n", "timeout"),
            ("set timeout=0\nsubmenu a { true }\n", "submenu"), ("set timeout=0\nmenuentry a { true }\n", "no kernel"),
            ("set timeout=0\nset default='a>b'\nmenuentry a { linux /k }\n", "submenu"), ("set lang=de\n", "lang"),
            ("configfile /EFI/debian/grub.cfg\n", "deep"), ("source /gone\n", "/gone"),
            ("linux /k \u{E9}\nboot\n", "ASCII"),
            ("set timeout=0\nmenuentry a { echo $timeout }\n", "'timeout'"),
            ("menuentry a --source=x { true }\n", "--source"), ("set\n", "set"), ("linux /k\nlinux /k\n", "second"),
        ])
    func notComputed(_ text: String, _ reason: String) throws {
        do {
            let missing = try configured(text).events().filter { $0.digests.isEmpty }
            #expect(Set(missing.map(\.pcr)).isSuperset(of: [4, 5, 7, 8, 9, 11, 12, 14]))
            #expect(missing.first?.origin.contains(reason) == true, "\(missing.first?.origin ?? "none")")
        } catch let error as any ExplainedError { #expect(reason.isEmpty, "\(error)") }
    }

    @Test("other builds, files and variables that change what shim and GRUB do")
    func circumstances() throws {
        func reason(_ change: (inout BootSample) -> Void) throws -> String {
            var sample = sample
            change(&sample)
            return try sample.events().first { $0.digests.isEmpty }?.origin ?? ""
        }
        let path = "EFI/BOOT/BOOTX64.EFI"
        #expect(try reason { $0.files[path] = ShimSample.shim(version: "15.8") }.contains("16.1"))
        #expect(try reason { $0.files[path] = ShimSample.shim(vendor: "shim.other") }.contains("shim.other"))
        #expect(try reason { $0.files[path] = ShimSample.shim(certificate: [0xA1]) }.contains("database"))
        #expect(try reason { $0.files["EFI/BOOT/fbx64.efi"] = [1] }.contains("fbx64"))
        #expect(try reason { $0.files["EFI/BOOT/grubx64.efi"] = nil }.contains("grubx64"))
        #expect(try reason { $0.files["EFI/BOOT/grubx64.efi"] = BootSample.kernel }.contains("no GRUB"))
        #expect(try reason { $0.files["EFI/BOOT/grubx64.efi"] = ShimSample.grub(version: "2.14-4") }.contains("2.12"))
        #expect(
            try reason { $0.files["EFI/BOOT/grubx64.efi"] = ShimSample.grub(configuration: true) }.contains("inside"))
        #expect(try reason { $0.files["EFI/debian/grub.cfg"] = nil }.contains("grub.cfg"))
        #expect(try reason { $0.files["EFI/debian/x86_64-efi/command.lst"] = [1] }.contains("command.lst"))
        #expect(
            try reason {
                $0.variables = [.init(vendor: ShimImage.vendorGUID, name: "MokList", attributes: 3, data: [1])]
            }.contains("MokList"))
    }

    @Test("damaged programs and configurations give events or errors, never a trap")
    func damage() throws {
        let seed: UInt64 = 91
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var sample = sample
            for path in sample.files.keys.sorted() where Bool.random(using: &random) {
                guard let count = sample.files[path]?.count, count > 0 else { continue }
                for _ in 0..<4 {
                    sample.files[path]?[Int.random(in: 0..<count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
            }
            do { _ = try sample.list() } catch { #expect(error is any ExplainedError, "seed \(seed): \(error)") }
        }
    }
}
