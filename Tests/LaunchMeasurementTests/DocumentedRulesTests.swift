import Files
import LaunchMeasurement
import TestSupport
import Testing

@Suite("The table of rules in measurements/README.md")
struct DocumentedRulesTests {
    private static let text: String = {
        let path = (1...3).reduce(#filePath) { path, _ in FileSystem.parent(of: path) } + "/measurements/README.md"
        return (try? InputFile.contents(of: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }()

    /// The cells of the row that begins with this name.
    private func row(_ name: String) -> [String]? {
        Self.text.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
            .map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
    }

    @Test("has every VMM with its confidence", arguments: KnownVMM.all)
    func vmms(vmm: KnownVMM) throws {
        let cells = try #require(row(vmm.name), "no row for \(vmm.name)")
        #expect(cells.contains(" \(words(vmm.confidence)) "))
    }

    @Test("has every loader of IGVM files with its confidence", arguments: KnownIGVMLoader.all)
    func loaders(loader: KnownIGVMLoader) throws {
        let rows = Self.text.split(separator: "\n").filter { $0.hasPrefix("| `\(loader.name)` |") }
        #expect(rows.contains { $0.hasSuffix(" \(words(loader.confidence)) |") }, "no row for \(loader.name)")
    }

    /// `read-in-source` as people write it.
    private func words(_ confidence: ProfileRule.Confidence) -> String {
        confidence.rawValue.replacing("-", with: " ")
    }
}
