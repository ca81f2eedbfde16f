/// Canonical JSON: RFC 8785 restricted to what Assay persists (design, §4).
///
/// Keys are sorted by UTF-16 code units, integers lie within ±(2^53−1), there are no floats, no insignificant space
/// and no final newline. Two equal values have equal bytes, on every machine.
public enum CanonicalJSON {
    /// The canonical bytes of `value`. Throws for a float, an unquoted YAML scalar, a duplicate key or a large integer.
    public static func encode(_ value: Value) throws(DocumentError) -> [UInt8] {
        var out: [UInt8] = []
        try write(value, path: "", into: &out)
        return out
    }

    /// Reads a canonical document: strict JSON whose bytes equal their own re-encoding.
    public static func parse(_ bytes: [UInt8], source: String) throws(DocumentError) -> Node {
        let node = try JSONReader.parse(bytes, source: source)
        guard try encode(node.value) == bytes else {
            throw DocumentError(
                Location(source: source), "not in canonical form (sorted keys, no spaces, no final newline)",
                hint: "a signed document is compared byte for byte; do not reformat it")
        }
        return node
    }

    private static func write(_ value: Value, path: String, into out: inout [UInt8]) throws(DocumentError) {
        switch value {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let flag): out.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number):
            guard number.magnitude < 1 << 53 else {
                throw refused(path, "integer \(number) beyond 2^53−1; write it as a 0x string")
            }
            out.append(contentsOf: String(number).utf8)
        case .string(let text): writeString(text, into: &out)
        case .array(let nodes):
            out.append(UInt8(ascii: "["))
            for (index, node) in nodes.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                try write(node.value, path: "\(path)[\(index)]", into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members): try writeObject(members, path: path, into: &out)
        case .number(let text), .plain(let text): throw refused(path, "'\(text)' has no canonical form")
        }
    }

    private static func writeObject(
        _ members: [Value.Member], path: String, into out: inout [UInt8]
    ) throws(DocumentError) {
        let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
        out.append(UInt8(ascii: "{"))
        for (index, member) in sorted.enumerated() {
            if index > 0 {
                guard Array(sorted[index - 1].key.utf16) != Array(member.key.utf16) else {
                    throw refused(path, "duplicate key '\(member.key)'")
                }
                out.append(UInt8(ascii: ","))
            }
            writeString(member.key, into: &out)
            out.append(UInt8(ascii: ":"))
            try write(member.node.value, path: path.isEmpty ? member.key : "\(path).\(member.key)", into: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private static func refused(_ path: String, _ problem: String) -> DocumentError {
        DocumentError(Location(source: "canonical JSON"), path: path, problem)
    }

    /// RFC 8785, §3.2.2.2: the seven short escapes, other control characters as lower-case \u00xx, all else as it is.
    static func writeString(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out.append(contentsOf: #"\""#.utf8)
            case UInt8(ascii: "\\"): out.append(contentsOf: #"\\"#.utf8)
            case 0x08: out.append(contentsOf: #"\b"#.utf8)
            case 0x09: out.append(contentsOf: #"\t"#.utf8)
            case 0x0A: out.append(contentsOf: #"\n"#.utf8)
            case 0x0C: out.append(contentsOf: #"\f"#.utf8)
            case 0x0D: out.append(contentsOf: #"\r"#.utf8)
            case 0..<0x20: out.append(contentsOf: "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

/// JSON for people: the canonical key order, two spaces of indent, a final newline.
public enum ReadableJSON {
    /// `value` indented; foreign numbers are written as they were.
    public static func encode(_ value: Value) -> String {
        var out: [UInt8] = []
        write(value, indent: 0, into: &out)
        out.append(UInt8(ascii: "\n"))
        return String(decoding: out, as: UTF8.self)
    }

    private static func write(_ value: Value, indent: Int, into out: inout [UInt8]) {
        switch value {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let flag): out.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number): out.append(contentsOf: String(number).utf8)
        case .number(let text): out.append(contentsOf: text.utf8)
        case .string(let text), .plain(let text): CanonicalJSON.writeString(text, into: &out)
        case .array(let nodes):
            list(nodes, open: "[", close: "]", indent: indent, into: &out) { node, out in
                write(node.value, indent: indent + 1, into: &out)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            list(sorted, open: "{", close: "}", indent: indent, into: &out) { member, out in
                CanonicalJSON.writeString(member.key, into: &out)
                out.append(contentsOf: ": ".utf8)
                write(member.node.value, indent: indent + 1, into: &out)
            }
        }
    }

    private static func list<Item>(
        _ items: [Item], open: String, close: String, indent: Int, into out: inout [UInt8],
        _ item: (Item, inout [UInt8]) -> Void
    ) {
        out.append(contentsOf: open.utf8)
        for (index, each) in items.enumerated() {
            out.append(contentsOf: (index > 0 ? ",\n" : "\n").utf8)
            out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * (indent + 1)))
            item(each, &out)
        }
        if !items.isEmpty {
            out.append(UInt8(ascii: "\n"))
            out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indent))
        }
        out.append(contentsOf: close.utf8)
    }
}
