import Documents
import TestSupport
import Testing
import YAMLDocuments

private func parse(_ text: String) throws -> Documents.Node {
    try YAMLReader.parse(Array(text.utf8), source: "t.yaml")
}

@Suite("YAML reader")
struct YAMLReaderTests {
    @Test("leaves unquoted scalars as raw text: the schema says what they are")
    func rawScalars() throws {
        let value = try parse("a: 010\nb: 1:30\nc: yes\nd: '7'\ne: 1.0\nf: ~\n").value
        #expect(value["a"] == .plain("010"))
        #expect(value["b"] == .plain("1:30"))
        #expect(value["c"] == .plain("yes"))
        #expect(value["d"] == .string("7"))
        #expect(value["e"] == .plain("1.0"))
        #expect(value["f"] == .plain("~"))
    }

    @Test("every value has its line and column")
    func marks() throws {
        guard case .object(let members) = try parse("a:\n  b: x\n").value,
            case .object(let inner) = members[0].node.value
        else { throw TestFailure("wrong shape") }
        #expect(inner[0].node.location == Location(source: "t.yaml", line: 2, column: 6))
    }

    @Test(
        "refuses what the project's YAML leaves out",
        arguments: [
            "", "a: &x 1\n", "a: &x 1\nb: *x\n", "a: !!int 3\n", "a: !custom x\n", "<<: {a: 1}\n", "a: 1\na: 2\n",
            "a: 1\n---\nb: 2\n", "? [1]\n: x\n", "a: [1\n", "\t- x\n", "a: b: c\n",
        ])
    func refusals(text: String) {
        #expect(throws: DocumentError.self) { try parse(text) }
    }

    @Test("a duplicate key is named with its line")
    func duplicate() {
        let error = #expect(throws: DocumentError.self) { try parse("x:\n  a: 1\n  b: 2\n  a: 3\n") }
        #expect(error?.description.contains("duplicate key") == true)
        #expect(error?.location.line ?? 0 > 0)
    }

    @Test(
        "a duplicate key is named with the second place and its path",
        arguments: [
            ("a: 1\nb: 2\na: 3\n", 3, "a"), ("x:\n  a: 1\n  b:\n    a: 2\n\n  # a\n  a: 3\n", 7, "x.a"),
            ("- k: 1\n- k: 1\n  l: 2\n  k: 3\n", 4, "[1].k"), ("x: [{a: 1, a: 2}]\n", 1, "a"),
            ("x:\n  - y:\n      'q': 1\n      \"q\": 2\n", 4, "x[0].y.q"),
        ])
    func duplicatePlace(text: String, line: Int, path: String) {
        let error = #expect(throws: DocumentError.self) { try parse(text) }
        #expect(error?.problem.hasPrefix("duplicate key") == true)
        #expect(error?.location.line == line)
        #expect(error?.path == path)
    }

    @Test("bytes that are no UTF-8 are named with their line")
    func notUTF8() {
        let error = #expect(throws: DocumentError.self) {
            try YAMLReader.parse(Array("a: 1\nb: ".utf8) + [0xFF, 0x0A], source: "x.yaml")
        }
        #expect(error?.description == "x.yaml:2:1: holds bytes that are not UTF-8")
    }

    @Test("refuses deep nesting and large documents")
    func limits() {
        #expect(throws: DocumentError.self) { try parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: DocumentError.self) { try parse(String(repeating: "- ", count: 200) + "x") }
        #expect(throws: DocumentError.self) { try parse("a: " + String(repeating: "x", count: 1 << 20)) }
    }
}
