import Bytes
import DiskFormats
import Documents
import Files
import Hashing
import Packages
import TestSupport
import Testing
import Transport
import Verity
import YAMLDocuments

@testable import GuestImage

/// Every file below a directory with its bytes.
private func files(in directory: String) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for name in try FileSystem.filesBelow(directory) {
        result[name] = try InputFile.contents(of: "\(directory)/\(name)")
    }
    return result
}

@Suite("building an image")
struct BuilderTests {
    @Test("two builds in different places are the same, and nothing else is left")
    func identical() throws {
        let sample = try SampleImage()
        let first = try sample.builder().build(to: sample.folder.file("a/one"))
        try sample.builder().build(to: sample.folder.file("b/other"))
        let one = try files(in: sample.folder.file("a/one"))
        #expect(try one == files(in: sample.folder.file("b/other")))
        #expect(one.keys.sorted() == (first.artifacts.map(\.name) + ["artifacts.json"]).sorted())
        #expect(try FileSystem.list(sample.folder.file("a")) == [".one.lock", "one"])
        for artifact in first.artifacts {
            let bytes = try #require(one[artifact.name])
            #expect(artifact.size == bytes.count)
            #expect(artifact.sha256 == Digest.of(bytes, .sha256))
            #expect(artifact.sha384 == Digest.of(bytes, .sha384))
        }
        #expect(
            try CanonicalJSON.parse(one["artifacts.json"] ?? [], source: "artifacts.json").value["commandLine"] != nil)
    }

    @Test("the scripts that were not run are listed, and one that nobody accepts stops the build")
    func scripts() throws {
        let sample = try SampleImage()
        let image = try sample.builder().build(to: sample.folder.file("out"))
        #expect(image.scripts.map(\.ground) == [.definition, .kind])
        #expect(image.scripts.map(\.package) == ["base", "base"])
        let digest = Digest.of(Array("#!/bin/sh\n".utf8), .sha256).hex
        let other = try SampleImage(sampleDefinition.replacing(digest, with: Digest.zero(.sha256).hex))
        let error = #expect(throws: ImageError.self) { try other.builder().build(to: other.folder.file("out")) }
        #expect(error?.description.contains("base postinst, SHA-256") == true)
        #expect(FileSystem.kind(of: other.folder.file("out")) == nil)
    }

    @Test("the parts read back as what went in")
    func parts() throws {
        let sample = try SampleImage()
        let output = sample.folder.file("out")
        let image = try sample.builder().build(to: output)
        let root = try EROFSReader(InputFile(output + "/root.erofs")).tree()
        #expect(root["etc/hostname"]?.mtime == 1_700_000_000)
        #expect(root["srv"]?.mode == 0o1777)
        #expect(root["bin"]?.kind == .symlink(Array("usr/bin".utf8)))
        #expect(root["usr/share/doc/base/copyright"] != nil)
        #expect(root["usr/share/doc/base/changelog"] == nil)
        try VerityTree(image.verity.parameters).verify(
            InputFile(output + "/root.erofs"), tree: InputFile(output + "/root.verity"), treeOffset: 4096,
            root: image.rootHash)
        let words = image.commandLine.split(separator: " ")
        #expect(words.contains("roothash=\(image.rootHash)"))
        #expect(words.contains("quiet"))
        let uki = try PEImage(ByteSource(path: output + "/uki.efi"))
        let section = try #require(uki.section(".cmdline"))
        let text = try uki.contents(of: section)
        #expect(try text.read(at: 0, count: text.count, "cmdline") == Array(image.commandLine.utf8))
    }

    @Test("the disk holds the parts in partitions named after the root hash")
    func disk() throws {
        let sample = try SampleImage()
        let output = sample.folder.file("out")
        let image = try sample.builder().build(to: output)
        let disk = try InputFile(output + "/disk.raw")
        let table = try GPT(reading: disk)
        #expect(table.partitions.map(\.name) == ["esp", "root-x86-64", "root-x86-64-verity"])
        let halves = try #require(GUID.halves(ofRootHash: image.rootHash.bytes))
        #expect(table.partitions.map(\.guid).dropFirst() == [halves.data, halves.hash])
        for (partition, name) in zip(table.partitions.dropFirst(), ["root.erofs", "root.verity"]) {
            let part = try InputFile.contents(of: "\(output)/\(name)")
            #expect(try disk.read(at: partition.range.lowerBound, count: part.count) == part)
        }
        let range = table.partitions[0].range
        try sample.folder.write("esp", disk.read(at: range.lowerBound, count: range.count))
        let tree = try FATReader(InputFile(sample.folder.file("esp"))).tree()
        guard case .file(let content)? = tree["EFI/BOOT/BOOTX64.EFI"]?.kind else { throw TestFailure("no UKI") }
        #expect(try content.bytes(limit: 1 << 24) == InputFile.contents(of: output + "/uki.efi"))
    }

    @Test("the file map leads to a file's bytes in the root")
    func map() throws {
        let sample = try SampleImage()
        let output = sample.folder.file("out")
        let image = try sample.builder().build(to: output)
        let big = try #require(image.files.first { $0.path == "var/big" })
        let root = try InputFile(output + "/root.erofs")
        let bytes = try big.ranges.flatMap { try root.read(at: $0.lowerBound, count: $0.count) }
        #expect(bytes == (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
    }

    @Test("the debug variant has another root hash and says what it is")
    func debug() throws {
        let sample = try SampleImage()
        let release = try sample.builder().build(to: sample.folder.file("out"))
        let debug = try sample.builder(.debug).build(to: sample.folder.file("out-debug"))
        #expect(release.rootHash != debug.rootHash)
        #expect(debug.document["image"]?["variant"] == .string("debug"))
        #expect(debug.commandLine.contains(" quiet debug "))
    }

    @Test("a failed build leaves the old output and nothing beside it; the next removes what a killed one left")
    func failure() throws {
        let sample = try SampleImage()
        let output = sample.folder.file("x/out")
        try sample.builder().build(to: output)
        let before = try files(in: output)
        var damaged = try InputFile.contents(of: sample.pool + "/tool.deb")
        damaged[damaged.count / 2] ^= 1
        try sample.folder.write("pool/tool.deb", damaged)
        let error = #expect(throws: FileUnavailable.self) { try sample.builder().build(to: output) }
        #expect(error?.description.contains("tool") == true)
        #expect(try files(in: output) == before)
        #expect(try FileSystem.list(sample.folder.file("x")) == [".out.lock", "out"])
    }

    @Test("nothing but an earlier build is replaced: other directories, files and an empty name are refused")
    func replaceable() throws {
        let sample = try SampleImage()
        let path = try sample.folder.write("precious/file", [1])
        let folder = sample.folder.file("precious")
        for output in [folder, folder + "/", path, ""] {
            #expect(throws: ImageError.self) { try sample.builder().build(to: output) }
        }
        #expect(try InputFile.contents(of: path) == [1])
        #expect(try FileSystem.list(folder) == ["file"])
        let empty = sample.folder.file("empty")
        try FileSystem.makeDirectory(empty)
        for _ in 0..<2 { try sample.builder().build(to: empty) }
    }

    @Test("a lock made for another definition is refused")
    func staleLock() throws {
        let sample = try SampleImage()
        var builder = sample.builder()
        builder.definition.root.packages.append("other")
        #expect(throws: PackageError.self) { try builder.build(to: sample.folder.file("out")) }
    }

    @Test("the bill of materials names packages with files in the image, and every text is canonical")
    func documents() throws {
        let sample = try SampleImage()
        let output = sample.folder.file("out")
        try sample.builder().build(to: output)
        let bytes = try InputFile.contents(of: output + "/sbom.spdx.json")
        let bill = try CanonicalJSON.parse(bytes, source: "sbom").value
        guard case .array(let packages)? = bill["packages"] else { throw TestFailure("no packages") }
        #expect(
            packages.map { $0.value["name"] }
                == ["sample", "base", "linux-image-test", "systemd-boot-efi", "tool"].map { .string($0) })
        #expect(bill["creationInfo"]?["created"] == .string("2023-11-14T22:13:20Z"))
        let provenance = try InputFile.contents(of: output + "/provenance.json")
        #expect(try CanonicalJSON.parse(provenance, source: "provenance").value["predicateType"] != nil)
    }

    @Test(
        "times are written by the Gregorian calendar",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (1_793_491_200, "2026-11-01T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
        ])
    func times(seconds: Int64, expected: String) {
        #expect(timestamp(seconds) == expected)
    }
}

@Suite("images/minimal", .enabled(if: Outside.pool != nil, "ASSAY_POOL is not set"))
struct MinimalImageTests {
    @Test("builds from the pool, and erofs-utils and veritysetup agree with it")
    func build() throws {
        let folder = try TemporaryFolder()
        let source = "images/minimal"
        let definition = try ImageDefinition(
            YAMLReader.parse(InputFile.contents(of: source + "/image.yaml"), source: "image.yaml"))
        let lock = try LockFolder(source).require()
        let builder = ImageBuilder(
            definition: definition, lock: lock, lockDigest: .zero(.sha256),
            overlays: try OverlayFiles(of: definition, in: source), sources: PackageSources(pools: [Outside.pool ?? ""])
        )
        let image = try builder.build(to: folder.file("out"))
        let root = folder.file("out/root.erofs")
        if Outside.has("fsck.erofs") { #expect(try Subprocess("fsck.erofs", [root]).run().status == 0) }
        if Outside.has("veritysetup") {
            let words = ["verify", root, folder.file("out/root.verity"), image.rootHash.hex]
            #expect(try Subprocess("veritysetup", words).run().status == 0)
        }
    }
}
