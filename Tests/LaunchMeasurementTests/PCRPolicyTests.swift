import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Signing
import TestSupport
import Testing

@Suite("PolicyPCR digests and their signatures") struct PCRPolicyTests {
    /// A PCR that was extended once, by the hash of its number as text.
    private func extended(_ number: UInt32, _ bank: HashAlgorithm) -> Digest {
        Digest.zero(bank).extended(by: .of(Array("\(number)".utf8), bank))
    }

    /// Computed by swtpm for PCRs that were extended so: `tpm2_createpolicy --policy-pcr -l sha384:4,7+sha256:11,23`.
    @Test(
        "a TPM computes the same, by every hash of a policy",
        arguments: [
            (HashAlgorithm.sha1, "638884dac245db4fa16b58de2eb09d75e9191b07"),
            (.sha256, "2d17e35d185aa565caee70977957c2547d9428019fbc890e9e2d0f8b1ce9cd3e"),
            (
                .sha384,
                "94cd94a2a8ffaa525bf17a19613ce90f26e5e7a26c8fe069b7f00077cae67593551c62d03ddf89d9a32582645dcd5db6"
            ),
        ])
    func software(_ hash: HashAlgorithm, _ expected: String) throws {
        let policy = try PCRPolicy([
            .init(.sha384, [7: extended(7, .sha384), 4: extended(4, .sha384)]),
            .init(.sha256, [11: extended(11, .sha256), 23: .zero(.sha256)]),
        ])
        #expect(policy.digest(hash).hex == expected)
        #expect(policy.selection.hex == "00000002000c03900000000b03000880")
        #expect(policy.digest(hash, after: .zero(hash)) == policy.digest(hash))
        #expect(policy.digest(hash, after: policy.digest(hash)) != policy.digest(hash))
    }

    @Test("no bank, a bank twice, a number above 23, a value of another bank and a hash of no TPM are refused")
    func refused() {
        let fine = PCRPolicy.Bank(.sha256, [4: .zero(.sha256)])
        for banks: [PCRPolicy.Bank] in [
            [], [fine, fine], [.init(.sha256, [:])], [.init(.sha256, [24: .zero(.sha256)])],
            [.init(.sha256, [4: .zero(.sha1)])], [.init(.md5, [4: .zero(.md5)])],
        ] {
            #expect(throws: MeasurementInputError.self) { try PCRPolicy(banks) }
        }
        #expect(throws: MeasurementInputError.self) { try [PCRPolicy.Bank].bank(.sha256, [4], of: []) }
    }

    @Test("phase paths") func phases() throws {
        #expect(BootPhases.usual.map { "\($0)" }.last == "enter-initrd:leave-initrd:sysinit:ready")
        #expect(try #require(BootPhases("")).extending(.zero(.sha256)) == .zero(.sha256))
        for text in [":", "a:", ":a", "a b", "a\n"] { #expect(BootPhases(text) == nil, "\(text)") }
    }

    private func image() -> [UInt8] {
        PEFile(sections: [
            .init(name: ".osrel", data: Array("ID=test\n".utf8)), .init(name: ".cmdline", data: Array("quiet".utf8)),
            .init(name: ".uname", data: Array("6.1.0".utf8)), .init(name: ".sbat", data: Array("sbat,1\n".utf8)),
            .init(name: ".linux", data: (0..<4).flatMap { _ in (0..<256).map { UInt8($0) } }),
            .init(name: ".initrd", data: [4, 5, 6]),
        ]).bytes
    }

    private func registers(_ banks: [HashAlgorithm]) throws -> [Measurement.Register] {
        var contents = EventContents(algorithms: banks)
        contents.add("uki.efi", ByteSource(image(), name: "uki.efi"))
        var boot = try MachineBoot.anyUEFI(
            secureBoot: .off, variables: VariableStore(variables: []), contents: contents)
        boot.stub = StubRules(version: 262)
        return try BootPrediction(boot, exit: .first).registers
    }

    /// What systemd-measure 257 prints for the same sections.
    private static let measured = [
        "2e0e4897b352575476e5cf36b6cfdffba2fdb158bcc07e91ef2f2e601fc87e10",
        "dd3082779039280b23f9719052d40078c56ba7dcc8cd029d095ee311033f7329",
        "e35ec93fff4fc9acf2b38aed30b9022fdd366dfa2860b5769a129f1b637e29c8",
        "46e03a9965b7980db19dd0de4936bd650c479465c91a9844682061fc78388a4b",
    ]
    private static let signed: [(HashAlgorithm, [String])] = [
        (
            .sha256,
            [
                "ef19d28b3eaae50db559393fbe1e0da8c5e4ba6f156f3c52ee34465436bbd4f2",
                "2cc2fa130fb11ed4c497afd5aa4de775a5fe1adef33654b7424e2d912d2046ac",
                "3dd7ac49ce9fce1e0fb75eb4d1059b7019b97a5d8c1e4a92295f4d81658aea2f",
                "68bd33970f4f1cc2fd8618a7381431aec5185938a79797bec80aba74e1336045",
            ]
        ),
        (
            .sha384,
            [
                "c9698315cbf4f405b855fe9a05c1b05362dd14e33ea3b29d9fa7a916a3503f6e",
                "772534bc9c26d87f89672576b9976e8897c66752cc604ceef9e92ffb865a5de0",
                "81dce2df268001014ff90c81de0ccd6ebd5cac98d7417bf99f0e3f1fbf6d1e2a",
                "4f54f0ad7a765be298f8e15984220af71afbfdaac4e2da9a934b7861f70b1fb7",
            ]
        ),
    ]

    @Test("PCR 11 and its signed policies in each phase are systemd-measure's; a round trip keeps the text")
    func systemd() throws {
        let registers = try registers([.sha256, .sha384])
        let key = try RSAPrivateKey.generate()
        let other = try RSAPrivateKey.generate()
        var signatures = PCRSignatures()
        for (bank, policies) in Self.signed {
            let start = try [PCRPolicy.Bank].bank(bank, [11], of: registers)
            for (index, phases) in BootPhases.usual.enumerated() {
                let value = phases.extending(try #require(start.values[11]))
                if bank == .sha256 { #expect(value.hex == Self.measured[index]) }
                try signatures.sign(PCRPolicy.Bank(bank, [11: value]), key: key)
            }
            #expect(signatures.banks.last?.entries.map(\.policy.hex) == policies)
        }
        let text = signatures.encoded
        let read = try PCRSignatures(text + [0, 0], source: "test")
        #expect(read == signatures && read.encoded == text)
        for bank in read.banks {
            for entry in bank.entries {
                #expect(entry.isSigned(by: key.publicKey, bank: bank.algorithm))
                #expect(!entry.isSigned(by: other.publicKey, bank: bank.algorithm))
                #expect(!entry.isSigned(by: key.publicKey, bank: .sha1), "another bank's hash")
            }
        }
        var again = signatures
        try again.sign(PCRPolicy.Bank(.sha256, [11: try #require(Digest(.sha256, hex: Self.measured[0]))]), key: key)
        #expect(again == signatures, "a signature that is there is not added again")
    }

    @Test(
        "every changed member of a text is refused with its place",
        arguments: [
            ("\"pcrs\":[11]", "\"pcrs\":[]"), ("\"pcrs\":[11]", "\"pcrs\":[24]"), ("\"pcrs\":[11]", "\"pcrs\":[11,4]"),
            ("\"pkfp\"", "\"key\""), ("\"pol\":\"", "\"pol\":\"0"), ("\"sig\":\"", "\"sig\":\"!"),
            ("\"sha256\"", "\"md5\""),
            ("{\"sha256\":[", "{\"sha256\":{"), ("\"sig\":\"AQID\"", "\"sig\":\"\""), ("AQID\"}", "AQID\",\"x\":1}"),
        ])
    func corrupted(_ old: String, _ new: String) throws {
        let digest = String(repeating: "ab", count: 32)
        let text = "{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"\(digest)\",\"pol\":\"\(digest)\",\"sig\":\"AQID\"}]}\n"
        #expect(try PCRSignatures(Array(text.utf8), source: "test").encoded == Array(text.utf8))
        let changed = text.replacing(old, with: new)
        #expect(changed != text)
        #expect(throws: (any Error).self) { try PCRSignatures(Array(changed.utf8), source: "test") }
    }

    @Test("random text never ends the program") func garbage() {
        var random = SeededGenerator(seed: 0x7063_7273_6967)
        let words = ["{", "}", "[", "]", "\"sha256\"", ":", ",", "\"pcrs\"", "11", "\"pol\"", "\"", "\\u0000", "1e9"]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in words.randomElement(using: &random) ?? ""
            }
            _ = try? PCRSignatures(Array(text.joined().utf8), source: "seed 0x706372736967")
        }
    }
}
