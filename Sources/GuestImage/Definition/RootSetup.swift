internal import Documents

/// What stands for the maintainer scripts of the root's packages beside the rules that know them.
public struct RootSetup: Sendable, Hashable {
    /// Users beside those of base-passwd, and numbers of those that packages ask for.
    public var users: [UserRequest] = []
    public var groups: [GroupRequest] = []
    /// Which units of systemd start; nil makes no link.
    public var units: UnitSettings?
    /// Kernel parameters that systemd-sysctl sets, by name.
    public var sysctl: [KernelParameter] = []
    /// Programs that a name stands for, where the packages' own choice is not meant.
    public var alternatives: [ProgramChoice] = []
    /// Whether the root has a list of its packages in dpkg's form.
    public var packageStatus = false
    /// Scripts that no rule knows and the definition accepts as not run.
    public var scripts: [AcceptedScript] = []

    public init() {}
}

extension RootSetup {
    /// Reads its keys from an object that has others.
    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        self.init()
        for (node, path) in try decoder.optionalList("users") {
            users.append(try UserRequest(ObjectDecoder(node, path: path)))
        }
        for (node, path) in try decoder.optionalList("groups") {
            groups.append(try GroupRequest(ObjectDecoder(node, path: path)))
        }
        units = try decoder.optionalObject("units").map { (inner) throws(DocumentError) in try UnitSettings(inner) }
        sysctl = try KernelParameter.all(decoder.optionalObject("sysctl"))
        for (node, path) in try decoder.optionalList("alternatives") {
            alternatives.append(try ProgramChoice(ObjectDecoder(node, path: path)))
        }
        packageStatus = try decoder.optionalBool("packageStatus") ?? false
        for (node, path) in try decoder.optionalList("scripts") {
            scripts.append(try AcceptedScript(ObjectDecoder(node, path: path)))
        }
        for (key, names) in [
            ("users", users.map(\.name)), ("groups", groups.map(\.name)), ("alternatives", alternatives.map(\.name)),
        ] {
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted {
                throw DocumentError(decoder.location, path: decoder.pathOf(key), "'\(name)' is given twice")
            }
        }
    }

    /// The keys that are used; the digest of a definition without them is what it was before there were any.
    var members: [(String, Value)] {
        var result: [(String, Value)] = []
        if !users.isEmpty { result.append(("users", .array(of: users.map(\.document)))) }
        if !groups.isEmpty { result.append(("groups", .array(of: groups.map(\.document)))) }
        if let units { result.append(("units", units.document)) }
        if !sysctl.isEmpty { result.append(("sysctl", .object(sysctl.map { ($0.name, .string($0.value)) }))) }
        if !alternatives.isEmpty { result.append(("alternatives", .array(of: alternatives.map(\.document)))) }
        if packageStatus { result.append(("packageStatus", .bool(true))) }
        if !scripts.isEmpty { result.append(("scripts", .array(of: scripts.map(\.document)))) }
        return result
    }

    static var schema: [(String, JSONSchema)] {
        [
            ("users", .list(UserRequest.schema)), ("groups", .list(GroupRequest.schema)),
            ("units", UnitSettings.schema),
            ("sysctl", KernelParameter.schema), ("alternatives", .list(ProgramChoice.schema)), ("packageStatus", .flag),
            ("scripts", .list(AcceptedScript.schema)),
        ]
    }
}
