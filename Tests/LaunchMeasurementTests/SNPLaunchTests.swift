import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing
import Trace

private let kernelBytes = Array("kernel".utf8)
private let initrdBytes = Array("initrd".utf8)

private func file(_ name: String, _ bytes: [UInt8]) -> KernelInputs.File {
    .init(artifact: name, size: bytes.count, sha256: .of(bytes, .sha256))
}

private func launch(
    _ synthetic: SyntheticFirmware = SyntheticFirmware(), kernel: KernelInputs? = nil, rules: VMMRules = .qemu,
    features: UInt64 = 1, seed: Digest? = nil, trust: KernelTrust = .verifiedOnly
) throws -> SNPLaunch {
    let firmware = try SNPFirmware(
        OVMFImage(synthetic.bytes, name: "syn.fd"), seed: seed, lookForVerifier: kernel != nil)
    return try SNPLaunch(firmware: firmware, kernel: kernel, rules: rules, features: features, trust: trust)
}

private func digest(_ launch: SNPLaunch, _ model: String = "EPYC-Milan", vcpus: Int = 1) throws -> String? {
    let signature = try #require(VCPUSignature(named: model))
    return try launch.points(signature, vcpus: vcpus...vcpus).first?.digest.hex
}

// Expected digests were printed by sev-snp-measure 0.0.13 for the same synthetic file.
@Suite("SNP launch")
struct SNPLaunchTests {
    @Test(
        "one pass gives the digest of every vCPU count",
        arguments: [
            (1, "0ba2328ae6a251a9ada906a70f3e2b438c490bcdbc12b5ddec9db546806e82c7ea56550238be01ebeac7e8e319322423"),
            (2, "074380d796474e12daa6addd0ea077dc90cdf17bf802078c767c5d99ec5adc3b6c94856521784a26e599250fd119d41c"),
            (64, "c12783acb075e699eaf610473927a9aa6252d3da261ca2b44507b4ddd1cc8000857d2cd276277056a36c4b9a6a01fd66"),
        ])
    func counts(vcpus: Int, expected: String) throws {
        let all = try launch().points(try #require(VCPUSignature(named: "EPYC-Milan")), vcpus: 1...64)
        #expect(all.count == 64)
        #expect(all[vcpus - 1].vcpus == vcpus)
        #expect(all[vcpus - 1].digest.hex == expected)
        #expect(try digest(launch(), vcpus: vcpus) == expected)
    }

    @Test("kernel, initrd and command line byte for byte, and a kernel alone")
    func kernel() throws {
        let all = KernelInputs(
            kernel: file("vmlinuz", kernelBytes), initrd: file("initrd", initrdBytes),
            commandLine: Array("root=x ".utf8))
        #expect(
            try digest(launch(kernel: all), "EPYC-Genoa", vcpus: 2)
                == "ee364a9729c0be0456d453c29ceff45459c769fbf7864006cd71266ea25374f93ceee0c7450e9bc2bc60dd029ca3afdb")
        let alone = KernelInputs(kernel: file("vmlinuz", kernelBytes), initrd: nil, commandLine: [])
        #expect(
            try digest(launch(kernel: alone), "EPYC-Genoa")
                == "4d49ccd82c6e8d1d14846726dda58534f53760dc20d1d96747924a32c789b6e385cfc69a023a755efb5f77c21a022d59")
    }

    @Test("features and the rules of other VMMs")
    func others() throws {
        #expect(
            try digest(launch(features: 0x21), "EPYC-Genoa")
                == "d5752705c0f0653b2f5206f39a488148a4e1b56df9db124d5fd311e663bf8052dff97117822cf7421a200a5502588a25")
        #expect(
            try digest(launch(rules: .ec2), vcpus: 3)
                == "371449eed5145e3a31f3c0526d85fc04811dd3df47cb7610441642d5d00364f1afb3d8753c95880686c1c76520089e27")
        #expect(
            try digest(launch(rules: .gce), vcpus: 3)
                == "aaab44c548ddedb2343e61b7c46dfa41aed28a4e1120ad19266152e7dd65db40af07e9a42e8bed890198221916318395")
        #expect(try digest(launch(rules: .ec2Legacy), vcpus: 3) != digest(launch(rules: .ec2), vcpus: 3))
        var moved = VMMRules.qemu
        moved.vmsaGPA = 0x000F_FFFF_FFFF_F000
        #expect(try digest(launch(rules: moved)) != digest(launch()))
    }

    @Test("the digest of the firmware's pages takes their place")
    func seed() throws {
        let image = try OVMFImage(SyntheticFirmware().bytes, name: "syn.fd")
        let seed = try SNPLaunch.firmwareDigest(image)
        #expect(
            seed.hex
                == "d055d6df0ce47e76d4c6af02eb52bb9fdfe0d74f8fccb4700121287c896a4c6d7f9e40fe891d2a23ad3c9d6584907228")
        #expect(try digest(launch(seed: seed)) == digest(launch()))
    }

    @Test(
        "signatures of names, with and without a version",
        arguments: [
            ("EPYC", 0x0080_0F12 as UInt32?), ("EPYC-v4", 0x0080_0F12), ("EPYC-IBPB", 0x0080_0F12),
            ("EPYC-Rome-v3", 0x0083_0F10), ("EPYC-Milan", 0x00A0_0F11), ("EPYC-Milan-v99", 0x00A0_0F11),
            ("EPYC-Genoa-v2", 0x00A1_0F10), ("EPYC-Turin", 0x00B0_0F00), ("EPYC-Milan-v", nil), ("EPYC-Milan-v0", nil),
            ("EPYC-Milan-w1", nil), ("EPYC-IBPB-v1", nil), ("Skylake", nil), ("", nil), ("EPYC-Milan-v1-v2", nil),
        ])
    func names(name: String, signature: UInt32?) {
        #expect(VCPUSignature(named: name)?.rawValue == signature)
    }

    @Test("signatures from numbers, and numbers that none has")
    func numbers() {
        #expect(VCPUSignature(family: 26, model: 2, stepping: 1)?.rawValue == 0x00B0_0F21)
        #expect(VCPUSignature(family: 6, model: 0x8F, stepping: 8)?.rawValue == 0x0008_06F8)
        #expect(VCPUSignature(family: 271, model: 0, stepping: 0) == nil)
        #expect(VCPUSignature(family: 0, model: 256, stepping: 0) == nil)
        #expect(VCPUSignature(family: 0, model: 0, stepping: -1) == nil)
    }

    @Test("a kernel that nobody checks is refused, unless it was asked for; then the trace says so")
    func unverified() throws {
        let kernel = KernelInputs(kernel: file("vmlinuz", kernelBytes), initrd: nil, commandLine: [])
        var synthetic = SyntheticFirmware()
        synthetic.packedVolume = .noVerifier
        for trust in [KernelTrust.verifiedOnly, .unknownAllowed] {
            let error = #expect(throws: SNPMeasurementError.self) {
                try launch(synthetic, kernel: kernel, trust: trust)
            }
            #expect(error == .kernelNotVerified(firmware: "syn.fd"))
            #expect(error?.outcome == .unusable)
            #expect(error?.hint?.contains("--allow-unverified-kernel") == true)
        }
        let allowed = try launch(synthetic, kernel: kernel, trust: .unverifiedAllowed)
        let note = allowed.prefixNodes.flatMap(\.details).first { $0.name == "verifier" }
        #expect(note?.value == .string("not in the firmware; allowed by request"))
        synthetic.packedVolume = .none
        #expect(throws: SNPMeasurementError.verifierUnknown(firmware: "syn.fd")) {
            try launch(synthetic, kernel: kernel)
        }
        _ = try launch(synthetic, kernel: kernel, trust: .unknownAllowed)
    }

    @Test("firmware without a place for the hashes is refused with a kernel, and measured without one")
    func noPlace() throws {
        let kernel = KernelInputs(kernel: file("vmlinuz", kernelBytes), initrd: nil, commandLine: [])
        var synthetic = SyntheticFirmware()
        synthetic.hashTableArea = (0, 0x400)
        #expect(throws: SNPMeasurementError.noHashTableArea(firmware: "syn.fd")) {
            try launch(synthetic, kernel: kernel)
        }
        for area in [(0x81_0C00, 0xAF), (0x81_1000, 0x400), (0x80_F000, 0x400), (0x81_0FF0, 0x400)] {
            synthetic.hashTableArea = (UInt32(area.0), UInt32(area.1))
            #expect(throws: SNPMeasurementError.self) { try launch(synthetic, kernel: kernel) }
        }
        synthetic.sections?.removeLast()
        #expect(throws: SNPMeasurementError.noKernelHashesSection(firmware: "syn.fd")) {
            try launch(synthetic, kernel: kernel)
        }
        _ = try launch(synthetic)
    }

    @Test("a file of no whole pages and an impossible vCPU count are refused")
    func limits() throws {
        var synthetic = SyntheticFirmware()
        synthetic.size = 0x8010
        #expect(throws: SNPMeasurementError.firmwareNotWholePages(firmware: "syn.fd", size: 0x8010)) {
            try launch(synthetic)
        }
        let whole = try launch()
        for range in [0...1, 1...4097] {
            #expect(throws: SNPMeasurementError.self) {
                try whole.points(VCPUSignature(rawValue: 0), vcpus: range)
            }
        }
    }

    @Test("whoever has the named files can compute every digest of a trace")
    func trace() throws {
        let line = Array("root=x".utf8)
        let kernel = KernelInputs(
            kernel: file("vmlinuz", kernelBytes), initrd: file("initrd", initrdBytes), commandLine: line,
            commandLineArtifact: "cmdline")
        let files = [
            "syn.fd": SyntheticFirmware().bytes, "vmlinuz": kernelBytes, "initrd": initrdBytes, "cmdline": line,
        ]
        let points = try launch(kernel: kernel).points(VCPUSignature(rawValue: 0xA00F11), vcpus: 1...5)
        for point in points {
            let last = try TraceChecker(files: files).check(point.trace)
            #expect(last == point.digest)
            #expect(point.trace.digest == point.digest)
        }
        #expect(Set(points.map(\.trace)).count == points.count)
    }
}

/// Recomputes a trace from its words and the named files, without the code that made it.
private struct TraceChecker {
    var files: [String: [UInt8]]

    func bytes(_ source: TraceNode.Source?) throws -> [UInt8]? {
        switch source {
        case nil: return nil
        case .literal(let bytes): return bytes
        case .zeros(let count): return [UInt8](repeating: 0, count: count)
        case .range(let name, let offset, let count):
            return Array(try #require(files[name])[offset..<offset + count])
        }
    }

    func fact(_ node: TraceNode, _ name: String) -> Value? { node.details.first { $0.name == name }?.value }

    /// Checks all chain nodes in order and gives the last value.
    func check(_ root: TraceNode) throws -> Digest {
        var value = [UInt8](repeating: 0, count: 48)
        for node in root.children {
            for part in node.children {
                let suffix = [UInt8](hex: fact(part, "suffix")?.text ?? "") ?? []
                let whole = try #require(try bytes(part.source)) + suffix
                #expect(part.digest == Digest.of(whole, .sha256))
            }
            let type = UInt8(try #require(fact(node, "pageType")?.number))
            let step = fact(node, "gpaStep")?.number ?? 4096
            let file = try bytes(node.source)
            for index in 0..<node.count {
                var contents = [UInt8](repeating: 0, count: 48)
                if let file {
                    contents = Digest.of(Array(file[index * 4096..<index * 4096 + 4096]), .sha384).bytes
                } else if case .object(let runs) = fact(node, "content") {
                    var page = [UInt8](repeating: 0, count: 4096)
                    for run in runs {
                        let offset = Int(try #require(parseInteger(run.key)))
                        let piece = try #require([UInt8](hex: run.node.value.text ?? ""))
                        page.replaceSubrange(offset..<offset + piece.count, with: piece)
                    }
                    #expect(page.count == 4096)
                    contents = Digest.of(page, .sha384).bytes
                }
                var record = ByteWriter()
                record.append(value)
                record.append(contents)
                for byte: UInt8 in [0x70, 0, type, 0, 0, 0, 0, 0] { record.append(byte) }
                record.append(try #require(node.gpa) &+ step &* UInt64(index))
                value = Digest.of(record.bytes, .sha384).bytes
            }
            #expect(node.digest?.bytes == value, "\(node.id)")
        }
        return try #require(Digest(.sha384, bytes: value))
    }
}
