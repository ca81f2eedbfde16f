internal import Documents

extension JSONSchema {
    /// `trust.yaml`.
    static var trustForm: JSONSchema {
        let names = list(text(), unique: true)
        let filled = list(text(), minimum: 1, unique: true)
        let allow = ["development", "debug", "vtpmOnly", "unprovenKernelBinding", "sourceOnlyOrigins"]
        return object(
            [
                ("version", integer(1...1_000_000)),
                ("expires", text(pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")),
                (
                    "roles",
                    object(
                        Role.allCases.map { ($0.rawValue, role($0)) }, optional: Role.allCases.map(\.rawValue),
                        description: "Needs publisher or development. A key stands in one role, once.")
                ),
                ("channel", demand([("minimumVersion", integer(1...Int(Int32.max)))])),
                ("log", demand([("keys", filled)])),
                ("witnesses", demand([("keys", filled), ("threshold", integer(1...1_000_000))])),
                ("maximumAge", demand([("seconds", integer(1...Int(Int32.max)))])),
                ("quorum", demand([("operators", integer(1...64))])),
                // A profile named `skip` is read as a waiver, so the two forms never overlap.
                ("acceptedProfiles", any([waiver, map(hex(32), minimum: 1)])),
                ("allow", object(allow.map { ($0, names) }, optional: allow)), ("ignoredPlatforms", map(reason)),
            ], optional: ["allow", "ignoredPlatforms"],
            description: "A trust policy. A threshold is at most the number of keys.")
    }

    private static var reason: JSONSchema { text("A reason in words; every verdict repeats it.", pattern: "\\S") }

    private static var waiver: JSONSchema { object([("skip", reason)]) }

    private static func demand(_ members: [(String, JSONSchema)]) -> JSONSchema { either([object(members), waiver]) }

    private static func role(_ role: Role) -> JSONSchema {
        var key: [(String, JSONSchema)] = [("name", text()), ("publicKey", text("SubjectPublicKeyInfo in PEM."))]
        if role == .rebuilder { key.append(("operator", text("Who runs it; distinct operators are counted."))) }
        var members: [(String, JSONSchema)] = [
            ("threshold", integer(1...64)), ("keys", list(object(key), minimum: 1, maximum: 64)),
        ]
        if role.isScoped {
            let names = list(text(), minimum: 1, unique: true)
            members += [("predicates", names), ("images", names), ("channels", names)]
        }
        return object(members)
    }
}
