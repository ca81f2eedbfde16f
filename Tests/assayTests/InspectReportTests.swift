import Bytes
import Documents
import Files
import TestSupport
import Testing

@Suite("assay inspect REPORT", .enabled(if: Outside.has("openssl"), "openssl is not installed: no chain can be made"))
struct InspectReportTests {
    private let folder: TemporaryFolder
    private let chain: AMDChain
    private let report: [UInt8]

    private struct Keys {
        let root, authority, leaf: OpenSSLKey
    }
    /// Made once, for RSA-4096 takes its time.
    private static let keys = Result {
        Keys(root: try OpenSSLKey(), authority: try OpenSSLKey(), leaf: try OpenSSLKey(curve: "P-384"))
    }

    init() throws {
        folder = try TemporaryFolder()
        let keys = try Self.keys.get()
        chain = AMDChain(
            rootKey: keys.root, authorityKey: keys.authority, leafKey: keys.leaf.publicEncoding,
            hardwareID: (1...64).map { UInt8($0) })
        var fields = SNPReportBytes()
        fields.signature = try keys.leaf.signRaw(fields.signedBytes)
        report = fields.bytes
        try folder.write("report.bin", report)
        try folder.write("ark.der", chain.rootBytes())
        try folder.write("ask.der", chain.authorityBytes())
        try folder.write("vcek.der", chain.leafBytes())
        try folder.write("crl.der", chain.revocationList([5]))
    }

    /// Runs `assay inspect` in the folder at a time at which every certificate is valid.
    private func inspect(_ words: String..., at time: String? = "2027-01-15T08:00:00Z") throws -> Subprocess.Result {
        let when = time.map { ["--at", $0] } ?? []
        return try Subprocess(BuiltProgram.path, ["inspect"] + words + when, directory: folder.path).run()
    }

    @Test("a genuine report is one for people and for machines, with its chain and root given")
    func genuine() throws {
        let words = ["report.bin", "--ark", "ark.der", "--chain", "vcek.der", "ask.der", "--crl", "crl.der"]
        let text = try Subprocess(
            BuiltProgram.path, ["inspect"] + words + ["--at", "2027-01-15T08:00:00Z"], directory: folder.path
        ).run()
        #expect(text.status == 0 && text.errors.isEmpty, "\(text.outputText)\(text.errorText)")
        #expect(text.outputText.hasPrefix("kind: SEV-SNP attestation report\n"))
        #expect(text.outputText.contains("not revoked: SEV-Milan, ARK-Milan"))
        #expect(text.outputText.contains("\ngenuine: the chain above vouches for it"))
        let json = try inspect(
            "report.bin", "--json", "--ark", "ark.der", "--chain", "vcek.der", "ask.der", "--crl", "crl.der")
        #expect(json.status == 0)
        let value = try JSONReader.parse(json.output, source: "output").value
        #expect(value["verdict"]?["accepted"] == .bool(true))
        #expect(value["reportedTCB"]?["microcode"] == .integer(217) && value["vmpl"] == .integer(1))
    }

    @Test("a chain as PEM, and one behind the report, are found too")
    func places() throws {
        var pem: [UInt8] = []
        for name in ["ask", "ark", "vcek"] {
            let result = try Subprocess(
                "openssl", ["x509", "-inform", "DER", "-in", folder.file(name + ".der")]
            ).run()
            try #require(result.status == 0, "\(result.errorText)")
            pem += result.output
        }
        try folder.write("chain.pem", pem)
        let bundle = try inspect("report.bin", "--chain", "chain.pem", "--ark", "ark.der")
        #expect(bundle.status == 0, "\(bundle.outputText)\(bundle.errorText)")
        let entries: [(String, [UInt8])] = [
            ("63da758d-e664-4564-adc5-f4b93be8accd", try chain.leafBytes()),
            ("4ab7b379-bbac-4fe4-a02f-05aef327c782", try chain.authorityBytes()),
            ("92f81bc3-5811-4d3d-97ff-d19f88dc67ea", try chain.revocationList([5])),
        ]
        var (table, contents) = (ByteWriter(), ByteWriter())
        for (identifier, bytes) in entries {
            table.append(try #require(GUID(identifier)).bytes)
            table.append(UInt32(24 * (entries.count + 1) + contents.count))
            table.append(UInt32(bytes.count))
            contents.append(bytes)
        }
        table.append(repeating: 0, count: 24)
        try folder.write("extended.bin", report + table.bytes + contents.bytes)
        let extended = try inspect("extended.bin", "--verify", "--ark", "ark.der")
        #expect(extended.status == 0, "\(extended.outputText)\(extended.errorText)")
        #expect(extended.outputText.contains("passed    revocation"))
        try folder.write("table.bin", table.bytes + contents.bytes)
        #expect(try inspect("report.bin", "--chain", "table.bin", "--ark", "ark.der").status == 0)
    }

    @Test("what does not hold is told by the name of its check, and the exit code is 1")
    func refused() throws {
        func failures(_ result: Subprocess.Result) -> [String] {
            result.outputText.split(separator: "\n").filter { $0.hasPrefix("FAILED") }
                .compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
        }
        let chain = ["--chain", "vcek.der", "ask.der", "ark.der"]
        func run(_ words: [String], at time: String = "2027-01-15T08:00:00Z") throws -> Subprocess.Result {
            try Subprocess(BuiltProgram.path, ["inspect"] + words + ["--at", time], directory: folder.path).run()
        }
        let root = try run(["report.bin"] + chain)
        #expect(root.status == 1 && failures(root) == ["root"], "\(root.outputText)")
        #expect(root.outputText.contains("--ark") && root.outputText.contains("\nREFUSED: "))
        let trusted = chain + ["--ark", "ark.der"]
        let early = try run(["report.bin"] + trusted, at: "2019-01-01T00:00:00Z")
        #expect(early.status == 1 && failures(early) == ["validity"])
        try folder.write("revoked.der", self.chain.revocationList([0x10001]))
        let revoked = try run(["report.bin"] + trusted + ["--crl", "revoked.der"])
        #expect(revoked.status == 1 && failures(revoked) == ["revocation"])
        var changed = report
        changed[0x90] ^= 1
        try folder.write("changed.bin", changed)
        let signature = try run(["changed.bin"] + trusted)
        #expect(signature.status == 1 && failures(signature) == ["report-signature"])
        let missing = try run(["report.bin", "--chain", "vcek.der", "--ark", "ark.der"])
        #expect(missing.status == 1 && failures(missing).first == "chain")
        let none = try run(["report.bin", "--verify"])
        #expect(none.status == 1 && failures(none) == ["signing-key"])
    }

    @Test("a time, root or list that is none is refused with exit 2; facts need neither")
    func unusable() throws {
        let time = try inspect("report.bin", "--verify", at: "yesterday")
        #expect(time.status == 2 && time.errorText.contains("--at: found 'yesterday'"))
        let root = try inspect("report.bin", "--ark", "vcek.der")
        #expect(root.status == 2 && root.errorText.contains("--root: vcek.der"))
        let list = try inspect("report.bin", "--crl", "ask.der")
        #expect(list.status == 2 && list.errorText.contains("ask.der"))
        let other = try inspect("ask.der", "--verify")
        #expect(other.status == 2 && other.errorText.contains("only reports and quotes are verified here"))
        let facts = try inspect("report.bin", at: nil)
        #expect(facts.status == 0 && facts.outputText.contains("\nmeasurement: 4d4d"))
        let certificate = try inspect("vcek.der", "--json", at: nil)
        let value = try JSONReader.parse(certificate.output, source: "output").value
        #expect(value["certificate 1"]?["endorsement"]?["product"] == .string("Milan-B0"))
        #expect(try inspect("crl.der", at: nil).outputText.contains("issuer: "))
    }
}
