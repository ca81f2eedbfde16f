private import Bytes
public import Documents
private import Hashing
private import Signing

extension TrustPolicy {
    /// Decodes a policy. Every demand must be there or be waived with `skip: reason`; an unknown member is an error.
    public init(_ node: Node) throws(DocumentError) {
        var decoder = try ObjectDecoder(node)
        version = try decoder.integer("version", in: 1...1_000_000)
        let expiry = try decoder.string("expires")
        guard let expires = Timestamp(expiry) else {
            throw decoder.error("expires", "found '\(expiry)', expected a UTC time like 2027-06-30T00:00:00Z")
        }
        self.expires = expires
        roles = try Self.roles(decoder.object("roles"))
        channel = try Self.demand(&decoder, "channel") { inner throws(DocumentError) in
            try inner.integer("minimumVersion", in: 1...Int(Int32.max))
        }
        log = try Self.demand(&decoder, "log") { inner throws(DocumentError) in try Self.filled(&inner, "keys") }
        witnesses = try Self.demand(&decoder, "witnesses") { inner throws(DocumentError) in
            let keys = try Self.filled(&inner, "keys")
            return Witnesses(keys: keys, threshold: try inner.integer("threshold", in: 1...keys.count))
        }
        maximumAge = try Self.demand(&decoder, "maximumAge") { inner throws(DocumentError) in
            try inner.integer("seconds", in: 1...Int(Int32.max))
        }
        quorum = try Self.demand(&decoder, "quorum") { inner throws(DocumentError) in
            try inner.integer("operators", in: 1...64)
        }
        acceptedProfiles = try Self.demand(&decoder, "acceptedProfiles") { inner throws(DocumentError) in
            try Self.profiles(&inner)
        }
        allow = Allowances()
        if var inner = try decoder.optionalObject("allow") {
            allow.development = try inner.distinctStrings("development")
            allow.debug = try inner.distinctStrings("debug")
            allow.vtpmOnly = try inner.distinctStrings("vtpmOnly")
            allow.unprovenKernelBinding = try inner.distinctStrings("unprovenKernelBinding")
            allow.sourceOnlyOrigins = try inner.distinctStrings("sourceOnlyOrigins")
            try inner.finish()
        }
        ignoredPlatforms = [:]
        if var inner = try decoder.optionalObject("ignoredPlatforms") {
            for (name, node) in inner.remainingMembers() {
                ignoredPlatforms[name] = try Self.reason(node, inner.pathOf(name))
            }
        }
        try decoder.finish()
    }

    private static func demand<Wanted>(
        _ decoder: inout ObjectDecoder, _ key: String,
        _ read: (inout ObjectDecoder) throws(DocumentError) -> Wanted
    ) throws(DocumentError) -> Demand<Wanted> {
        guard let node = decoder.optionalNode(key) else {
            throw decoder.error(
                key, "missing; it is required", hint: "to do without it, write '\(key): {skip: the reason}'")
        }
        var inner = try ObjectDecoder(node, path: decoder.pathOf(key))
        if let skip = inner.optionalNode("skip") {
            try inner.finish()
            return .waived(reason: try reason(skip, inner.pathOf("skip")))
        }
        let wanted = try read(&inner)
        try inner.finish()
        return .demanded(wanted)
    }

    private static func reason(_ node: Node, _ path: String) throws(DocumentError) -> String {
        let text = try ObjectDecoder.string(node, path: path)
        guard text.contains(where: { !$0.isWhitespace }), text != "null", text != "~" else {
            throw DocumentError(node.location, path: path, "expected a reason in words")
        }
        return text
    }

    private static func filled(_ decoder: inout ObjectDecoder, _ key: String) throws(DocumentError) -> [String] {
        let list = try decoder.distinctStrings(key)
        guard !list.isEmpty else { throw decoder.error(key, "expected at least one entry") }
        return list
    }

    private static func profiles(_ decoder: inout ObjectDecoder) throws(DocumentError) -> [String: Digest] {
        var result: [String: Digest] = [:]
        for (name, node) in decoder.remainingMembers() {
            let path = decoder.pathOf(name)
            let text = try ObjectDecoder.string(node, path: path)
            guard let digest = Digest(.sha256, hex: text), digest.hex == text else {
                throw DocumentError(
                    node.location, path: path, "expected the profile's SHA-256 in lower-case hex",
                    hint: "'assay verify' prints the digest of every profile in a bundle")
            }
            result[name] = digest
        }
        guard !result.isEmpty else {
            throw DocumentError(decoder.location, path: decoder.path, "expected at least one profile name and digest")
        }
        return result
    }
}

extension TrustPolicy {
    private static func roles(_ decoder: ObjectDecoder) throws(DocumentError) -> [Role: RoleGrant] {
        var decoder = decoder
        var roles: [Role: RoleGrant] = [:]
        var holders: [PublicKey: Role] = [:]
        for role in Role.allCases {
            guard let inner = try decoder.optionalObject(role.rawValue) else { continue }
            let grant = try Self.grant(inner, role)
            for key in grant.keys {
                if let other = holders.updateValue(role, forKey: key.publicKey) {
                    throw decoder.error(
                        role.rawValue,
                        "the key '\(key.name)' stands in the role \(other.rawValue) already; expected one role a key",
                        hint: "the same key under two names or in two roles would count for more than it is")
                }
            }
            roles[role] = grant
        }
        try decoder.finish()
        guard roles[.publisher] != nil || roles[.development] != nil else {
            throw DocumentError(
                decoder.location, path: decoder.path,
                "expected the role publisher or development; nothing else signs values")
        }
        return roles
    }

    private static func grant(_ decoder: ObjectDecoder, _ role: Role) throws(DocumentError) -> RoleGrant {
        var decoder = decoder
        var keys: [RoleGrant.TrustedKey] = []
        for (node, path) in try decoder.list("keys") { keys.append(try key(ObjectDecoder(node, path: path), role)) }
        guard (1...64).contains(keys.count) else {
            throw decoder.error("keys", "found \(keys.count) keys, expected 1 to 64")
        }
        guard Set(keys.map(\.name)).count == keys.count else { throw decoder.error("keys", "a name comes twice") }
        var grant = RoleGrant(
            keys: keys, threshold: try decoder.integer("threshold", in: 1...keys.count), predicates: [], images: [],
            channels: [])
        if role.isScoped {
            grant.predicates = try filled(&decoder, "predicates")
            grant.images = try filled(&decoder, "images")
            grant.channels = try filled(&decoder, "channels")
            let development = ReferenceStatement.Image.developmentChannel
            if role == .development {
                guard grant.channels == [development] else {
                    throw decoder.error("channels", "expected '\(development)' alone for development keys")
                }
            } else if grant.channels.contains(development) {
                throw decoder.error("channels", "'\(development)' belongs to the role development")
            }
        }
        try decoder.finish()
        return grant
    }

    private static func key(_ decoder: ObjectDecoder, _ role: Role) throws(DocumentError) -> RoleGrant.TrustedKey {
        var decoder = decoder
        let name = try decoder.string("name")
        let text = try decoder.string("publicKey")
        let label = role == .rebuilder ? try decoder.string("operator") : nil
        try decoder.finish()
        do {
            let key = try PublicKey(pem: text, source: name)
            return RoleGrant.TrustedKey(name: name, publicKey: key, operatorLabel: label)
        } catch {
            throw decoder.error("publicKey", "\(error)", hint: error.hint)
        }
    }
}
