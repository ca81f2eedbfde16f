import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing

@Suite("assay inspect on TDX evidence")
struct InspectQuoteTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// A TD report whose hashes are right.
    private var report: [UInt8] {
        let zeros = { (count: Int) in [UInt8](repeating: 0, count: count) }
        let tcbInfo = [0xFF, 1, 3, 0, 0, 0, 0, 0, 5, 1, 7] + zeros(228)
        let info = [0, 0, 0, 0x10] + zeros(12) + [UInt8](repeating: 0xAB, count: 48) + zeros(448)
        return [0x81] + zeros(31) + Digest.of(tcbInfo, .sha384).bytes + Digest.of(info, .sha384).bytes + zeros(128)
            + tcbInfo + zeros(17) + info
    }

    @Test("a TD report is told by its first bytes and size, and nobody here can verify it")
    func tdReport() throws {
        let path = try folder.write("report", report)
        let result = try BuiltProgram.run("inspect", path, "--json")
        #expect(result.status == 0, "\(result.errorText)")
        let facts = try JSONReader.parse(result.output, source: "facts").value
        #expect(facts["kind"] == .string("TD report") && facts["hashesMatch"] == .bool(true))
        #expect(facts["mrtd"] == .string(String(repeating: "ab", count: 48)))
        #expect(facts["tdAttributes"]?["bytes"] == .string("0000001000000000"))
        let verified = try BuiltProgram.run("inspect", path, "--verify")
        #expect(verified.status == 2 && verified.errorText.contains("hint: ask the machine for a quote"))
    }

    @Test("a quote that is cut is refused with file and offset")
    func cut() throws {
        let vendor: [UInt8] = [
            0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
        ]
        let path = try folder.write(
            "quote", [4, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0] + vendor + [UInt8](repeating: 0, count: 100))
        let cut = try BuiltProgram.run("inspect", path)
        #expect(cut.status == 2 && cut.errorText.contains("quote+0x"), "\(cut.errorText)")
    }

    @Test(
        "a real quote is verified up to Intel's root and by the collateral of its day",
        .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"))
    func real() throws {
        let base = try #require(Outside.vectors) + "/peers/quotes/other/phala-tdx_quote"
        let (quote, collateral) = (base + ".quote.bin", base + ".collateral.json")
        let good = try BuiltProgram.run(
            "inspect", quote, "--collateral", collateral, "--at", "2025-06-20T00:00:00Z", "--json")
        #expect(good.status == 0, "\(good.errorText)")
        let facts = try JSONReader.parse(good.output, source: "facts").value
        #expect(facts["kind"] == .string("TDX quote") && facts["verdict"]?["accepted"] == .bool(true))
        #expect(facts["rtmr0"] != nil && facts["quotingEnclave"]?["isvSVN"] == .integer(6))
        let late = try BuiltProgram.run("inspect", quote, "--collateral", collateral, "--at", "2025-09-20T00:00:00Z")
        #expect(late.status == 1 && late.outputText.contains("outdated since 2025-07-19T10:16:03Z"))
        let status = try BuiltProgram.run("inspect", quote, "--accept-tcb", "Fine")
        #expect(status.status == 2 && status.errorText.contains("expected one of UpToDate, SWHardeningNeeded"))
        var bytes = try InputFile.contents(of: quote)
        bytes[0xB8] ^= 1
        let forged = try BuiltProgram.run("inspect", try folder.write("forged", bytes), "--verify")
        #expect(forged.status == 1 && forged.outputText.contains("FAILED    quote-signature"))
    }
}
