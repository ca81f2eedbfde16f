import Bytes
import Documents
import Files
import TestSupport
import Testing

@Suite("assay measure igvm")
struct MeasureIGVMTests {
    private let folder: TemporaryFolder
    private let sample: String
    /// What the sample measures to; see the tests of IGVM launches for where the values come from.
    private static let snp =
        "ce7fae0b220a857eddad0f18ea41e9b81de57851f5d6fe199e0c28a52287f5b5bb76eafa8a50708d4f489e6b50e62dc3"
    private static let tdx =
        "b63032e48e0917355a6b6a6ab76ae0ac7edbdb810a46204341c12addc725e8215b967cf8e345da23046ee4d5c5e2d752"

    init() throws {
        folder = try TemporaryFolder()
        sample = try folder.write("sample.igvm", IGVMBytes.sample.bytes)
    }

    private func measure(_ arguments: String...) throws -> Subprocess.Result {
        try Subprocess(BuiltProgram.path, ["measure", "igvm"] + arguments).run()
    }

    @Test("prints the digest of the platform alone")
    func digest() throws {
        let result = try measure(sample, "--platform", "snp")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.outputText == Self.snp + "\n")
        #expect(try measure(sample, "--platform", "sev-snp").outputText == Self.snp + "\n")
        #expect(try measure(sample, "--platform", "tdx").outputText == Self.tdx + "\n")
        #expect(
            try measure(sample, "--platform", "sev-es").outputText
                == "48983c6b31c75f8a6e618b530d7ed4352d276cef9ad4ac2e90b19cd784d63494\n")
        #expect(
            try measure(sample, "--zero-pages", "native").outputText
                == "d5c1dd905eae796bfb1d95c8ce515820ead21e7014f82bfec84d8ddc94cad851b5c267043326fbec82cc1a3cfa38ad27\n")
        #expect(try measure(sample, "--placement", "kvm").outputText != Self.snp + "\n")
        #expect(
            try measure(sample, "--output-format", "base64").outputText
                == "zn+uCyIKhX7drQ8Y6kHpuB3leFH11v4ZngwopSKH9bW7dur6ilBwjU9InmtQ5i3D\n")
    }

    @Test("JSON has rules, policy and, when asked, every directive")
    func json() throws {
        let value = try JSONReader.parse(measure(sample, "--json").output, source: "output").value
        #expect(value["digest"] == .string(Self.snp) && value["register"] == .string("LAUNCH_DIGEST"))
        #expect(value["policy"] == .string("0x30000") && value["trace"] == nil && value["idBlock"] == .null)
        let traced = try JSONReader.parse(measure(sample, "--trace", "--platform", "tdx").output, source: "output")
            .value
        #expect(traced["trace"]?["digest"] == .string(Self.tdx) && traced["register"] == .string("MRTD"))
    }

    @Test("a loader's name stands for its rules; several vCPUs are lines of their own")
    func loaders() throws {
        let kvm = try measure(sample, "--placement", "kvm").outputText
        #expect(try measure(sample, "--loader", "qemu", "--parameters", "file").outputText == kvm)
        let value = try JSONReader.parse(measure(sample, "--loader", "QEMU", "--json").output, source: "output").value
        #expect(value["parameters"] == .string("qemu") && value["loaderConfidence"] == .string("read-in-source"))
        let lines = try measure(sample, "--placement", "kvm", "--vcpus", "1-3", "--vcpu-type", "EPYC-Milan").outputText
        #expect(lines.hasPrefix("1 " + kvm) && lines.split(separator: "\n").count == 3)
        let refused = try measure(sample, "--vcpus", "2", "--vcpu-type", "EPYC")
        #expect(refused.status == 2 && refused.errorText.contains("--placement kvm"))
    }

    // Key and signature over the 96 bytes of the block were made by openssl.
    private static let key = [
        "974f165d638a75a3f39ab13c2265de6617cc72ebd013f002cabf1004e27079a7751fbd8f16e2ce4cddb18abaeb1e8c9f",
        "fe497c4b60dcee604d1899ac571eca92531c301283aed87d40246da17f921be5fe31719cf7c93f34ce398d355256e049",
        "73a3416a8b013c16741f92a03facd6d173df1dcf21026c39b1e715f2f26646a0c6432aa6c725b5c4a8e7b4f9c627fb30",
        "94639cd32846e5a6c6724b98c01b0ebed24d67e3bcaba4a049fad2773c89f323386da6a75cfec64a5f2a49047697d6d3",
    ].map { [UInt8](hex: $0) ?? [] }

    private func file(_ name: String, guestSVN: UInt32 = 2, launchDigest: String = snp, r: [UInt8] = key[0]) throws
        -> String
    {
        var file = IGVMBytes.sample
        file.idBlock(
            launchDigest: [UInt8](hex: launchDigest) ?? [], guestSVN: guestSVN, r: r, s: Self.key[1], x: Self.key[2],
            y: Self.key[3])
        return try folder.write(name, file.bytes)
    }

    @Test("an ID block is held against the digest and its key")
    func idBlock() throws {
        let right = try file("right.igvm")
        #expect(try measure(right).outputText == Self.snp + "\n")
        let value = try JSONReader.parse(measure(right, "--json").output, source: "output").value
        #expect(value["idBlock"]?["idSignature"] == .string("valid") && value["idBlock"]?["matches"] == .bool(true))
        let unsigned = try file("unsigned.igvm", guestSVN: 3)
        let refused = try measure(unsigned)
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(refused.errorText.contains("signature is not valid"))
        let other = try file("other.igvm", launchDigest: String(Self.snp.reversed()))
        #expect(try measure(other).status == 1)
        let forced = try measure(other, "--ignore-id-block")
        #expect(forced.status == 0 && forced.outputText == Self.snp + "\n")
        #expect(forced.errorText.contains("assay: warning: other.igvm: ID block"))
        // Rules of another loader give another digest than the one that was signed.
        #expect(try measure(right, "--zero-pages", "native").status == 1)
        let large = try file("large.igvm", r: Self.key[0] + [1])
        #expect(try measure(large).status == 1)
        var point = IGVMBytes.sample
        point.idBlock(
            launchDigest: [UInt8](hex: Self.snp) ?? [], guestSVN: 2, r: Self.key[0], s: Self.key[1], x: Self.key[2],
            y: Self.key[2])
        let noPoint = try measure(folder.write("point.igvm", point.bytes))
        #expect(noPoint.status == 1 && noPoint.errorText.contains("signature is not valid"))
    }

    @Test(
        "an ID block of another algorithm or curve is refused, and says which",
        arguments: [
            (0x60, "ID key algorithm: found 2, expected 1 (ECDSA P-384 with SHA-384)"),
            (0xF8, "ID key curve: found 3, expected 2 (P-384)"),
        ])
    func otherAlgorithm(offset: Int, problem: String) throws {
        var file = IGVMBytes.sample
        file.idBlock(
            launchDigest: [UInt8](hex: Self.snp) ?? [], guestSVN: 2, r: Self.key[0], s: Self.key[1], x: Self.key[2],
            y: Self.key[3])
        let index = try #require(file.headers.lastIndex { $0.type == 0x30B })
        file.headers[index].content[offset] += 1
        let path = try folder.write("other.igvm", file.bytes)
        let result = try measure(path)
        #expect(
            result.status == 1 && result.errorText.contains("other.igvm: ID block: \(problem)"), "\(result.errorText)")
        let forced = try JSONReader.parse(measure(path, "--ignore-id-block", "--json").output, source: "output").value
        #expect(forced["idBlock"]?["idSignature"] == .string("unsupported"))
    }

    @Test(
        "what cannot be measured is refused with exit 2",
        arguments: [
            (["--platform", "sev"], "not made for SEV"),
            (["--platform", "tdx", "--zero-pages", "native"], "SEV-SNP alone"),
            (["--platform", "vbs"], "Invalid value"), (["--zero-pages", "none"], "Invalid value"),
        ])
    func refuses(arguments: [String], problem: String) throws {
        let result = try Subprocess(BuiltProgram.path, ["measure", "igvm", sample] + arguments).run()
        #expect(result.status == 2 && result.output.isEmpty)
        #expect(result.errorText.contains(problem) || result.errorText.contains("is invalid"), "\(result.errorText)")
    }

    @Test("a damaged file is named with the place")
    func damaged() throws {
        var bytes = IGVMBytes.sample.bytes
        bytes[0x20] ^= 1
        let result = try measure(folder.write("bad.igvm", bytes))
        #expect(result.status == 2)
        #expect(result.errorText.contains("bad.igvm+0x14: IGVM header.checksum: found"))
        var file = IGVMBytes.sample
        file.page(0x10_0000, mask: 1)
        let overlap = try measure(folder.write("overlap.igvm", file.bytes))
        #expect(overlap.status == 2 && overlap.errorText.contains("do not overlap on SEV-SNP"))
    }

    @Test("inspect tells platforms, measurements, processor state, ID block and firmware")
    func inspect() throws {
        let path = try file("signed.igvm")
        let json = try JSONReader.parse(BuiltProgram.run("inspect", "--json", path).output, source: "output").value
        #expect(json["kind"] == .string("IGVM file") && json["headers"]?["PAGE_DATA"] == .integer(10))
        #expect(json["SEV-SNP"]?["LAUNCH_DIGEST"] == .string(Self.snp) && json["TDX"]?["MRTD"] == .string(Self.tdx))
        #expect(json["SEV-SNP"]?["idBlock"]?["idSignature"] == .string("valid"))
        let text = try BuiltProgram.run("inspect", path).outputText
        #expect(text.contains("rip 0xfff0") && text.contains("cr0 0x31"))
        var firmware = IGVMBytes()
        firmware.platform(2, mask: 1)
        let image = SyntheticFirmware().bytes
        for page in stride(from: 0, to: image.count, by: 4096) {
            firmware.page((1 << 32) - UInt64(image.count - page), data: Array(image[page..<page + 4096]))
        }
        let packed = try folder.write("ovmf.igvm", firmware.bytes)
        let facts = try JSONReader.parse(BuiltProgram.run("inspect", "--json", packed).output, source: "output").value
        #expect(facts["SEV-SNP"]?["firmware"]?["verifiesKernelHashes"] == .bool(true))
    }
}
