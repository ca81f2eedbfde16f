import Bytes
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

@Suite("Several machines of a vTPM profile") struct VTPMMachinesTests {
    /// A unified kernel image and a disk, made by rule.
    private func artifacts(_ folder: borrowing TemporaryFolder) throws -> BootArtifacts {
        let kernel = PEFile(sections: [.init(name: ".text", data: [UInt8](repeating: 0x90, count: 1000))])
        let image = PEFile(sections: [
            .init(name: ".text", data: [1, 2, 3]), .init(name: ".osrel", data: Array("ID=test\n".utf8)),
            .init(name: ".cmdline", data: Array("quiet".utf8)), .init(name: ".linux", data: kernel.bytes),
            .init(name: ".initrd", data: [4, 5, 6]),
        ])
        var disk = ByteWriter()
        disk.append(repeating: 0, count: 512)
        disk.append(text: "EFI PART")
        disk.append(repeating: 0, count: 64)
        disk.append(UInt64(2))
        disk.append(UInt32(4))
        disk.append(UInt32(128))
        disk.append(repeating: 0, count: 1024 - disk.count)
        disk.append(repeating: 0x11, count: 128)
        disk.append(repeating: 0, count: 4096 - disk.count)
        return BootArtifacts(paths: [
            "uki.efi": try folder.write("uki.efi", image.bytes), "disk.raw": try folder.write("disk.raw", disk.bytes),
        ])
    }

    @Test(
        "each gives what it gives alone, with its axes and its events",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set or dpkg-deb is not installed"))
    func machines() throws {
        let (profile, blobs) = try ShippedProfileTests.load("qemu-vtpm-ovmf-2026.08")
        let firmware = try PoolPackage(profile.firmware.package, version: profile.firmware.version).contents(
            profile.firmware.path)
        let folder = try TemporaryFolder()
        let artifacts = try artifacts(folder)
        let shape = ACPIMachineShape(processors: 4, memory: 2 << 30)
        var changed = blobs
        changed["etc/acpi/tables"]?[200] ^= 1
        let machines = [ProfileMachine(blobs: blobs), ProfileMachine(blobs: changed, shape: shape)]
        let both = try VTPMMeasurement.measure(
            profile: profile, firmware: firmware, machines: machines, artifacts: artifacts)
        let alone = try [blobs, changed].flatMap {
            try VTPMMeasurement.measure(profile: profile, firmware: firmware, blobs: $0, artifacts: artifacts)
        }
        #expect(both.map(\.registers) == alone.map(\.registers))
        #expect(both.count == 4 && both[2].axes.map(\.value).prefix(2) == ["4", "2G"])
        let differing = zip(both[0].registers, both[2].registers).filter { $0 != $1 }.map(\.0.name)
        #expect(differing == ["PCR1.sha1", "PCR1.sha256", "PCR1.sha384"])
        for point in both {
            for register in point.registers {
                let number = UInt32(register.name.dropFirst(3).prefix { $0 != "." })
                let value = point.events.filter { $0.pcr == number }.compactMap {
                    $0.digest(register.digest.algorithm)
                }.reduce(Digest.zero(register.digest.algorithm)) { $0.extended(by: $1) }
                #expect(value == register.digest, "\(register.name) follows from the events")
            }
        }
    }
}
