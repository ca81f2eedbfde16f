import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing
import YAMLDocuments

/// A profile that keeps the launch by its digests, with what they were taken from.
private struct Compact {
    let folder: TemporaryFolder
    let artifacts: BootArtifacts
    let firmware: OVMFImage
    /// The profile without the compact form.
    let full: String
    /// The compact form as it stands in the profile.
    let form: String
    let digests: [String]

    init(_ edits: [(String, String)] = []) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let files = [("vmlinuz", "kernel"), ("initrd", "initrd"), ("cmdline", "root=x ")]
        artifacts = BootArtifacts(
            paths: Dictionary(
                uniqueKeysWithValues: try files.map { ($0.0, try folder.write($0.0, Array($0.1.utf8))) }))
        firmware = try OVMFImage(SyntheticFirmware().bytes, name: "OVMF.amdsev.fd")
        var text = try shippedSNPProfileText().replacing(
            "3e4fd0b3fe3b2dbe481c3d9e99418a034174f26cbe1f55aa212b0f18c12d2d6f",
            with: Digest.of(firmware.bytes, .sha256).hex
        ).replacing("size: 4194304", with: "size: \(firmware.bytes.count)")
        for (old, new) in edits { text = text.replacing(old, with: new) }
        full = text
        let points = try SNPMeasurement.measure(
            profile: profile(text), firmware: firmware, artifacts: artifacts)
        digests = points.filter { $0.axes[1].value == "1" }.map { $0.registers[0].digest.hex }
        let hashes = files.map { "      \($0.0): \"\(Digest.of(Array($0.1.utf8), .sha256).hex)\"\n" }.joined()
        let boot =
            text.contains("kernelHashes: true") ? "    verifiesKernelHashes: true\n    artifacts:\n\(hashes)" : ""
        form = "  compact:\n    origin: measured from the file\n    resetAddress: 0x80b004\n" + boot
    }

    /// The profile with the compact form, after `edits`.
    func text(_ edits: [(String, String)] = []) throws -> String {
        var text = full + form
        for (signature, digest) in zip(["0x00a00f11", "0x00a10f10"], digests) {
            text = text.replacing(
                "signature: \(signature)", with: "signature: \(signature)\n      oneVCPUDigest: \"\(digest)\"")
        }
        for (old, new) in edits {
            guard text.contains(old) else { throw TestFailure("the profile has no '\(old)'") }
            text = text.replacing(old, with: new)
        }
        return text
    }

    func measure(_ edits: [(String, String)] = [], _ artifacts: BootArtifacts? = nil) throws -> [Measurement] {
        try SNPMeasurement.measureCompact(profile: profile(text(edits)), artifacts: artifacts ?? self.artifacts)
    }

    func measureInFull(_ edits: [(String, String)] = []) throws -> [Measurement] {
        try SNPMeasurement.measure(profile: profile(text(edits)), firmware: firmware, artifacts: artifacts)
    }
}

@Suite("Compact form of an SNP profile")
struct CompactFormTests {
    @Test("gives the digests of the full measurement, for every model and vCPU count")
    func equal() throws {
        let compact = try Compact()
        let all = try compact.measure()
        let full = try SNPMeasurement.measure(
            profile: profile(compact.full), firmware: compact.firmware, artifacts: compact.artifacts)
        #expect(all.count == 128)
        #expect(all.map(\.axes) == full.map(\.axes))
        #expect(all.map(\.registers) == full.map(\.registers))
        // The same as sev-snp-measure gives for these files.
        #expect(
            all[65].registers[0].digest.hex
                == "ee364a9729c0be0456d453c29ceff45459c769fbf7864006cd71266ea25374f93ceee0c7450e9bc2bc60dd029ca3afdb")
        #expect(try compact.measureInFull().map(\.registers) == full.map(\.registers))
    }

    @Test("does so without kernel hashes too, and then holds no artifacts")
    func withoutKernel() throws {
        let compact = try Compact([("kernelHashes: true", "kernelHashes: false\n  allowUnverifiedKernel: true")])
        #expect(try compact.measure().map(\.registers) == compact.measureInFull().map(\.registers))
        let artifacts = try Compact().form.split(separator: "artifacts:")[1]
        let error = #expect(throws: DocumentError.self) { try profile(compact.text() + "    artifacts:" + artifacts) }
        #expect(error?.description.contains("snp.compact.artifacts: unknown key") == true)
        let direct = [("\n  allowUnverifiedKernel: true", "")]
        #expect(throws: SNPMeasurementError.kernelNotMeasured(profile: "qemu-snp-amdsev-2026.08")) {
            try compact.measure(direct)
        }
    }

    @Test("the trace says that the start is the profile's, and what the artifacts were held against")
    func trace() throws {
        let compact = try Compact()
        let trace = try #require(try compact.measure().first { $0.axes[1].value == "3" }?.trace)
        #expect(trace.children.map(\.id) == ["one-vcpu", "vmsa-others"])
        let start = trace.children[0]
        #expect(start.origin == "taken from the profile, not measured: measured from the file")
        #expect(start.digest?.hex == compact.digests[0])
        #expect(
            start.details.map(\.value) == [
                .string(compact.digests[0]), .string(Digest.of(compact.firmware.bytes, .sha256).hex),
                .string("found in the firmware, as the profile states"),
            ])
        #expect(start.children.map(\.id) == ["cmdline", "initrd", "kernel"])
        #expect(trace.children[1].count == 2)
        #expect(trace.digest == trace.children[1].digest)
        #expect(try compact.measure()[0].trace.children.map(\.id) == ["one-vcpu"])
    }

    @Test("an artifact that the digests do not cover is refused by name", arguments: ["vmlinuz", "initrd", "cmdline"])
    func otherArtifact(name: String) throws {
        let compact = try Compact()
        var other = compact.artifacts
        other.paths[name] = try compact.folder.write("other", Array("root=x".utf8))
        let error = #expect(throws: SNPMeasurementError.self) { try compact.measure([], other) }
        #expect(error?.description.hasPrefix("\(name): found SHA-256 ") == true, "\(error.debugDescription)")
        other.paths[name] = nil
        #expect(throws: SNPMeasurementError.self) { try compact.measure([], other) }
    }

    @Test("no initrd is one without bytes")
    func noInitrd() throws {
        let compact = try Compact()
        let empty = Digest.of([], .sha256).hex
        var other = compact.artifacts
        other.paths["initrd"] = nil
        let edit = ("initrd: \"\(Digest.of(Array("initrd".utf8), .sha256).hex)\"", "initrd: \"\(empty)\"")
        #expect(try compact.measure([edit], other).count == 128)
        other.paths["initrd"] = try compact.folder.write("empty", [])
        #expect(try compact.measure([edit], other).count == 128)
    }

    @Test("firmware that does not check kernel hashes needs leave, and the trace says it")
    func unverified() throws {
        let compact = try Compact()
        let edit = ("verifiesKernelHashes: true", "verifiesKernelHashes: false")
        #expect(throws: SNPMeasurementError.kernelNotVerified(firmware: "usr/share/ovmf/OVMF.amdsev.fd")) {
            try compact.measure([edit])
        }
        let allowed = ("kernelHashes: true\n  vcpus", "kernelHashes: true\n  allowUnverifiedKernel: true\n  vcpus")
        let trace = try compact.measure([edit, allowed])[0].trace
        #expect(
            trace.children[0].details.last?.value
                == .string("not in the firmware; allowed by request, as the profile states"))
    }

    @Test("where the firmware is at hand, what is stated must follow from it")
    func stated() throws {
        let compact = try Compact()
        let changed = (String(compact.digests[1].prefix(8)), "00000000")
        let error = #expect(throws: SNPMeasurementError.self) { try compact.measureInFull([changed]) }
        #expect(error?.description.contains("oneVCPUDigest of EPYC-Genoa: found 00000000") == true)
        let address = ("resetAddress: 0x80b004", "resetAddress: 0x80b000")
        #expect(
            throws: SNPMeasurementError.compactAddress(
                profile: "qemu-snp-amdsev-2026.08", stated: 0x80_B000, computed: 0x80_B004)
        ) { try compact.measureInFull([address]) }
        #expect(throws: SNPMeasurementError.notCompact(profile: "qemu-snp-amdsev-2026.08")) {
            try SNPMeasurement.measureCompact(profile: profile(compact.full), artifacts: compact.artifacts)
        }
    }

    @Test(
        "every field that is wrong is refused with its place",
        arguments: [
            ("resetAddress: 0x80b004", "resetAddress: 0x10080b004", "compact.resetAddress: found 4303400964, expected"),
            ("    resetAddress: 0x80b004\n", "", "snp.compact.resetAddress: missing"),
            ("    origin: measured from the file\n", "", "snp.compact.origin: missing"),
            ("    origin: measured", "    origins: measured", "unknown key, and 'origin' is missing"),
            ("    verifiesKernelHashes: true\n", "", "verifiesKernelHashes: missing"),
            ("verifiesKernelHashes: true", "verifiesKernelHashes: maybe", "compact.verifiesKernelHashes: found"),
            ("      cmdline: \"", "      cmdline: \"0", "compact.artifacts.cmdline: found"),
            ("      vmlinuz: ", "      kernel: ", "compact.artifacts.vmlinuz: missing"),
            ("      initrd: ", "      initrd2: ", "unknown key, and 'initrd' is missing"),
            ("      cmdline: ", "      extra: \"\"\n      cmdline: ", "compact.artifacts.extra: unknown key"),
            ("oneVCPUDigest: \"", "oneVCPUDigest: \"0", "models[0].oneVCPUDigest: found"),
            ("oneVCPUDigest: ", "vcpuDigest: ", "models[0].oneVCPUDigest: missing"),
            ("kernelHashes: true\n  vcpus", "kernelHashes: false\n  vcpus", "unknown key"),
            ("  compact:\n", "  compact:\n    note: x\n", "snp.compact.note: unknown key"),
            ("  compact:\n", "  compacts:\n", "oneVCPUDigest: unknown key"),
            (
                "rules:\n",
                "rules:\n"
                    + ["zero_pages", "placement", "parameters"].map { name in
                        let value = ["zero_pages": "normal", "placement": "kvm"][name] ?? "file"
                        return
                            "  - name: igvm.\(name)\n    value: \(value)\n    origin: x\n    confidence: read-in-source\n"
                    }.joined(), "snp.compact: found with igvm rules"
            ),
        ])
    func refuses(old: String, new: String, problem: String) throws {
        let compact = try Compact()
        let text = try compact.text()
        let error = #expect(throws: DocumentError.self) {
            try profile(text.replacingCharacters(in: #require(text.range(of: old)), with: new))
        }
        #expect(error?.description.contains(problem) == true, "\(error.debugDescription)")
    }

    @Test("schema and decoder accept and refuse the same changes", arguments: [true, false])
    func schema(kernelHashes: Bool) throws {
        let edit = ("kernelHashes: true", "kernelHashes: false\n  allowUnverifiedKernel: true")
        let compact = try Compact(kernelHashes ? [] : [edit])
        let document = try YAMLReader.parse(Array(compact.text().utf8), source: "profile.yaml").value
        let schema = SchemaReader(PlatformProfile.schema.document(named: "profile"))
        #expect(schema.problem(document) == nil)
        for (label, value) in DocumentChange.all(of: document) {
            let decodes = (try? PlatformProfile(Node(value))) != nil
            let problem = schema.problem(value)
            #expect(
                (problem == nil) == decodes, "\(label): the decoder says \(decodes), the schema \(problem ?? "yes")")
        }
    }

    @Test("the digest of the profile covers every value of the form, and a profile without one keeps its own")
    func digest() throws {
        let compact = try Compact()
        let first = try profile(compact.text()).digest()
        #expect(try profile(compact.text([("resetAddress: 0x80b004", "resetAddress: 8433668")])).digest() == first)
        for (old, new) in [
            ("resetAddress: 0x80b004", "resetAddress: 0x80b000"), ("from the file", "elsewhere"),
            ("verifiesKernelHashes: true", "verifiesKernelHashes: false"),
            (String(compact.digests[1].prefix(8)), "00000000"),
            (String(Digest.of(Array("root=x ".utf8), .sha256).hex.prefix(8)), "00000000"),
        ] {
            #expect(try profile(compact.text([(old, new)])).digest() != first, "\(new)")
        }
        #expect(try profile(compact.full).digest() != first)
    }
}
