import Bytes
import DiskFormats
import Files
import TestSupport
import Testing

@testable import GuestImage

@Suite("comparing builds")
struct BuildDifferenceTests {
    private func measurement(_ value: String) -> String {
        """
        {"platform":"p","points":[{"axes":{"vcpus":"1"},"registers":{"RTMR1":"\(value)","RTMR2":"aa"}},\
        {"axes":{"vcpus":"2"},"registers":{"RTMR1":"bb","RTMR2":"aa"}}],"trace":{"children":[{"children":[\
        {"register":"RTMR1","children":[{"source":{"artifact":"cmdline"}},{"source":{"artifact":"vmlinuz"}}]},\
        {"register":"RTMR2","children":[{"source":{"artifact":"initrd"}}]}]}]}}
        """
    }

    @Test("release and debug differ where the definition says so, and what follows is named as following")
    func variants() throws {
        let sample = try SampleImage()
        let (old, new) = (sample.folder.file("old"), sample.folder.file("new"))
        try sample.builder().build(to: old)
        try sample.builder(.debug).build(to: new)
        let difference = try ImageComparison(old, new).difference()
        #expect(!difference.isEqual)
        #expect(difference.names.old.hasSuffix("(release)") && difference.names.new.hasSuffix("(debug)"))
        #expect(difference.equalArtifacts.contains("vmlinuz"))
        #expect(difference.isUnmeasured)
        let words = try #require(difference.findings.first { $0.artifact == "cmdline" })
        #expect(words.aspects.flatMap(\.details).contains { $0.hasPrefix("-roothash=") })
        let partition = difference.findings.first {
            $0.place == ["partition root-x86-64"] && $0.aspects[0].name == "content"
        }
        #expect(partition?.aspects[0].details == ["as in root.erofs"])
        #expect(
            difference.findings.contains {
                $0.place == ["partition esp", "/EFI/BOOT/BOOTX64.EFI"] && $0.aspects[0].details == ["as in uki.efi"]
            })
    }

    @Test("registers that move are named with the artifacts behind them")
    func registers() throws {
        let sample = try SampleImage()
        for (name, variant, value) in [("old", ImageVariant.release, "01"), ("new", .debug, "02")] {
            try sample.builder(variant).build(to: sample.folder.file(name))
            try sample.folder.write("\(name)/measurements/p.json", Array(measurement(value).utf8))
        }
        let difference = try ImageComparison(sample.folder.file("old"), sample.folder.file("new")).difference()
        #expect(
            difference.registers == [
                .init(platform: "p", register: "RTMR1", points: 1, commonPoints: 2, artifacts: ["cmdline"])
            ])
        #expect(!difference.isUnmeasured)
    }

    @Test("two disks are compared by partition, to the file in a file system and the section in a boot program")
    func disks() throws {
        let sample = try SampleImage()
        for (name, variant) in [("old", ImageVariant.release), ("new", .debug)] {
            try sample.builder(variant).build(to: sample.folder.file(name))
        }
        let difference = try ImageComparison(
            sample.folder.file("old/disk.raw"), sample.folder.file("new/disk.raw")
        ).difference()
        let places = difference.findings.map { $0.place.joined(separator: ", ") }
        #expect(places.contains("partition esp, /EFI/BOOT/BOOTX64.EFI, section .cmdline"))
        #expect(places.contains { $0.hasPrefix("partition root-x86-64, /") })
        #expect(
            difference.findings.contains { finding in
                finding.place == ["partition root-x86-64-verity"] && finding.aspects.contains { $0.name == "salt" }
            })
    }

    @Test("a folder that is no build, and a folder against a file, are refused with what to do")
    func refused() throws {
        let folder = try TemporaryFolder()
        try folder.write("empty/x", [1])
        try folder.write("build/artifacts.json", Array(#"{"image":{},"artifacts":[]}"#.utf8))
        #expect(throws: ImageError.self) { try ImageComparison(folder.file("empty"), folder.file("build")) }
        #expect(throws: ImageError.self) { try ImageComparison(folder.file("build"), folder.file("empty/x")) }
        try folder.write("bad/artifacts.json", Array("[]".utf8))
        #expect(throws: ImageError.self) { try ImageComparison(folder.file("bad"), folder.file("build")) }
    }
}
