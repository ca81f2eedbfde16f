import Bytes
import Documents
import Files
import ReferenceValues
import TestSupport
import Testing
import YAMLDocuments

@Suite("Shipped platform profiles")
struct ShippedProfileTests {
    static let folder =
        FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath))) + "/measurements/platforms"

    static var names: [String] { (try? FileSystem.list(folder)) ?? [] }

    @Test("say all that a statement must repeat", arguments: names)
    func facts(name: String) throws {
        let path = "\(Self.folder)/\(name)/profile.yaml"
        let facts = try PlatformFacts(profile: YAMLReader.parse(InputFile.contents(of: path), source: path))
        #expect(facts.name == name)
        let said = Set(facts.conditions.map(\.name) + ["RTMR3"])
        let missing = Platform.requiredConditions(facts.technology).filter { !said.contains($0) }
        #expect(missing == [])
    }
}
