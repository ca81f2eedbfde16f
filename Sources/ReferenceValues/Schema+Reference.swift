internal import Documents

extension JSONSchema {
    /// The reference statement, an in-toto Statement.
    static var referenceForm: JSONSchema {
        let subject = object([
            ("name", file), ("digest", object([("sha256", hex(32)), ("sha384", hex(48))])),
        ])
        let image = object([("name", word), ("version", word), ("variant", word), ("channel", word)])
        let predicate = object([
            ("image", image), ("inputs", inputs), ("formatRevisions", map(integer(1...1_000_000), names: word)),
            ("archiveChain", choice(ReferenceStatement.ArchiveChain.self)),
            ("platforms", list(platform, minimum: 1)),
        ])
        return object(
            [
                ("_type", constant(ReferenceStatement.statementType)), ("subject", list(subject, minimum: 1)),
                ("predicateType", constant(ReferenceStatement.predicateType)), ("predicate", predicate),
            ],
            description: "Reference values. The bytes are canonical JSON: RFC 8785, integers only, no final newline; "
                + "subjects and input files are sorted by name.")
    }

    private static var inputs: JSONSchema {
        let source = object([("repository", text()), ("commit", text(pattern: "^[0-9a-f]{40,}$"))])
        let entry = object([("name", file), ("role", choice(Inputs.File.Role.self)), ("sha256", hex(32))])
        return object([
            ("source", either([null, source])), ("files", list(entry, minimum: 2)),
            (
                "treeDigest",
                text("SHA-256 of the canonical JSON of files.", pattern: "^[0-9a-f]{64}$")
            ),
        ])
    }

    private static var platform: JSONSchema {
        let register = text("A digest.", pattern: "^([0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$")
        let set = object(
            [("axes", map(text(), names: word)), ("registers", map(register, names: word)), ("trace", hex(32))],
            description: "One complete alternative together with sharedRegisters. Sets are never mixed.")
        let axis = object([("name", word), ("registers", list(text())), ("values", list(text(), minimum: 1))])
        let condition = object(
            [
                ("name", word), ("value", text()), ("mask", text()), ("rule", text()), ("demand", text()),
                ("reason", text()),
            ], optional: ["value", "mask", "rule", "demand", "reason"],
            description: "Exactly one of: value; value with mask; rule; demand (a key of the operator's file).")
        return object([
            ("name", word), ("tee", choice(Technology.self)), ("rootOfTrust", text()),
            (
                "kernelBinding",
                object([("state", choice(PlatformFacts.KernelBinding.State.self)), ("origin", text())])
            ),
            ("notCovered", list(text())), ("conditions", list(condition)),
            (
                "rules",
                list(object([("name", text()), ("confidence", choice(PlatformFacts.Rule.Confidence.self))]))
            ),
            ("profileDigest", hex(32)), ("axes", list(axis)), ("sharedRegisters", map(register, names: word)),
            ("valueSets", list(set, minimum: 1)),
        ])
    }
}
