import Documents
import Firmware
import LaunchMeasurement
import TestSupport
import Testing

@Suite("IGVM known answers", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct IGVMVectorTests {
    private static let platforms: [String: IGVMPlatform.Kind] = [
        "sev-snp": .snp, "tdx": .tdx, "sev": .sev, "sev-es": .sevES,
    ]

    @Test("the digest and the warnings of a case", arguments: SNPCase.of("igvm"))
    func digest(of known: SNPCase) throws {
        let platform = try #require(Self.platforms[known.parameters["platform"]?.text ?? ""])
        let zeroPages = try #require(IGVMRules.ZeroPages(rawValue: known.parameters["zero_pages"]?.text ?? ""))
        let file = try IGVMFile(#require(try known.input("igvm")), name: known.name)
        let launch = try IGVMLaunch(file, platform: platform, rules: IGVMRules(zeroPages: zeroPages))
        #expect(launch.measure().digest.hex == known.digest)
        // igvm-tooling fills headers up with the character '0'.
        let padding = launch.warnings.filter { $0.contains("padding") }
        #expect(padding.isEmpty == (known.name != "igvm-tooling-bzimage-x64"))
        let warning = known.entry["expected"]?["warning"]?.text
        #expect(launch.warnings.filter { !padding.contains($0) } == warning.map { [$0] } ?? [])
    }

    @Test("no case is left out") func all() throws {
        #expect(SNPCase.of("igvm").count == 9)
    }
}
