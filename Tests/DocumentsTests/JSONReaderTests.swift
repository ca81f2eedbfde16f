import Documents
import TestSupport
import Testing

private func parse(_ text: String, _ mode: JSONReader.Mode = .strict) throws -> Value {
    try JSONReader.parse(Array(text.utf8), source: "test.json", mode: mode).value
}

@Suite("JSON reader")
struct JSONReaderTests {
    @Test("reads every kind of value")
    func everyKind() throws {
        let value = try parse(#" {"a":[1,-2,true,false,null],"b":{"c":"x"}} "#)
        #expect(value["b"]?["c"] == .string("x"))
        guard case .array(let nodes) = value["a"] else { throw TestFailure("no list") }
        #expect(nodes.map(\.value) == [.integer(1), .integer(-2), .bool(true), .bool(false), .null])
    }

    @Test("keeps the line and column of every value")
    func locations() throws {
        let node = try JSONReader.parse(Array("{\n  \"key\": 7\n}".utf8), source: "f")
        guard case .object(let members) = node.value else { throw TestFailure("no object") }
        #expect(members[0].node.location == Location(source: "f", line: 2, column: 10))
    }

    @Test("joins surrogate pairs and decodes escapes")
    func escapes() throws {
        #expect(try parse(#""\ud83d\ude00\u00e9\n\"\\\/""#) == .string("😀é\n\"\\/"))
    }

    @Test(
        "refuses what is not strict JSON",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,}", "01", "+1", "1.5", "1e3", "-0", "9007199254740992", "\"\\ud800\"",
            "\"\\udc00x\"", "\"\u{1}\"", "nul", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "1 2", "{a:1}", "'a'",
            "[1 2]", "\"\\x\"", "\"abc", "\u{FEFF}1",
        ])
    func refusals(text: String) {
        #expect(throws: DocumentError.self) { try parse(text) }
    }

    @Test("takes fractions and exponents in foreign mode and still refuses duplicates")
    func foreign() throws {
        #expect(try parse("[1.5,1e3]", .foreign) == parse("[1.5,1e3]", .foreign))
        #expect(throws: DocumentError.self) { try parse("{\"a\":1,\"a\":1}", .foreign) }
    }

    @Test("names the key path and line of a duplicate")
    func duplicate() {
        let text = "{\"a\": {\"b\": 1,\n \"b\": 2}}"
        let error = #expect(throws: DocumentError.self) { try parse(text) }
        #expect(error?.description == "test.json:2:2: a.b: duplicate key")
    }

    @Test("refuses deep nesting without overflowing the stack")
    func depth() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: DocumentError.self) { try parse(text) }
    }

    @Test("never traps on random bytes")
    func randomBytes() {
        let seed: UInt64 = 0xA55A_2026
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("{}[]\",:0123456789eE+-.\\utrfalsn \n".utf8)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...40, using: &random)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            _ = try? JSONReader.parse(bytes, source: "seed \(seed)")
        }
    }
}

@Suite("canonical JSON")
struct CanonicalJSONTests {
    @Test("sorts keys by UTF-16 units, as RFC 8785 §3.2.3 shows")
    func keyOrder() throws {
        let keys = ["\u{20AC}", "\r", "\u{FB33}", "1", "\u{1F600}", "\u{80}", "\u{F6}"]
        let text = try CanonicalJSON.encode(.object(keys.map { ($0, .null) }))
        let order = ["\\r", "1", "\u{80}", "\u{F6}", "\u{20AC}", "\u{1F600}", "\u{FB33}"]
        let expected = "{" + order.map { "\"\($0)\":null" }.joined(separator: ",") + "}"
        #expect(String(decoding: text, as: UTF8.self) == expected)
    }

    @Test("escapes only what RFC 8785 §3.2.2.2 names")
    func escapes() throws {
        let text = try CanonicalJSON.encode(.string("\u{8}\t\n\u{C}\r\"\\/\u{1F}\u{7F}é"))
        #expect(String(decoding: text, as: UTF8.self) == #""\b\t\n\f\r\"\\/\u001f"# + "\u{7F}é\"")
    }

    @Test("round trips")
    func roundTrip() throws {
        let text = #"{"a":[1,{"b":"c"}],"z":-9007199254740991}"#
        let node = try CanonicalJSON.parse(Array(text.utf8), source: "t")
        #expect(try CanonicalJSON.encode(node.value) == Array(text.utf8))
    }

    @Test("refuses a document in any other form", arguments: ["{\"b\":1,\"a\":2}", "{ \"a\":1}", "1\n", "\"\\u0061\""])
    func otherForms(text: String) {
        #expect(throws: DocumentError.self) { try CanonicalJSON.parse(Array(text.utf8), source: "t") }
    }

    @Test("refuses values without a canonical form")
    func noForm() {
        for value: Value in [.number("1.5"), .plain("x"), .integer(1 << 53), .object([("a", .null), ("a", .null)])] {
            #expect(throws: DocumentError.self) { try CanonicalJSON.encode(value) }
        }
    }
}

@Suite("strict object decoder")
struct ObjectDecoderTests {
    private func decoder(_ text: String) throws -> ObjectDecoder {
        try ObjectDecoder(JSONReader.parse(Array(text.utf8), source: "t.json"))
    }

    @Test("an unread key is an error that suggests the nearest known one")
    func unknownKey() throws {
        var decoder = try decoder(#"{"name":"x","verison":1}"#)
        _ = try decoder.string("name")
        _ = try decoder.optionalInteger("version")
        let error = #expect(throws: DocumentError.self) { try decoder.finish() }
        #expect(error?.path == "verison")
        #expect(error?.hint == "did you mean 'version'?")
    }

    @Test("wrong types and ranges name the path and what was found")
    func wrongTypes() throws {
        var decoder = try decoder(#"{"a":{"n":"x","m":300}}"#)
        var inner = try decoder.object("a")
        let wrong = #expect(throws: DocumentError.self) { try inner.integer("n") }
        #expect(wrong?.description == "t.json:1:11: a.n: found a string, expected an integer")
        let error = #expect(throws: DocumentError.self) { try inner.integer("m", in: 0...255) }
        #expect(error?.problem == "found 300, expected 0 to 255")
        let missing = #expect(throws: DocumentError.self) { try inner.string("gone") }
        #expect(missing?.problem == "missing; it is required")
    }

    @Test("hex must be lower case and of the given length")
    func hex() throws {
        var decoder = try decoder(#"{"a":"00ff","b":"00FF","c":"0"}"#)
        #expect(try decoder.hex("a", count: 2) == [0, 255])
        #expect(throws: DocumentError.self) { try decoder.hex("b") }
        #expect(throws: DocumentError.self) { try decoder.hex("c") }
    }
}

@Suite("missing keys")
struct MissingKeyTests {
    @Test("a key that looks like the missing one is named in its place")
    func nearMiss() throws {
        let node = try JSONReader.parse(Array("{\n\"versoin\": 1}".utf8), source: "x.json")
        var decoder = try ObjectDecoder(node)
        let error = #expect(throws: DocumentError.self) { try decoder.integer("version") }
        #expect(error?.path == "versoin")
        #expect(error?.location.line == 2)
        #expect(error?.hint == "did you mean 'version'?")
        var other = try ObjectDecoder(node)
        let far = #expect(throws: DocumentError.self) { try other.integer("epoch") }
        #expect(far?.problem == "missing; it is required")
    }
}
