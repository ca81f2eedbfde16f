import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing

/// The cases of `tdx/public.json`, and their inputs.
struct TDXVectors {
    static let folder = (Outside.vectors ?? "") + "/tdx"

    /// A case by its name, so that each is a test of its own.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let value: Value
        var testDescription: String { name }

        var kind: String { value["kind"]?.text ?? "" }
        var expected: Value { value["expected"] ?? .null }
        var parameters: Value { value["params"] ?? .null }
        var inputs: Value { value["inputs"] ?? .null }

        /// Requires that a text of `expected` is this.
        func expect(_ key: String, _ found: String, at place: SourceLocation = #_sourceLocation) {
            #expect(expected[key]?.text == found, "\(name): \(key)", sourceLocation: place)
        }
    }

    static let all: [Case] = {
        guard Outside.vectors != nil, let bytes = try? InputFile.contents(of: folder + "/public.json"),
            let index = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
            case .array(let nodes) = index.value["cases"]
        else { return [] }
        return nodes.map { Case(name: $0.value["name"]?.text ?? "", value: $0.value) }
    }()

    static func of(_ kinds: String...) -> [Case] { all.filter { kinds.contains($0.kind) } }
}

extension TDXVectors.Case {
    /// The bytes of an input: a file beside the index, literal hex, or a member of a package.
    func input(_ key: String) throws -> [UInt8] {
        guard let entry = inputs[key] else { throw TestFailure("\(name): no input \(key)") }
        if let file = entry["file"]?.text {
            let bytes = try InputFile.contents(of: TDXVectors.folder + "/" + file)
            try check(bytes, entry["sha256"]?.text)
            return bytes
        }
        return try packaged(entry)
    }

    /// Members of a package one after the other; `deb` stands in the inputs themselves, or in one of them.
    func packaged(_ entry: Value? = nil) throws -> [UInt8] {
        let entry = entry ?? inputs
        guard let deb = entry["deb"] else { throw TestFailure("\(name): an input without file or package") }
        let package = try PoolPackage(deb["package"]?.text ?? "", version: deb["version"]?.text ?? "")
        var members: [String] = []
        if let member = deb["member"]?.text { members = [member] }
        if case .array(let nodes)? = deb["members_concatenated"] { members = nodes.compactMap(\.value.text) }
        let bytes = try members.flatMap { try package.contents($0) }
        try check(bytes, entry["image_sha256"]?.text ?? entry["file_sha256"]?.text)
        return bytes
    }

    private func check(_ bytes: [UInt8], _ digest: String?) throws {
        guard digest == nil || digest == Digest.of(bytes, .sha256).hex else {
            throw TestFailure("\(name): other bytes than the index says")
        }
    }

    /// Whether the inputs are in the folder of packages, so that a case that needs another version can say so.
    var packages: [(name: String, version: String)] {
        func find(_ value: Value) -> [(String, String)] {
            guard case .object(let members) = value else { return [] }
            if let deb = value["deb"], let name = deb["package"]?.text, let version = deb["version"]?.text {
                return [(name, version)]
            }
            return members.flatMap { find($0.node.value) }
        }
        return find(inputs)
    }
}

extension Value {
    /// The items of an array.
    var items: [Value] { if case .array(let nodes) = self { nodes.map(\.value) } else { [] } }
    /// The bytes of a string of hex digits.
    var hexBytes: [UInt8]? { text.flatMap { [UInt8](hex: $0) } }
}
