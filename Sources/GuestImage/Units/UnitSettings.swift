internal import Documents

/// Which units of systemd an image starts: `root.units`.
public struct UnitSettings: Sendable, Hashable {
    /// Whether the packages' presets are applied first.
    public var presets = false
    public var enable: [String] = []
    /// Units that the presets would enable and are not.
    public var disable: [String] = []
    /// Units that cannot be started by anything.
    public var mask: [String] = []
    /// The target that the system starts.
    public var defaultTarget: String?

    public init() {}
}

extension UnitSettings {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        presets = try decoder.optionalBool("presets") ?? false
        enable = try decoder.unitNames("enable")
        disable = try decoder.unitNames("disable")
        mask = try decoder.unitNames("mask")
        defaultTarget = try decoder.optionalString("default")
        if let target = defaultTarget, UnitName(target)?.suffix != ".target" {
            throw decoder.error("default", "found '\(target)', expected the name of a target")
        }
        for (key, names) in [("disable", disable), ("mask", mask)] {
            if let both = names.first(where: { enable.contains($0) }) {
                throw decoder.error(key, "'\(both)' is in 'enable', too")
            }
        }
        try decoder.finish()
    }

    var document: Value {
        var members: [(String, Value)] = presets ? [("presets", .bool(true))] : []
        for (key, names) in [("enable", enable), ("disable", disable), ("mask", mask)] where !names.isEmpty {
            members.append((key, .strings(names)))
        }
        if let defaultTarget { members.append(("default", .string(defaultTarget))) }
        return .object(members)
    }

    static var schema: JSONSchema {
        let types = "service|socket|target|mount|automount|timer|path|swap|slice|device|scope"
        let stem = #"(?!@)[A-Za-z0-9:_.\\@-]+"#
        let names = JSONSchema.list(.text("A unit.", pattern: "^\(stem)\\.(\(types))$"), unique: true)
        return .object(
            [
                ("presets", .flag), ("enable", names), ("disable", names), ("mask", names),
                ("default", .text("A target.", pattern: "^\(stem)\\.target$")),
            ], optional: ["presets", "enable", "disable", "mask", "default"],
            description: "No unit is in 'enable' and in 'disable' or 'mask'.")
    }
}

extension ObjectDecoder {
    fileprivate mutating func unitNames(_ key: String) throws(DocumentError) -> [String] {
        var result: [String] = []
        for (node, path) in try optionalList(key) {
            let name = try Self.string(node, path: path)
            guard UnitName(name) != nil else {
                throw DocumentError(
                    node.location, path: path,
                    "found '\(name)', expected the name of a unit with its type, as 'x.service'")
            }
            guard !result.contains(name) else {
                throw DocumentError(node.location, path: path, "'\(name)' is listed twice")
            }
            result.append(name)
        }
        return result
    }
}
