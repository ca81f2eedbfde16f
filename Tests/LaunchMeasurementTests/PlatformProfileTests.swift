import Bytes
import Documents
import Files
import LaunchMeasurement
import TestSupport
import Testing
import YAMLDocuments

/// The repository's top folder, from this file's place in it.
let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
private let shippedPath = repository + "/measurements/platforms/qemu-snp-amdsev-2026.08/profile.yaml"

func profile(_ text: String) throws -> PlatformProfile {
    try PlatformProfile(YAMLReader.parse(Array(text.utf8), source: "profile.yaml"))
}

func shippedSNPProfileText() throws -> String {
    String(decoding: try InputFile.contents(of: shippedPath), as: UTF8.self)
}

@Suite("platform profile")
struct PlatformProfileTests {
    @Test("the shipped SNP profile decodes, and its rules are those of QEMU")
    func shipped() throws {
        let profile = try profile(shippedSNPProfileText())
        #expect(profile.name == "qemu-snp-amdsev-2026.08")
        #expect(profile.kernelBinding.state == .unproven)
        guard case .snp(let section) = profile.section else { throw TestFailure("not an SNP profile") }
        #expect(section.vmm == .qemu)
        #expect(section.vcpus == 1...64)
        #expect(section.models.map(\.signature) == [0x00A0_0F11, 0x00A1_0F10])
        #expect(profile.conditions.contains { $0.name == "REPORTED_TCB" && $0.requirement == .demand("minimumTcb") })
    }

    @Test("the digest does not depend on layout, comments or the spelling of numbers, but on every value")
    func digest() throws {
        let text = try shippedSNPProfileText()
        let digest = try profile(text).digest()
        #expect(try profile("# another comment\n" + text).digest() == digest)
        #expect(try profile(text.replacing("features: 0x1", with: "features: 1")).digest() == digest)
        #expect(try profile(text.replacing("last: 64", with: "last: 65")).digest() != digest)
        #expect(try profile(text.replacing("value: 0x9b", with: "value: 0x9a")).digest() != digest)
    }

    @Test(
        "what it does not understand is refused with its place",
        arguments: [
            ("tee: snp", "tee: sgx", "expected one of snp, tdx, vtpm"),
            ("bootPath: direct", "bootPth: direct", "bootPth: unknown key, and 'bootPath' is missing"),
            ("name: vmsa.ss", "name: vmsa.sss", "rule 'vmsa.ss' is missing"),
            ("name: pages.cpuid", "name: vmsa.ss", "given twice"),
            ("value: table", "value: first", "expected one of table, last"),
            ("value: 0x37f", "value: 0x1037f", "at most 16 bits for vmsa.x87_fcw"),
            ("value: 0xfffffffff000", "value: 0xfffffffff010", "multiple of 4096"),
            ("features: 0x1", "features: 0x20", "bit 0 (SNPActive)"),
            ("last: 64", "last: 0", "expected 1 to 4096"),
            ("size: 4194304", "size: -1", "expected an integer"),
            ("path: usr/share", "path: ../share", "relative path"),
            ("demand: minimumTcb", "demands: minimumTcb", "unknown key"),
            ("demand: minimumTcb", "reason: x", "duplicate key"),
            ("state: unproven", "state: believed", "proven, unproven, broken"),
            ("- name: EPYC-Genoa", "- name: EPYC-Milan", "given twice"),
            ("name: qemu-snp", "name: QEMU-snp", "lower-case"),
            ("packageSHA256: 92", "packageSHA256: 9", "lower-case hex"),
        ])
    func refuses(old: String, new: String, problem: String) throws {
        let text = try shippedSNPProfileText()
        let range = try #require(text.range(of: old))
        let broken = text.replacingCharacters(in: range, with: new)
        let error = #expect(throws: DocumentError.self) { try profile(broken) }
        #expect(error?.description.contains(problem) == true, "\(error.debugDescription)")
        #expect(error?.location.line ?? 0 > 0)
    }

    @Test("a rule that the TEE does not know is refused")
    func strayRule() throws {
        let text = try shippedSNPProfileText()
        let stray = "rules:\n  - name: pages.order\n    value: x\n    origin: y\n    confidence: read-in-source\n"
        let error = #expect(throws: DocumentError.self) {
            try profile(text.replacing("\nrules:\n", with: "\n" + stray))
        }
        #expect(error?.description.contains("unknown rule 'pages.order'") == true)
    }
}

extension String {
    /// The first place of `part`.
    func range(of part: String) -> Range<String.Index>? { self.firstRange(of: part) }

    func replacingCharacters(in range: Range<String.Index>, with new: String) -> String {
        var copy = self
        copy.replaceSubrange(range, with: new)
        return copy
    }
}
