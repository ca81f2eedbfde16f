internal import Documents

/// What stands for the maintainer scripts of the root's packages beside the rules that know them.
public struct RootSetup: Sendable, Hashable {
    /// Scripts that no rule knows and the definition accepts as not run.
    public var scripts: [AcceptedScript] = []

    public init() {}
}

extension RootSetup {
    /// Reads its keys from an object that has others.
    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        self.init()
        for (node, path) in try decoder.optionalList("scripts") {
            scripts.append(try AcceptedScript(ObjectDecoder(node, path: path)))
        }
    }

    /// The keys that are used; the digest of a definition without them is what it was before there were any.
    var members: [(String, Value)] {
        scripts.isEmpty ? [] : [("scripts", .array(of: scripts.map(\.document)))]
    }

    static let schema: [(String, JSONSchema)] = [("scripts", .list(AcceptedScript.schema))]
}
