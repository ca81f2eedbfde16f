public import Documents

extension ImageLock {
    /// The form of `image.lock.json`.
    public static let schema: JSONSchema = {
        let texts = JSONSchema.list(.text())
        let path = JSONSchema.text(
            "A relative path.", pattern: #"^(?!\.{1,2}(/|$))[^/]+(/(?!\.{1,2}(/|$))[^/]+)*$"#)
        let kept = JSONSchema.object([
            ("path", path), ("size", .integer(1...KeptFile.largest)), ("sha256", .hex(32)),
        ])
        let asked = JSONSchema.object([("name", .text()), ("archive", .text()), ("components", texts)])
        let request = JSONSchema.object(
            [
                ("architecture", .text()), ("suites", .list(asked)), ("keys", texts), ("packages", texts),
                ("extras", texts), ("provided", texts), ("snapshot", .text()), ("sources", .list(.sourceRequest)),
            ], optional: ["snapshot", "sources"])
        let index = JSONSchema.object([
            ("component", .text()), ("path", path), ("size", .integer(1...1 << 30)), ("sha256", .hex(32)),
        ])
        let suite = JSONSchema.object([
            ("name", .text()), ("archive", .text()), ("inRelease", kept), ("date", .integer(0...(1 << 53) - 1)),
            ("signedBy", texts), ("indexes", .list(index)),
        ])
        let package = JSONSchema.object([
            ("name", .text()), ("version", .text()), ("architecture", .text()), ("source", .text()),
            ("sourceVersion", .text()), ("path", path), ("size", .integer(1...1 << 40)), ("sha256", .hex(32)),
            ("archive", .text()), ("suite", .text()), ("component", .text()), ("extra", .flag),
        ])
        return .object(
            [
                ("version", .integer(version...version)), ("request", request), ("keyring", kept),
                ("suites", .list(suite)), ("packages", .list(package)), ("sources", .list(.lockedSource)),
            ], optional: ["sources"],
            description: "Every input of an image. Packages are sorted by name, and each is from a suite of the lock.")
    }()
}

extension JSONSchema {
    private static let digest = text(pattern: "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")

    private static func source(_ more: [(String, JSONSchema)]) -> JSONSchema {
        let image = [("image", text()), ("digest", digest), ("platform", text(pattern: "^[^/]+/[^/]+(/[^/]+)?$"))]
        return either([object(image + more), object([("file", text()), ("digest", digest)] + more)])
    }

    fileprivate static var sourceRequest: JSONSchema { source([]) }

    fileprivate static var lockedSource: JSONSchema {
        let blob = object(
            [("digest", digest), ("size", integer(0...OCIDescriptor.largest)), ("mediaType", text())],
            optional: ["mediaType"])
        return source([("blobs", list(blob, minimum: 1))])
    }
}
