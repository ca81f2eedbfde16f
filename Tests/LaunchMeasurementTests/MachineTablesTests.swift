import Firmware
import LaunchMeasurement
import TestSupport
import Testing

@Suite("machine shapes") struct MachineTablesTests {
    @Test("processors and memory of a machine's arguments, and back") func arguments() throws {
        let words = ["-machine", "q35", "-smp", "4", "-m", "2G", "-nodefaults"]
        let shape = try ACPIMachineShape(arguments: words)
        #expect(shape == ACPIMachineShape(processors: 4, memory: 2 << 30))
        let other = ACPIMachineShape(processors: 64, memory: 2816 << 20)
        #expect(other.arguments(like: words) == ["-machine", "q35", "-smp", "64", "-m", "2816M", "-nodefaults"])
        for wrong in [
            ["-smp", "4,maxcpus=8", "-m", "2G"], ["-smp", "4", "-m", "2G,slots=2"], ["-smp", "4"],
            ["-m", "1G", "-smp"],
            ["-smp", "4", "-smp", "2", "-m", "2G"], ["-cpu", "qemu64,+ht", "-smp", "4", "-m", "2G"],
            ["-cpu", "max,ht=off", "-smp", "4", "-m", "2G"],
        ] {
            #expect(throws: ACPIDerivationError.self, "\(wrong)") { try ACPIMachineShape(arguments: wrong) }
        }
    }

    @Test("one memory device of 2 TiB on q35 of QEMU 10 and later, of 16 GiB on others") func devices() {
        let words = ["-machine", "q35,smm=off", "-m", "2G"]
        for version in ["1:11.1.3+ds-1", "10.0.2"] {
            #expect(MachineTables.memoryDevice(version: version, arguments: words) == 2 << 40)
            for other in [["-machine", "pc-q35-9.0"], ["-M", "type=pc"], []] {
                #expect(MachineTables.memoryDevice(version: version, arguments: other) == 16 << 30)
            }
        }
        for version in ["1:7.2+dfsg-7", "9.2", "", ":", "x"] {
            #expect(MachineTables.memoryDevice(version: version, arguments: words) == 16 << 30)
        }
        #expect(MachineTables.memoryDevice(version: "10.0.2", arguments: ["-M", "type=q35"]) == 2 << 40)
    }

    @Test("items that are no tables stay; tables that are none are refused") func items() throws {
        let shape = ACPIMachineShape(processors: 2, memory: 1 << 30)
        let blobs = ["bootorder": [UInt8](repeating: 1, count: 3)]
        #expect(try MachineTables.derived(blobs, from: shape, to: shape, mmio64: nil) == blobs)
        #expect(throws: (any Error).self) {
            try MachineTables.derived([ACPITables.itemName: [1, 2]], from: shape, to: shape, mmio64: nil)
        }
    }
}
