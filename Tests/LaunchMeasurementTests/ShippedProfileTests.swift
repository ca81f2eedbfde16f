import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing
import Trace
import YAMLDocuments

/// The shipped profiles whose values come from events.
@Suite("Shipped TDX and vTPM profiles") struct ShippedProfileTests {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    static func load(_ name: String) throws -> (profile: PlatformProfile, blobs: [String: [UInt8]]) {
        let folder = "\(root)/measurements/platforms/\(name)"
        let bytes = try InputFile.contents(of: folder + "/profile.yaml")
        let profile = try PlatformProfile(YAMLReader.parse(bytes, source: name))
        var blobs: [String: [UInt8]] = [:]
        for pin in profile.blobs {
            let blob = try InputFile.contents(of: folder + "/" + pin.file)
            #expect(Digest.of(blob, .sha256) == pin.sha256 && blob.count == pin.size, "\(pin.file)")
            blobs[pin.name] = blob
        }
        return (profile, blobs)
    }

    /// Every node's digest again from the bytes that it names.
    private func check(_ node: TraceNode, _ sources: [String: [UInt8]]) throws -> Int {
        var checked = 0
        func bytes(_ part: TraceNode) throws -> [UInt8] {
            let bytes: [UInt8]
            switch part.source {
            case .literal(let literal): bytes = literal
            case .zeros(let count): bytes = [UInt8](repeating: 0, count: count)
            case .range(let name, let offset, let count):
                guard let whole = sources[name] else { throw TestFailure("the trace names '\(name)'") }
                bytes = Array(whole[offset..<offset + count])
            case nil: return []
            }
            // Every text here is ASCII, for which both encodings are the same.
            return part.details.contains { $0.name == "encoding" } ? bytes.flatMap { [$0, 0] } : bytes
        }
        guard let digest = node.digest else { return try node.children.reduce(0) { try $0 + check($1, sources) } }
        switch node.operation {
        case .hash:
            #expect(Digest.of(try bytes(node), digest.algorithm) == digest, "\(node.id) \(node.name)")
            checked = 1
        case .concatenation:
            let whole = try node.children.flatMap { try bytes($0) }
            #expect(Digest.of(whole, digest.algorithm) == digest, "\(node.id) \(node.name)")
            checked = 1
        case .extend:
            var value = Digest.zero(digest.algorithm)
            for child in node.children {
                checked += try check(child, sources)
                value = value.extended(by: try #require(child.digest))
            }
            #expect(value == digest, "\(node.id)")
        case .group, .chain: break
        }
        return checked
    }

    @Test("both decode, and their document says every rule") func decode() throws {
        let tdx = try Self.load("qemu-tdx-inteltdx-2026.08")
        let vtpm = try Self.load("qemu-vtpm-ovmf-2026.08")
        #expect(tdx.blobs.count == 3 && vtpm.blobs.count == 3)
        #expect(tdx.profile.rules.count == 11 && vtpm.profile.rules.count == 10)
        #expect(try tdx.profile.digest() != vtpm.profile.digest())
        #expect(tdx.profile.document["tdx"]?["bootOptions"]?["order"] != nil)
    }

    @Test("a firmware that is not the pinned one is refused") func wrongFirmware() throws {
        let (profile, blobs) = try Self.load("qemu-vtpm-ovmf-2026.08")
        #expect(throws: FirmwareMismatch.self) {
            try VTPMMeasurement.measure(
                profile: profile, firmware: [1, 2, 3], blobs: blobs, artifacts: BootArtifacts(paths: [:]))
        }
    }

    @Test(
        "MRTD and RTMRs of the TDX profile, every event node recomputed from its sources",
        .enabled(if: PoolPackage.available, "ASSAY_POOL is not set"))
    func tdx() throws {
        let (profile, blobs) = try Self.load("qemu-tdx-inteltdx-2026.08")
        let firmware = try PoolPackage(profile.firmware.package, version: profile.firmware.version).contents(
            profile.firmware.path)
        let kernel = try PoolPackage("linux-image-6.12.117+deb13-cloud-amd64", version: "6.12.117-1")
        let folder = try TemporaryFolder()
        let initrd = [UInt8]((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let line = Array("console=ttyS0 assay.test".utf8)
        let vmlinuz = kernel.path("boot/vmlinuz-6.12.117+deb13-cloud-amd64")
        let artifacts = BootArtifacts(paths: [
            "vmlinuz": vmlinuz, "initrd": try folder.write("initrd", initrd),
            "cmdline": try folder.write("cmdline", line),
        ])
        let points = try TDXMeasurement.measure(
            profile: profile, firmware: firmware, blobs: blobs, artifacts: artifacts)
        #expect(points.map { $0.axes.map(\.value) } == [["SapphireRapids"], ["EmeraldRapids"]])
        let names = ["MRTD", "RTMR0", "RTMR1", "RTMR2", "RTMR3"]
        // Computed by a script from the rule of the TDX module alone.
        #expect(
            points[0].registers[0].digest.hex
                == "a7a1f751abc454f9cbab198ca8d2edb2821935df525c74182b5e776cb0929e8c59aefecce725b0d08a5e9d3d3183bd08")
        #expect(points[0].registers[4].digest == .zero(.sha384))
        #expect(points[0].registers[1] != points[1].registers[1], "RTMR0 follows the processor")
        var sources = blobs
        sources["variables.fd"] = VariableStore.empty()
        sources["vmlinuz"] = try InputFile.contents(of: vmlinuz)
        sources["initrd"] = initrd
        sources["cmdline"] = line
        for point in points {
            #expect(point.registers.map(\.name) == names)
            #expect(try check(point.trace, sources) == 23)
        }
        let log = try TDXMeasurement.log(profile: profile, firmware: firmware, blobs: blobs, artifacts: artifacts)
        let values = try log.replay(.sha384)
        for index in UInt32(1)...3 { #expect(values[index] == points[0].registers[Int(index)].digest) }
        let read = try log.encoded.withReader(source: "log") { reader throws(FormatError) in
            try EventLog(parsing: &reader, registers: .tdx)
        }
        #expect(read.records.count == 23 && read.encoded == log.encoded)
    }

    @Test("what a profile does not know, or knows twice, is refused") func strict() throws {
        let path = "\(Self.root)/measurements/platforms/qemu-vtpm-ovmf-2026.08/profile.yaml"
        let text = String(decoding: try InputFile.contents(of: path), as: UTF8.self)
        let changes = [
            ("order: [0, 1, 2, 3]", "order: [0, 1, 2]"), ("banks: [sha1, sha256, sha384]", "banks: [md5]"),
            ("registers: [0, 1,", "registers: [1, 0,"), ("pci: \"1.0\"", "pci: \"40.0\""),
            ("value: with-os-release", "value: compressed"), ("value: once-or-retried", "value: sometimes"),
            ("value: .linux .osrel", "value: .linux .text"), ("zeros: 65536", "zeros: 0"),
            ("attributes: 0x109", "attributes: 0x1ffffffff"), ("file: eec25bdc-", "file: eec25bd-"),
            ("  - name: stub.initrd", "  - name: stub.unknown"), ("  firmwareStrings:", "  firmwareString:"),
        ]
        for (old, new) in changes {
            let parts = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
            #expect(parts.count == 2, "'\(old)' is in the profile")
            let changed = parts.joined(separator: new)
            #expect(throws: DocumentError.self, "\(new)") {
                try PlatformProfile(YAMLReader.parse(Array(changed.utf8), source: "profile"))
            }
        }
    }
}
